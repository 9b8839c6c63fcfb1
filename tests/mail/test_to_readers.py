"""What single readers get beside editions: plain text, a copy of the last one, links for what is theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select, update

from publisher import tokens
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail.deliver import DeliverReport, deliver
from publisher.outgoing import NOTICES
from publisher.store import account, audience, outbox, preferences
from publisher.store.engine import Store
from publisher.store.mail_schema import deliveries, subscribers, variants
from publisher.templating import Templates
from tests.mail.conftest import NOON, SITE, STORIES, Scripted, text_part

Start = Callable[..., Awaitable[Scripted]]
Make = Callable[..., Settings]
Plant = Callable[..., Awaitable[list[int]]]
Run = Callable[..., Awaitable[DeliverReport]]


@pytest.fixture
def run(store: Store, templates: Templates, keys: Keys, clock: Callable[[], datetime]) -> Run:
    """Runs the step until nothing waits."""

    async def run(settings: Settings) -> DeliverReport:
        return await deliver(store, settings, templates, keys, now=clock, stop=asyncio.Event())

    return run


def parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def test_who_wants_plain_text_gets_one_part(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run
) -> None:
    """Of one variant, the same text for both; the lint passes; the headers of a list are all there."""
    server = await scripted()
    plain, both = await plant(["plain@m.org", "both@m.org"])
    async with store.write() as tx:
        reader = await audience.reader(tx, plain)
        assert reader is not None
        await preferences.change_person(tx, reader.subscriber.id, timezone="UTC", language="", plain_text=True)
    assert await run(settings(port=server.port)) == DeliverReport(accepted=2)
    mails = {to: parsed(raw) for to, raw, _ in server.taken}
    alone, multi = mails["plain@m.org"], mails["both@m.org"]
    assert alone.get_content_type() == "text/plain"
    assert not alone.is_multipart()
    assert multi.get_content_type() == "multipart/alternative"
    text = multi.get_body(("plain",))
    assert text is not None
    assert alone.get_content().splitlines()[:5] == text.get_content().splitlines()[:5]
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"):
        assert alone[name]
    assert "<html" not in str(alone)
    assert plain != both


async def test_plain_text_that_lacks_a_story_is_held(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run
) -> None:
    """Whoever gets the text part alone misses nothing of what stands in the other: the whole variant is the measure."""
    server = await scripted()
    (subscription,) = await plant(["plain@m.org"])
    async with store.write() as tx:
        await tx.execute(update(variants).values(text=text_part().replace(STORIES[1], "")))
        await tx.execute(update(subscribers).values(plain_text=True))
    assert await run(settings(port=server.port)) == DeliverReport(held=1)
    async with store.read() as tx:
        (reply,) = (await tx.execute(select(deliveries.c.reply_text).where(deliveries.c.subscription_id == subscription))).scalars()
    assert f"lacks the story link {STORIES[1]}" in reply


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in NOTICES if kind not in ("again", "confirm")])
async def test_each_notice_says_what_it_is_for(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run, keys: Keys, kind: str, plain: bool
) -> None:
    """It passes the lint, holds its link in each part it has, and names no list; `moved` has nothing to press."""
    server = await scripted()
    (subscription,) = await plant(["ann@m.org"])
    async with store.write() as tx:
        await tx.execute(update(subscribers).values(plain_text=plain))
        await tx.execute(update(deliveries).values(state="accepted", finished_at=NOON, next_attempt_at=None))
        to = ("New@n.org", "new@n.org") if kind in ("new_address", "moved") else ("", "")
        await outbox.add_notice(
            tx, kind, subscription, {"person": "1", "number": "3"}, "<n1@example.org>", NOON, to=to
        )
    assert await run(settings(port=server.port)) == DeliverReport(accepted=1)
    ((recipient, raw, _),) = server.taken
    assert recipient == (to[0] or "ann@m.org")
    mail = parsed(raw)
    assert mail.is_multipart() is not plain
    purposes = {"new_address": tokens.NEW_ADDRESS} | {name: name for name in ("export", "erase", "address")}
    for part in mail.iter_parts() if mail.is_multipart() else [mail]:
        content = part.get_content()
        if kind == "moved":
            assert SITE in content
            assert "/new-address/" not in content
            continue
        assert f"{SITE}/{kind.replace('_', '-')}/{tokens.make(keys, purposes[kind], 1, '3')}" in content
    assert not [name for name in mail if name.lower().startswith(("list-", "feedback-", "precedence"))]


async def test_I3_a_copy_of_the_last_one_touches_no_window(
    store: Store, scripted: Start, settings: Make, plant: Plant, run: Run, keys: Keys
) -> None:
    """The same words and personal links under another Message-ID; window, period and due instant stay."""
    server = await scripted()
    (subscription,) = await plant(["ann@m.org"])
    await run(settings(port=server.port))
    async with store.write() as tx:
        before = await audience.reader(tx, subscription)
        variant = await account.last_variant(tx, subscription)
        assert variant is not None
        await outbox.add_notice(tx, "again", subscription, {}, "<again@example.org>", NOON, variant_id=variant)
    assert await run(settings(port=server.port)) == DeliverReport(accepted=1)
    (_, first, ident), (to, copy, other) = server.taken
    assert (to, other) == ("ann@m.org", "again@example.org")
    assert ident != other
    for name in ("Subject", "From", "List-Unsubscribe", "List-Id"):
        assert parsed(first)[name] == parsed(copy)[name]
    assert f"<{SITE}/u/{tokens.make(keys, tokens.UNSUBSCRIBE, subscription)}>" == parsed(copy)["List-Unsubscribe"]
    bodies = [raw.partition(b"\r\n\r\n")[2] for raw in (first, copy)]
    assert bodies[0] == bodies[1]
    async with store.read() as tx:
        assert await audience.reader(tx, subscription) == before
        assert len((await tx.execute(select(deliveries.c.id))).all()) == 1
