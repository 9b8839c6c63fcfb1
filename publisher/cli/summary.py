"""What stands where: the service's start summary and `publisher status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from publisher.cli.context import Context
from publisher.model import Document, DocumentResult, DocumentState
from publisher.store import alarms, articles, documents, edition_hand, hub_view, ledger_view, readers
from publisher.store.engine import Tx
from publisher.store.lock import sender

#: Rejected documents that the start summary names; `documents list` has them all.
_SHOWN = 5


async def facts(it: Context) -> dict[str, Any]:
    """The state of the store, as JSON values."""
    async with it.store.read() as tx:
        due = await readers.next_due(tx)
        return {
            "service": await sender(it.store, it.settings.store_folder),
            "articles": {"live": await articles.count_live(tx), "scheduled": await articles.count_scheduled(tx)},
            "sections": [slug for slug, _ in await articles.sections(tx)],
            "rejected": [
                {"path": _place(row), "reason": row.reason, "remedy": row.remedy}
                for row in await documents.list_documents(tx, DocumentState.REJECTED) if row.present
            ],
            "newsletters": {
                n.name: {"readers": due[n.name][1] if n.name in due else 0, "next_due_at": due.get(n.name, (None,))[0]}
                for n in it.settings.newsletter
            },
            "subscriptions": await readers.count_by_state(tx),
            "outbox": await ledger_view.counts(tx),
            "notices": await ledger_view.counts_of_notices(tx),
            "next_attempt_at": await ledger_view.next_attempt(tx),
            "hub": await _hub(it, tx),
            "paused": await edition_hand.paused(tx),
            "all_paused": await edition_hand.all_paused(tx),
            "alarms": [
                {"kind": row.kind, "reason": row.reason, "since": row.since} for row in await alarms.standing(tx)
            ],
        }


async def _hub(it: Context, tx: Tx) -> dict[str, Any]:
    return {
        "enabled": it.settings.hub.enabled, **await hub_view.counts(tx), "troubles": await hub_view.failing(tx),
        "pings": await hub_view.pings(tx),
    }


async def lines(it: Context, address: str, picked_up: Sequence[DocumentResult]) -> list[str]:
    """The start summary: what is served where, what is due when, what was rejected."""
    known = await facts(it)
    settings = it.settings
    tally = Counter(row.status for row in picked_up)
    news = ", ".join(f"{tally[kind]} {kind}" for kind in ("added", "updated", "rejected") if tally[kind])
    found = [
        "",
        f"{settings.site.title} is up at {address}/",
        "",
        _row("Articles", f"{known['articles']['live']} live ({news or 'nothing new'})"),
        _row("Feeds", f"{address}/rss.xml  /atom.xml  /feed.json"),
        _row("", f"and the same three for each of {_plural(len(known['sections']), 'section')}"),
        _row("Files", str(settings.path(settings.output.directory))),
        _row("Subscribe", f"{address}/subscribe"),
    ]
    if settings.mail.transport == "inbox":
        count = sum(1 for _ in settings.inbox.glob("*.eml"))
        found.append(_row("Inbox", f"{address}/inbox/ ({_plural(count, 'message')}; nothing leaves this machine)"))
    else:
        found.append(_row("Mail", _mail(it)))
    waiting = sum(known["outbox"].values()) + sum(known["notices"].values())
    if waiting:
        found.append(_row("Waiting", f"{_plural(waiting, 'message')} not sent yet: publisher outbox list"))
    found += _newsletters(it, known)
    found += _rejected(known["rejected"])
    return [*found, *_way_back(it), "", "Ctrl-C stops it.", ""]


def status_lines(known: dict[str, Any]) -> list[str]:
    """`facts` for a person."""
    found = [
        _row("Service", known["service"] or "not running"),
        _row("Articles", f"{known['articles']['live']} live, {known['articles']['scheduled']} scheduled"),
        _row("Readers", _counts(known["subscriptions"]) or "none"),
        _row("Outbox", _counts(known["outbox"]) or "nothing waits"),
        _row("Notices", _counts(known["notices"]) or "nothing waits"),
    ]
    for name, row in known["newsletters"].items():
        when = f"next {_instant(row['next_due_at'])}" if row["next_due_at"] else "nothing is due"
        found.append(_row("Digest", f"{name}: {_plural(row['readers'], 'reader')}, {when}"))
    if known["next_attempt_at"]:
        found.append(_row("Next try", _instant(known["next_attempt_at"])))
    found += _hub_lines(known["hub"])
    if known["all_paused"]:
        found.append(_row("Paused", "all editions, those planned later too: publisher outbox resume --all"))
    elif known["paused"]:
        found.append(_row("Paused", f"{_plural(known['paused'], 'edition')}: publisher outbox resume"))
    alarming = [_row("Alarm", f"{row['reason']} (since {_instant(row['since'])})") for row in known["alarms"]]
    return found + alarming + _rejected(known["rejected"])


def _hub_lines(known: dict[str, Any]) -> list[str]:
    """What the WebSub hub has, and what does not go well; nothing where nobody subscribed."""
    names = ("subscriptions", "behind", "failing", "to_verify")
    told = _counts({name: known[name] for name in names if known[name]})
    found = [_row("Hub", told)] if told else []
    for row in known["troubles"][:_SHOWN]:
        again = f", again at {_instant(row['next_try_at'])}" if row["next_try_at"] else ""
        found.append(_row("", f"{row['what']} of {row['feed']} to {row['host']}: {row['reason']}{again}"))
    pings = (row for row in known["pings"] if row["waiting"] or row["reason"])
    return found + [_row("Ping", f"{row['hub']}: {row['waiting']} waiting. {row['reason']}".strip()) for row in pings]


def _newsletters(it: Context, known: dict[str, Any]) -> list[str]:
    found = []
    for newsletter in it.settings.newsletter:
        row = known["newsletters"][newsletter.name]
        at = row["next_due_at"]
        when = at.astimezone(it.settings.site.zone).strftime("next %a %-d %b %H:%M %Z") if at else "nothing is due"
        found.append(_row("Digest", f"{newsletter.name}: {_plural(row['readers'], 'reader')}, {when}"))
    return found


def _rejected(rows: Sequence[dict[str, str]]) -> list[str]:
    found = [_row("Rejected", f"{row['path']}: {row['reason']}") for row in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        found.append(_row("", f"and {len(rows) - _SHOWN} more: publisher documents list --state rejected"))
    return found


def _place(row: Document) -> str:
    """Where the document lies; a folder or feed that cannot be read as a whole goes by its own name."""
    return row.path if row.path != "." else row.source.partition(":")[2]


def _way_back(it: Context) -> list[str]:
    """Where what comes back is taken in."""
    chosen = it.settings.inbound
    if chosen is None:
        return []
    ways = [f"LMTP at {chosen.lmtp}"] if chosen.lmtp else []
    ways += [f"the mailbox of {chosen.imap.username} at {chosen.imap.host}"] if chosen.imap else []
    ways += [f"the Maildir {it.settings.path(chosen.maildir)}"] if chosen.maildir else []
    found = [_row("Way back", ", ".join(ways) or "none: [inbound] names no way in")]
    if not chosen.bounce_domain:
        found.append(_row("", "inbound.bounce_domain is empty: messages have no return path of their own"))
    return found


def _mail(it: Context) -> str:
    mail = it.settings.mail
    if mail.transport == "maildir":
        return f"into {it.settings.path(mail.directory)}"
    words = [f"{way.host}:{way.port} ({way.security if way.security != 'none' else 'no TLS'})" for way in mail.servers]
    return f"by {', '.join(words)}"


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in sorted(found.items()))


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _instant(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M UTC")


def _row(label: str, text: str) -> str:
    return f"  {label:<10} {text}"
