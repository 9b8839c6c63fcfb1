"""What comes back, and what becomes of the reader: on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, literal_column, select, table, update

from publisher import return_path, tokens
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.inbound import receive as receive_module
from publisher.inbound.receive import judge_refusals, receive
from publisher.model import SubscriptionState
from publisher.outgoing import DeliveryState
from publisher.store import audience, bounces, forwards, suppressions
from publisher.store.engine import Store
from publisher.store.inbound_schema import bounce_tallies
from publisher.store.mail_schema import attempts, deliveries, subscribers, subscriptions
from tests.inbound.conftest import DAY, DOMAIN, NOON, arf, dsn, letter, listed, plant, suppression

Make = Callable[..., Settings]


async def test_dead_on_two_days_is_given_up(any_store: Store, settings: Make, keys: Keys) -> None:
    """One report does nothing yet, nor a second on the same day; one of the next day ends it, and the history says so."""
    reader = await plant(any_store, keys, "Gone@d.example", 3)
    for number, at in ((0, NOON), (1, NOON + timedelta(hours=1))):
        path = reader.path(number)
        await receive(any_store, settings(), keys, [letter(dsn(path, reader.email), path)], at)
        assert await suppression(any_store, reader.email) is None
    await receive(any_store, settings(), keys, [letter(dsn(reader.path(2), reader.email), reader.path(2))], NOON + DAY)
    assert await suppression(any_store, reader.email) == "bounce"
    async with any_store.read() as tx:
        told = await audience.list_consents(tx, reader.subscription)
    assert [(one["action"], one["origin"]) for one in told] == [("bounced", "mail (lmtp), report 3")]
    assert [row["effect"] for row in await listed(any_store)] == [
        "dead, said on 1 of 2 days", "dead, said on 1 of 2 days", "dead on 2 days: the address is given up",
    ]


async def test_mail_that_gets_through_begins_the_count_anew(store: Store, settings: Make, keys: Keys) -> None:
    """A delivery in between that nobody reported counts as having arrived."""
    reader = await plant(store, keys, "back@d.example", 3)
    for number in (0, 2):
        path = reader.path(number)
        await receive(store, settings(), keys, [letter(dsn(path, reader.email), path)], NOON + number * DAY)
    assert await suppression(store, reader.email) is None
    assert [row["effect"] for row in await listed(store)] == ["dead, said on 1 of 2 days"] * 2


async def test_soft_needs_five_messages_and_two_weeks(any_store: Store, settings: Make, keys: Keys) -> None:
    """Four times over a month nothing; five times in a day nothing; the fifth after 14 days ends it."""
    reader = await plant(any_store, keys, "full@d.example", 6)
    for number in range(6):
        content = dsn(reader.path(number), reader.email, status="5.2.2", code="552", words="mailbox is full")
        at = NOON + (timedelta(hours=number) if number < 5 else 15 * DAY)
        await receive(any_store, settings(), keys, [letter(content, reader.path(number))], at)
        assert await suppression(any_store, reader.email) == ("bounce" if number == 5 else None)


async def test_what_is_held_against_an_address_is_forgotten(store: Store, settings: Make, keys: Keys) -> None:
    """After `memory` without a report, the count begins anew."""
    reader = await plant(store, keys, "old@d.example", 2)
    for number in (0, 1):
        content = dsn(reader.path(number), reader.email)
        await receive(store, settings(memory="30d"), keys, [letter(content, reader.path(number))], NOON + number * 31 * DAY)
    assert await suppression(store, reader.email) is None


async def test_policy_is_never_held_against_the_reader(any_store: Store, settings: Make, keys: Keys) -> None:
    """However often; the domain is to be spared."""
    reader = await plant(any_store, keys, "alive@d.example", 9)
    for number in range(9):
        content = dsn(reader.path(number), reader.email, status="5.7.1", words="message blocked, listed at a block list")
        done = await receive(any_store, settings(), keys, [letter(content, reader.path(number))], NOON + number * 3 * DAY)
        assert list(done.spared) == ["d.example"]
    assert await suppression(any_store, reader.email) is None
    async with any_store.read() as tx:
        assert (await tx.execute(select(bounce_tallies))).first() is None


async def test_expired_rate_is_soft_and_counts_for_nobody(store: Store, settings: Make, keys: Keys) -> None:
    """`Action: failed` with 4.7.28: our pace, not the reader's address."""
    reader = await plant(store, keys, "busy@d.example")
    words = "our system has detected an unusual rate of mail from you"
    content = dsn(reader.path(), reader.email, status="4.7.28", code="421", words=words)
    done = await receive(store, settings(), keys, [letter(content, reader.path())], NOON)
    assert [row["class"] for row in await listed(store)] == ["soft"]
    assert list(done.spared) == ["d.example"]
    assert await suppression(store, reader.email) is None


async def test_complaint_ends_all_newsletters_at_once(any_store: Store, settings: Make, keys: Keys) -> None:
    """With a redacted address: the link in List-Unsubscribe of the enclosed copy tells who."""
    reader = await plant(any_store, keys, "angry@d.example", state=DeliveryState.QUEUED)
    other = await plant(any_store, keys, "angry@d.example", newsletter="weekly")
    link = f"https://news.example.org/u/{tokens.make(keys, 'unsubscribe', reader.subscription)}"
    original = f"From: digest@example.org\r\nTo: redacted@d.example\r\nList-Unsubscribe: <{link}>\r\nSubject: News\r\n\r\nNews."
    await receive(any_store, settings(), keys, [letter(arf("fbl@example.org", "", original=original))], NOON)
    assert await suppression(any_store, "angry@d.example") == "complaint"
    async with any_store.read() as tx:
        readers = await audience.readers_by_email(tx, "angry@d.example")
        assert {one.subscription.state for one in readers} == {SubscriptionState.UNSUBSCRIBED}
        for subscription in (reader.subscription, other.subscription):
            assert [one["action"] for one in await audience.list_consents(tx, subscription)] == ["complained"]
        state = (await tx.execute(select(deliveries.c.state).where(deliveries.c.id == reader.deliveries[0]))).scalar_one()
    assert state == DeliveryState.CANCELLED


async def test_message_id_in_the_enclosed_copy_is_proof(store: Store, settings: Make, keys: Keys) -> None:
    """Without a return path of its own; but a report about another address than the reader's changes nothing."""
    await plant(store, keys, "gone@d.example", 3)
    async with store.read() as tx:
        idents = list((await tx.execute(select(deliveries.c.message_id).order_by(deliveries.c.id))).scalars())
    for number, about in ((0, "gone@d.example"), (1, "somebody@else.example"), (2, "GONE@d.example")):
        original = f"From: digest@example.org\r\nMessage-ID: {idents[number]}\r\nSubject: News\r\n\r\nNews."
        content = dsn("digest@example.org", about, original=original)
        await receive(store, settings(), keys, [letter(content, "digest@example.org")], NOON + number * DAY)
        assert await suppression(store, "gone@d.example") == ("bounce" if number == 2 else None)
    assert (await listed(store))[1]["effect"] == "names another address than the reader's: listed only"


async def test_message_id_alone_ends_nobodys_subscription(any_store: Store, settings: Make, keys: Keys) -> None:
    """Whoever holds a copy knows it: a complaint or a wish to leave must name the address, or carry the link, too."""
    reader = await plant(any_store, keys, "victim@d.example", 2)
    async with any_store.read() as tx:
        idents = list((await tx.execute(select(deliveries.c.message_id).order_by(deliveries.c.id))).scalars())
    original = f"From: digest@example.org\r\nMessage-ID: {idents[0]}\r\nSubject: News\r\n\r\nNews."
    wish = f"From: mallory@m.example\r\nTo: digest@example.org\r\nIn-Reply-To: {idents[1]}\r\nSubject: unsubscribe\r\n\r\n"
    forged = [arf("fbl@example.org", about, original=original) for about in ("", "mallory@m.example")] + [wish.encode()]
    await receive(any_store, settings(), keys, [letter(content, "digest@example.org") for content in forged], NOON)
    assert await suppression(any_store, reader.email) is None
    async with any_store.read() as tx:
        assert (await audience.readers_by_email(tx, reader.email))[0].subscription.state == SubscriptionState.ACTIVE
        assert [one.content for one in await forwards.due(tx, NOON, 9)] == [wish.encode()]
    assert [row["effect"] for row in await listed(any_store)] == [
        "proves nothing: listed only", "proves nothing: listed only", "asks to leave and proves nothing: to the editor",
    ]
    own = wish.replace("mallory@m.example", "Victim@d.example")
    await receive(any_store, settings(), keys, [letter(own.encode(), "digest@example.org")], NOON)
    assert (await listed(any_store))[-1]["effect"] == "the reader left"


async def test_link_is_proof_whatever_message_ids_stand_beside_it(store: Store, settings: Make, keys: Keys) -> None:
    """Of a complaint with both, the link tells who, and the Message-ID of the same reader which message it was."""
    reader, other = await plant(store, keys, "angry@d.example"), await plant(store, keys, "calm@d.example")
    link = f"https://news.example.org/u/{tokens.make(keys, 'unsubscribe', reader.subscription)}"
    async with store.read() as tx:
        named = {row.id: row.message_id for row in await tx.execute(select(deliveries.c.id, deliveries.c.message_id))}
    for number, ident in enumerate((named[other.deliveries[0]], named[reader.deliveries[0]])):
        threads = "".join(f" <{n}@elsewhere.example>" for n in range(9))
        original = f"From: digest@example.org\r\nReferences: {ident}{threads}\r\nList-Unsubscribe: <{link}>\r\nSubject: {number}\r\n\r\nNews."
        await receive(store, settings(), keys, [letter(arf("fbl@example.org", "", original=original))], NOON)
    assert await suppression(store, "angry@d.example") == "complaint"
    assert await suppression(store, "calm@d.example") is None
    assert [row["delivery_id"] for row in await listed(store)] == [None, reader.deliveries[0]]


async def test_flood_of_wishes_that_prove_nothing_is_refused_for_now(
    store: Store, settings: Make, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a Message-ID of somebody else's they go to the editor, and are counted as what strangers write."""
    monkeypatch.setattr(receive_module, "_LETTERS", 1)
    await plant(store, keys, "victim@d.example")
    async with store.read() as tx:
        ident = (await tx.execute(select(deliveries.c.message_id))).scalar_one()
    wish = "From: m{0}@m.example\r\nIn-Reply-To: {1}\r\nSubject: unsubscribe\r\n\r\n"
    wishes = [letter(wish.format(n, ident).encode(), "digest@example.org") for n in range(3)]
    assert (await receive(store, settings(), keys, wishes, NOON)).taken == (True, False, False)


@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title])
async def test_return_path_survives_a_change_of_case(store: Store, settings: Make, keys: Keys, spelling: Callable[[str], str]) -> None:
    """Some servers write local parts in other letters."""
    reader = await plant(store, keys, "gone@d.example")
    await receive(store, settings(), keys, [letter(dsn("x@y.example", reader.email), spelling(reader.path()))], NOON)
    assert (await listed(store))[0]["delivery_id"] == reader.deliveries[0]


async def test_return_path_is_bound_to_the_address_that_it_went_to(store: Store, settings: Make, keys: Keys) -> None:
    """A reader who has another address by now is not judged by what the old one says."""
    reader = await plant(store, keys, "before@d.example", 2)
    async with store.write() as tx:
        await tx.execute(update(subscribers).values(email="after@d.example", email_key="after@d.example"))
    for number in (0, 1):
        content = dsn(reader.path(number), "before@d.example")
        await receive(store, settings(), keys, [letter(content, reader.path(number))], NOON + number * DAY)
    assert await suppression(store, "after@d.example") is None
    assert {row["effect"] for row in await listed(store)} == {"proves nothing: listed only"}


async def test_forged_reports_change_nothing(any_store: Store, settings: Make, keys: Keys) -> None:
    """Made-up tokens, tokens of other keys, of other purposes, no token at all."""
    reader = await plant(any_store, keys, "alive@d.example", 2)
    other = Keys((b"x" * 32,))
    ident, mail = reader.deliveries[0], reader.email
    paths = [
        return_path.bounce_address(other, DOMAIN, "delivery", ident, mail), return_path.bounce_address(keys, DOMAIN, "notice", ident, mail),
        return_path.bounce_address(keys, DOMAIN, "delivery", ident, "else@d.example"), f"bounce+{'a' * 24}@{DOMAIN}",
        return_path.unsubscribe_address(other, DOMAIN, reader.subscription), f"bounce@{DOMAIN}",
        reader.path().replace("bounce+", "unsubscribe+"), return_path.unsubscribe_address(keys, DOMAIN, 999),
    ]
    wishes = b"From: %b\r\nTo: %b\r\nSubject: unsubscribe\r\n\r\n"
    for day in range(3):
        letters = [letter(content, path) for path in paths for content in (
            dsn(path, mail), arf(path, mail), wishes % (mail.encode(), path.encode()),
        )]
        await receive(any_store, settings(), keys, letters, NOON + day * DAY)
    assert await suppression(any_store, mail) is None
    async with any_store.read() as tx:
        assert (await audience.readers_by_email(tx, mail))[0].subscription.state == SubscriptionState.ACTIVE
        assert (await tx.execute(select(bounce_tallies))).first() is None
    told = {(row["class"], row["effect"]) for row in await listed(any_store)}
    assert told == {
        ("hard", "proves nothing: listed only"), ("complaint", "proves nothing: listed only"),
        ("unsubscribe", "asks to leave and proves nothing: to the editor"),
    }


async def test_same_report_is_recorded_once(any_store: Store, settings: Make, keys: Keys) -> None:
    """Handed in again after a crash, on another day, and twice at once."""
    reader = await plant(any_store, keys, "gone@d.example")
    content = dsn(reader.path(), reader.email)
    for at in (NOON, NOON + DAY):
        await receive(any_store, settings(), keys, [letter(content, reader.path())] * 2, at)
    assert len(await listed(any_store)) == 1
    assert await suppression(any_store, reader.email) is None


async def test_unsubscription_by_mail(any_store: Store, settings: Make, keys: Keys) -> None:
    """The token decides, whoever the mail is from; a second one is none."""
    reader = await plant(any_store, keys, "leaver@d.example", state=DeliveryState.QUEUED)
    to = return_path.unsubscribe_address(keys, DOMAIN, reader.subscription)
    for serial in (1, 2):
        content = f"From: alias@elsewhere.example\r\nTo: {to}\r\nMessage-ID: <{serial}@x>\r\nSubject: whatever\r\n\r\n"
        await receive(any_store, settings(), keys, [letter(content.encode(), to)], NOON)
    async with any_store.read() as tx:
        assert (await audience.readers_by_email(tx, reader.email))[0].subscription.state == SubscriptionState.UNSUBSCRIBED
        assert [one["action"] for one in await audience.list_consents(tx, reader.subscription)] == ["left"]
        assert (await tx.execute(select(deliveries.c.state))).scalar_one() == DeliveryState.CANCELLED
    assert await suppression(any_store, reader.email) is None


async def test_letters_are_kept_for_the_editor(any_store: Store, settings: Make, keys: Keys) -> None:
    """As they came; automatic answers are not, and a flood of strangers' letters is refused for now, not readers'."""
    reader = await plant(any_store, keys, "pen@d.example")
    written = b"From: pen@d.example\r\nTo: x@y.example\r\nSubject: Re: News\r\n\r\nGood story, thank you!\r\n"
    away = b"From: pen@d.example\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n"
    done = await receive(any_store, settings(), keys, [letter(written, reader.path()), letter(away, reader.path())], NOON)
    assert done.taken == (True, True)
    async with any_store.read() as tx:
        assert [(one.content, one.sender) for one in await forwards.due(tx, NOON, 9)] == [(written, "pen@d.example")]


async def test_flood_of_strangers_letters_is_refused_for_now(
    store: Store, settings: Make, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers' letters are taken all the same."""
    monkeypatch.setattr(receive_module, "_LETTERS", 2)
    reader = await plant(store, keys, "pen@d.example")
    strangers = [letter(b"From: s@x.example\r\nSubject: hello %d\r\n\r\nHello" % n, f"bounce@{DOMAIN}") for n in range(4)]
    mine = letter(b"From: pen@d.example\r\nSubject: Re: News\r\n\r\nHello", reader.path())
    done = await receive(store, settings(), keys, [*strangers, mine], NOON)
    assert done.taken == (True, True, False, False, True)
    assert len(await listed(store)) == 3


async def test_refusals_at_the_door(any_store: Store, settings: Make, keys: Keys) -> None:
    """5.1.1 ends it at once, 5.7.1 never, an expired 4.2.2 counts; each is judged once."""
    said = {
        "gone@d.example": ("bounced", 550, "5.1.1", "no such user"), "spam@p.example": ("bounced", 554, "5.7.1", "blocked as spam"),
        "full@d.example": ("expired", 452, "4.2.2", "mailbox full"), "fine@d.example": ("accepted", 250, "2.0.0", "ok"),
    }
    for email, (state, code, enhanced, text) in said.items():
        reader = await plant(any_store, keys, email, state=DeliveryState(state))
        async with any_store.write() as tx:
            await tx.execute(attempts.insert().values(
                kind="delivery", ref_id=reader.deliveries[0], number=1, started_at=NOON, finished_at=NOON, state=state,
                reply_code=code, reply_enhanced=enhanced, reply_text=text,
            ))
    first, second = [await judge_refusals(any_store, settings(), NOON + timedelta(minutes=1)) for _ in range(2)]
    rows = await listed(any_store)
    assert {row["address"]: row["class"] for row in rows} == {"gone@d.example": "hard", "spam@p.example": "policy", "full@d.example": "soft"}
    assert len(rows) == 3
    assert (len(first.decisions), second.decisions) == (3, ())
    assert list(first.spared) == ["p.example"]
    assert [await suppression(any_store, email) for email in said] == ["bounce", None, None, None]
    async with any_store.read() as tx:
        assert set(await bounces.tallies(tx, list(said))) == {"gone@d.example", "full@d.example"}


async def test_refusal_of_a_former_address_is_not_held_against_the_new_one(
    any_store: Store, settings: Make, keys: Keys
) -> None:
    """The reader moved while the message was tried; what the new address itself is refused counts."""
    reader = await plant(any_store, keys, "new@d.example", 2, state=DeliveryState.BOUNCED)
    async with any_store.write() as tx:
        await audience.add_consent(tx, reader.subscription, action="moved", now=NOON, origin="x", wording="y")
        await tx.execute(attempts.insert().values(_refused(reader.deliveries[0], NOON - timedelta(minutes=1), "old@d.example")))
    await judge_refusals(any_store, settings(), NOON + timedelta(hours=1))
    assert await suppression(any_store, reader.email) is None
    (row,) = await listed(any_store)
    assert (row["address"], row["effect"]) == ("", "proves nothing: listed only")
    async with any_store.write() as tx:
        await tx.execute(attempts.insert().values(_refused(reader.deliveries[1], NOON + timedelta(hours=1), reader.email)))
    await judge_refusals(any_store, settings(), NOON + timedelta(hours=2))
    assert await suppression(any_store, reader.email) == "bounce"


def _refused(delivery: int, at: datetime, email: str) -> dict[str, object]:
    return {
        "kind": "delivery", "ref_id": delivery, "number": 1, "started_at": at, "finished_at": at + timedelta(minutes=2),
        "state": "bounced", "reply_code": 550, "reply_enhanced": "5.1.1", "reply_text": f"<{email}>: no such user",
    }


async def test_released_address_goes_on_from_the_present(any_store: Store, keys: Keys) -> None:
    """What was planned for it meanwhile, and not refused yet, does not go out with all that was missed."""
    reader = await plant(any_store, keys, "back@d.example", state=DeliveryState.QUEUED)
    await plant(any_store, keys, "other@d.example", state=DeliveryState.QUEUED)
    async with any_store.write() as tx:
        await audience.suppress(tx, reader.email, reason="bounce", note="", now=NOON)
        assert await suppressions.release(tx, reader.email, by="test", note="a new mailbox", now=NOON + DAY)
    async with any_store.read() as tx:
        rows = await tx.execute(select(deliveries.c.subscription_id, deliveries.c.state, deliveries.c.finished_at))
        states = {(row.subscription_id == reader.subscription, row.state, row.finished_at) for row in rows}
    assert states == {(True, "cancelled", NOON + DAY), (False, "queued", None)}


async def test_release_and_a_report_never_block_each_other(any_store: Store, keys: Keys) -> None:
    """Both lock the subscriptions first; the one that comes later waits."""
    reader = await plant(any_store, keys, "back@d.example")
    async with any_store.write() as tx:
        await audience.suppress(tx, reader.email, reason="bounce", note="", now=NOON)
        await tx.execute(update(subscriptions).values(from_seq=-1))

    async def release() -> None:
        async with any_store.write() as tx:
            assert await suppressions.release(tx, reader.email, by="test", note="a new mailbox", now=NOON + DAY)

    async with any_store.write() as tx:
        await bounces.lock(tx, [reader.person])
        released = asyncio.create_task(release())
        waiting = select(func.count()).select_from(table("pg_locks")).where(literal_column("NOT granted"))
        while tx.dialect.name == "postgresql" and not (await tx.execute(waiting)).scalar_one():
            await asyncio.sleep(0.01)
        await audience.suppress(tx, reader.email, reason="complaint", note="", now=NOON)
    await released
    assert await suppression(any_store, reader.email) is None


async def test_lifting_a_suppression_forgets_the_tally(any_store: Store, settings: Make, keys: Keys) -> None:
    """After it was released by hand, one report is the first again."""
    reader = await plant(any_store, keys, "gone@d.example", 3)
    for number in (0, 1):
        await receive(any_store, settings(), keys, [letter(dsn(reader.path(number), reader.email), reader.path(number))], NOON + number * DAY)
    async with any_store.write() as tx:
        assert await suppressions.release(tx, reader.email, by="test", note="a new mailbox", now=NOON + DAY)
    await receive(any_store, settings(), keys, [letter(dsn(reader.path(2), reader.email), reader.path(2))], NOON + 2 * DAY)
    assert (await listed(any_store))[-1]["effect"] == "dead, said on 1 of 2 days"


async def test_many_ways_to_leave_at_once_are_one(any_store: Store, settings: Make, keys: Keys) -> None:
    """Mail, one-click and the page within a second: one unsubscription, one line in the history."""
    reader = await plant(any_store, keys, "leaver@d.example", state=DeliveryState.QUEUED)
    from publisher.audience import optin  # noqa: PLC0415 - only here two features meet

    to = return_path.unsubscribe_address(keys, DOMAIN, reader.subscription)
    token = tokens.make(keys, "unsubscribe", reader.subscription)
    mails = [letter(b"From: l@d.example\r\nSubject: unsubscribe\r\nMessage-ID: <%d@x>\r\n\r\n" % n, to) for n in range(3)]
    await asyncio.gather(
        *(receive(any_store, settings(), keys, [mail], NOON) for mail in mails),
        *(optin.leave(any_store, keys, token, now=NOON, origin=f"web {n}") for n in range(3)),
    )
    async with any_store.read() as tx:
        assert [one["action"] for one in await audience.list_consents(tx, reader.subscription)] == ["left"]
