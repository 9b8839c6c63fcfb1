"""Corrections, pauses, and the bound of an edition's variants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import func, select, update

from publisher.change_kind import Change
from publisher.digest import shelf
from publisher.model import Article, ArticleStatus
from publisher.outgoing import Claim, DeliveryState, Variant
from publisher.settings import Newsletter
from publisher.store import articles, audience, editions
from publisher.store.mail_schema import subscriptions, variants

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SEVEN = datetime(2026, 11, 22, 7, tzinfo=UTC)


async def correct(world: Any, article: Article, change: Change = Change.CORRECTION) -> None:
    async with world.store.write() as tx:
        now = await articles.get(tx, article.id)
        assert now is not None
        await articles.update(tx, now, world.now, change=change)


async def sent(world: Any) -> dict[str, Variant]:
    """What each reader gets now."""
    await world.plan()
    claims: list[Claim] = await world.send()
    found = {}
    async with world.store.read() as tx:
        for claim in claims:
            variant = await editions.get_variant(tx, claim.variant_id or 0)
            assert variant is not None
            found[claim.email.partition("@")[0]] = variant
    return found


async def test_a_correction_is_told_once_to_those_who_were_mailed_the_article(
    make_world: Any, make_settings: Any
) -> None:
    """Not to one who came later, nor to one whose sections it was not in; a smaller change is told to nobody."""
    world = make_world(make_settings(settle_mail=MINUTE))
    await world.subscribe("old@example.org")
    await world.subscribe("arts@example.org", sections=("arts",))
    await world.plan()
    first = await world.publish("First")
    second = await world.publish("Second")
    world.now = SEVEN
    assert set(await sent(world)) == {"old"}
    await world.subscribe("new@example.org")
    await world.plan()
    world.now += HOUR
    await correct(world, first)
    await correct(world, second, Change.MINOR)
    await world.publish("Arts", section="Arts")
    world.now = SEVEN + DAY
    got = await sent(world)
    assert {name: variant.corrected_ids for name, variant in got.items()} == {"old": (first.id,), "arts": (), "new": ()}
    old = got["old"]
    assert "Corrections" in old.html
    assert "CORRECTIONS" in old.text
    assert f"/articles/{first.slug}" in old.html
    assert f"/articles/{first.slug}" in old.text
    assert "Corrections" not in got["new"].html
    await world.publish("Later")
    world.now += DAY
    assert {variant.corrected_ids for variant in (await sent(world)).values()} == {()}


async def test_a_correction_waits_for_the_next_edition_and_for_one_that_arrives(world: Any) -> None:
    """With nothing new there is no mail; an edition that failed has told nobody."""
    await world.subscribe()
    await world.plan()
    first = await world.publish("First")
    world.now = SEVEN
    await sent(world)
    world.now += HOUR
    await correct(world, first)
    world.now = SEVEN + DAY
    assert await sent(world) == {}
    await world.publish("Second")
    world.now += DAY
    await world.plan()
    await world.settle(await world.claim(), DeliveryState.BOUNCED)
    world.now += DAY
    assert [variant.corrected_ids for variant in (await sent(world)).values()] == [(first.id,)]


async def test_I10_a_correction_of_an_article_withdrawn_since_is_left_out(world: Any) -> None:
    """Also where the edition is planned already: it gets a new revision, with its stories."""
    await world.subscribe()
    await world.plan()
    first = await world.publish("First")
    world.now = SEVEN
    await sent(world)
    world.now += HOUR
    await correct(world, first)
    second = await world.publish("Second")
    world.now = SEVEN + DAY
    assert (await world.plan()).planned == 1
    async with world.store.write() as tx:
        await articles.set_status(tx, first.id, ArticleStatus.WITHDRAWN, world.now)
    assert await world.claim() == []
    (variant,) = (await sent(world)).values()
    assert (variant.article_ids, variant.corrected_ids) == ((second.id,), ())


async def paused(world: Any, reader: int, until: datetime) -> None:
    async with world.store.write() as tx:
        await tx.execute(update(subscriptions).where(subscriptions.c.id == reader).values(
            paused_until=until, next_due_at=until, from_seq=await articles.max_seq(tx)))


async def test_what_goes_live_in_a_pause_is_skipped_whenever_its_end_is_noticed(world: Any) -> None:
    """The service was down when the pause ended: what came after the end is mailed, at the reader's own hour."""
    reader = await world.subscribe()
    await world.plan()
    await world.publish("Before")
    await paused(world, reader, SEVEN + 3 * DAY + HOUR)
    for title in ("One", "Two", "Three"):
        world.now += DAY
        await world.publish(title)
        assert await sent(world) == {}
    world.now = SEVEN + 3 * DAY + 2 * HOUR
    after = await world.publish("After")
    world.now = SEVEN + 4 * DAY - MINUTE
    assert await sent(world) == {}
    world.now += 3 * HOUR
    assert [variant.article_ids for variant in (await sent(world)).values()] == [(after.id,)]


async def test_a_run_by_hand_leaves_who_is_paused(world: Any) -> None:
    """They asked for quiet; others get theirs."""
    reader = await world.subscribe()
    await world.subscribe("other@example.org")
    await world.plan()
    await paused(world, reader, world.now + DAY)
    await world.publish("News")
    assert (await world.plan("run1", "daily")).planned == 1


async def test_who_changes_choices_in_a_pause_stays_paused(world: Any) -> None:
    """Without a due instant too."""
    reader = await world.subscribe()
    await paused(world, reader, world.now + 3 * DAY)
    async with world.store.write() as tx:
        await tx.execute(update(subscriptions).values(next_due_at=None))
    world.now += DAY
    assert (await world.plan()).scheduled == 0
    world.now += 2 * DAY
    assert (await world.plan()).resumed == 1
    async with world.store.read() as tx:
        found = await audience.reader(tx, reader)
    assert found is not None
    assert (found.subscription.paused_until, found.subscription.next_due_at) == (None, SEVEN + 3 * DAY)


@pytest.fixture
def few_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three variants in full, two of headlines for windows of their own."""
    monkeypatch.setattr(shelf, "FULL", 3)
    monkeypatch.setattr(shelf, "SHARED", 2)


NAMES = ("News", "Arts", "Sport", "World", "Money", "Books")


@pytest.mark.usefixtures("few_variants")
async def test_past_a_bound_choices_share_headlines_and_each_reader_still_gets_all_of_theirs(world: Any) -> None:
    """The largest groups keep theirs; nobody misses an article, and nobody is mailed one in a later edition again."""
    choices = [tuple(name.lower() for name in some) for some in combinations(NAMES, 2)]
    for number, sections in enumerate((*choices, *[choices[7]] * 5)):
        await world.subscribe(f"r{number}@example.org", sections=sections)
    await world.plan()
    made = [await world.publish(f"{name} story", section=name) for name in NAMES]
    world.now = SEVEN
    got = await sent(world)
    assert len(got) == len(choices) + 5
    of_section = {article.section.lower(): article.id for article in made}
    for number, sections in enumerate(choices):
        assert {of_section[name] for name in sections} <= set(got[f"r{number}"].article_ids)
    assert {variant.form for variant in got.values()} == {"full", "headlines"}
    assert got["r7"].form == "full", "the largest group"
    assert len({variant.id for variant in got.values()}) == 4
    later = await world.publish("Later", section="News")
    world.now += DAY
    assert {variant.article_ids for variant in (await sent(world)).values()} == {(later.id,)}


@pytest.mark.usefixtures("few_variants")
async def test_an_edition_has_a_bounded_number_of_variants_whatever_its_readers_missed(world: Any) -> None:
    """Each reader's window begins elsewhere: past both bounds a window of over 31 loses its oldest headlines alone."""
    numbers = {}
    for number in range(80):
        article = await world.publish(f"Story {number}")
        numbers[article.id] = number
        await world.subscribe(f"r{number}@example.org")
    await world.publish("Last")
    world.now = SEVEN - MINUTE
    await world.plan()
    world.now = SEVEN
    got = await sent(world)
    assert len(got) == 80
    for number in range(80):
        shown = {numbers[ident] for ident in got[f"r{number}"].article_ids if ident in numbers}
        missed = set(range(number + 1, 80)) - shown
        assert min(shown, default=80) > number, "nothing that the reader had before"
        assert len(missed) <= (80 - number) / 16
        if 80 - number <= 31:
            assert not missed
    async with world.store.read() as tx:
        count = (await tx.execute(select(func.count()).select_from(variants))).scalar_one()
    assert count <= 3 + 2 + 31 + 16 + 16


async def test_choices_that_a_newsletter_does_not_offer_are_not_in_shared_headlines(
    make_world: Any, make_settings: Any, few_variants: None
) -> None:
    """What is shared holds what the newsletter offers, and nothing else."""
    world = make_world(make_settings(Newsletter(name="daily", sections=("news", "arts", "sport"))))
    choices = [("news",), ("arts",), ("sport",), ("news", "arts"), ("arts", "sport")]
    for number, sections in enumerate(choices):
        await world.subscribe(f"r{number}@example.org", sections=sections)
    await world.plan()
    made = {name: (await world.publish(name, section=name)).id for name in NAMES}
    world.now = SEVEN
    got = await sent(world)
    shared = {variant.article_ids for variant in got.values() if variant.form == "headlines"}
    assert shared == {(made["Sport"], made["News"], made["Arts"])}
