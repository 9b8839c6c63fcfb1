"""What a row of a table says of a person, in each system's words. Pure.

    columns | recognise -> system | row of cells | read -> Entry: answers, word, consent

The systems, and where their columns stand: listmonk (`handleExportSubscribers`), Ghost (members' CSV), Mailchimp
(audience export; files for subscribed, unsubscribed and cleaned contacts, or one for all), Substack (the audience's
export, and `email_list.csv`). Anything else is a table of our own columns.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from publisher.audience.ruling import Word
from publisher.audience.wanted import Answers, zones
from publisher.errors import PublisherError
from publisher.text import one_line, shorten

#: Names under which an address stands, in the form of `column_name`.
EMAIL = ("email", "email address", "e-mail", "e-mail address", "mail", "mail address")
#: Columns of our own export; a table of anybody's needs only the first.
COLUMNS = (
    "email", "name", "newsletter", "frequency", "weekday", "sections", "timezone", "time", "language", "status", "tags",
    "plain_text", "paused_until", "confirmed_at", "confirmed_from",
)
_SUBSTACK = {"stripe plan", "type", "subscription type", "emails received (6mo)", "paid upgrade date"}
_YES = frozenset(("true", "t", "1", "yes", "y"))
_NO = frozenset(("false", "f", "0", "no", "n"))


@dataclass(frozen=True, slots=True)
class Told:
    """What a row says about mail to its address."""

    #: None: the row is passed over, for the reason in `why`.
    word: Word | None
    #: What the row says, in a few words.
    why: str = ""
    #: Of BARRED: "bounce", "complaint" or "operator".
    reason: str = ""
    #: When that came to be, as far as the row tells.
    at: datetime | None = None
    #: From where the person agreed, as an IP address.
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row."""

    line: int
    answers: Answers
    told: Told
    tags: tuple[str, ...] = ()
    #: None: not said.
    plain_text: bool | None = None
    paused_until: datetime | None = None


Cells = Mapping[str, str]

#: The words of our own tables for where a person stands.
_STATUS: dict[str, tuple[Word, str]] = {
    **dict.fromkeys(("confirmed", "active", "subscribed"), (Word.CONFIRMED, "")),
    **dict.fromkeys(("", "pending", "unconfirmed"), (Word.UNSAID, "")),
    **dict.fromkeys(("unsubscribed", "left"), (Word.LEFT, "")),
    **dict.fromkeys(("bounced", "bounce", "cleaned"), (Word.BARRED, "bounce")),
    **dict.fromkeys(("complained", "complaint", "spam"), (Word.BARRED, "complaint")),
    **dict.fromkeys(("suppressed", "blocklisted", "blocked", "blacklisted", "banned"), (Word.BARRED, "operator")),
}
_REASONS = {
    "bounce": "the address bounced there", "complaint": "they complained there", "operator": "they are blocked there",
}


def recognise(columns: Collection[str]) -> str:
    """Which system wrote a table with these columns: "listmonk", "ghost", "mailchimp", "substack", or "csv"."""
    found = set(columns)
    if "subscribed to emails" in found:
        return "ghost"
    if {"uuid", "attributes"} <= found:
        return "listmonk"
    if found & {"leid", "euid", "member rating", "optin time", "confirm time"}:
        return "mailchimp"
    if "active subscription" in found or ("start date" in found and found & _SUBSTACK):
        return "substack"
    return "csv"


def column_name(text: str) -> str:
    """A column's name in the form in which names are compared: "Email Address", "EMAIL_ADDRESS" -> "email address"."""
    return " ".join(text.strip().casefold().replace("_", " ").split())


def read(system: str, line: int, cells: Cells, file_name: str = "") -> Entry:
    """What the row says. `file_name` tells of Mailchimp's files which contacts they hold.

    Raises PublisherError where it says nothing that is known of mail to its address.
    """
    answers = Answers(
        email=_email(cells), name=_name(cells), newsletter=cells.get("newsletter", ""),
        frequency=cells.get("frequency", ""), weekday=cells.get("weekday", ""),
        sections=_listed(cells.get("sections", "")), timezone=_zone(system, cells.get("timezone", "")),
        time=cells.get("time", ""), language=cells.get("language", ""),
    )
    if system == "mailchimp":
        return Entry(line, answers, _mailchimp(cells, file_name), _listed(cells.get("tags", "")))
    if system != "csv":
        return Entry(line, answers, _TELLERS[system](cells), _listed(cells.get("labels", "")))
    return Entry(
        line, answers, _own(cells), _listed(cells.get("tags", "")), _flag(cells.get("plain text", "")),
        instant(cells.get("paused until", "")),
    )


def _own(cells: Cells) -> Told:
    status = cells.get("status", "").casefold()
    word, reason = _STATUS.get(status) or _unknown(status)
    if word != Word.CONFIRMED:
        return Told(word, _REASONS.get(reason, ""), reason)
    return Told(word, at=instant(cells.get("confirmed at", "")), origin=one_line(cells.get("confirmed from", ""))[:200])


def _listmonk(cells: Cells) -> Told:
    """`enabled`, `disabled` or `blocklisted`: of the person, for all lists."""
    status, at = cells.get("status", "").casefold(), instant(cells.get("created at", ""))
    if status == "enabled":
        return Told(Word.CONFIRMED, at=at)
    if status in ("blocklisted", "blacklisted"):
        return Told(Word.BARRED, _REASONS["operator"], "operator", instant(cells.get("updated at", "")))
    return Told(None, "they are disabled there") if status == "disabled" else _unknown(status)


def _ghost(cells: Cells) -> Told:
    """Members: `subscribed_to_emails` says whether any newsletter goes to them."""
    subscribed, at = _flag(cells.get("subscribed to emails", "")), instant(cells.get("created at", ""))
    if cells.get("deleted at"):
        return Told(None, "they are deleted there")
    if subscribed is None:
        raise PublisherError("subscribed_to_emails is neither true nor false")
    return Told(Word.CONFIRMED, at=at) if subscribed else Told(Word.LEFT)


def _substack(cells: Cells) -> Told:
    """All who are listed get the newsletter but those whose mail is off; what they pay, or paid, changes nothing."""
    if _flag(cells.get("email disabled", "")):
        return Told(Word.LEFT)
    return Told(Word.CONFIRMED, at=instant(_first(cells, ("created at", "start date"))))


def _mailchimp(cells: Cells, file_name: str) -> Told:
    """By the status where there is one, else by the time of leaving or cleaning, the file's name, that of joining."""
    kind = cells.get("status", "").casefold() or _kind(cells, file_name)
    if kind in ("nonsubscribed", "transactional", "archived"):
        return Told(None, f"they never subscribed there ({kind})" if kind != "archived" else "they are archived there")
    word, reason = _STATUS.get(kind) or _unknown(kind)
    if word == Word.CONFIRMED:
        at = instant(_first(cells, ("confirm time", "optin time")))
        return Told(word, at=at, origin=one_line(_first(cells, ("confirm ip", "optin ip")))[:60])
    told_at = instant(_first(cells, ("unsub time", "clean time", "last changed")))
    why = _REASONS.get(reason, "") or one_line(cells.get("unsub reason", ""))[:100]
    if word == Word.LEFT and cells.get("unsub reason", "").casefold().startswith(("abuse", "spam")):
        return Told(Word.BARRED, _REASONS["complaint"], "complaint", told_at)
    return Told(word, why, reason, told_at)


def _kind(cells: Cells, file_name: str) -> str:
    if cells.get("clean time"):
        return "cleaned"
    if cells.get("unsub time"):
        return "unsubscribed"
    for kind in ("nonsubscribed", "unsubscribed", "cleaned", "subscribed"):
        if file_name.casefold().startswith(kind):
            return kind
    return "subscribed" if _first(cells, ("confirm time", "optin time")) else "pending"


_TELLERS: dict[str, Callable[[Cells], Told]] = {"listmonk": _listmonk, "ghost": _ghost, "substack": _substack}


def _unknown(status: str) -> NoReturn:
    raise PublisherError(f"unknown status {shorten(one_line(status), 40)!r}")


def _first(cells: Cells, names: Collection[str]) -> str:
    """The first of these cells that says something."""
    return next((cells[name] for name in names if cells.get(name)), "")


def _email(cells: Cells) -> str:
    found = _first(cells, EMAIL)
    if "\ufffd" in found:
        raise PublisherError("the mail address holds a letter that cannot be read")
    return found


def _name(cells: Cells) -> str:
    parts = (_first(cells, ("first name", "fname")), _first(cells, ("last name", "lname")))
    return _first(cells, ("name", "full name")) or " ".join(filter(None, parts))


def _zone(system: str, name: str) -> str:
    """Other systems' zones are guesses of theirs; one that is none is passed over. Of our own it is a fault."""
    return name if system == "csv" or name in zones() else ""


def _listed(cell: str) -> tuple[str, ...]:
    """Words with commas between, quoted or not, as `"VIP","Blog"` or `a; b`."""
    if not cell:
        return ()
    delimiter = "," if "," in cell or ";" not in cell else ";"
    try:
        parts = next(csv.reader([cell.replace("\n", " ")], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        parts = cell.split(delimiter)
    return tuple(part.strip() for part in parts if part.strip())


def _flag(cell: str) -> bool | None:
    told = cell.casefold()
    return True if told in _YES else False if told in _NO else None


def instant(cell: str) -> datetime | None:
    """The instant in `cell`, of those that say nothing of a zone in UTC; None where it is none.

    ISO 8601, "2018-10-11 09:55:14" (Mailchimp), "2024-01-02 03:04:05.123456 +0000 UTC" (listmonk).
    """
    told = cell.strip().removesuffix(" UTC")
    head, space, zone = told.rpartition(" ")
    if space and zone[:1] in ("+", "-"):
        told = f"{head[:26]}{zone}"
    try:
        found = datetime.fromisoformat(told)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year >= 1980 else None
