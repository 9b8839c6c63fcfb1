"""The contract of the articles' table, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from publisher.model import Article, ArticleStatus, ListKind
from publisher.outgoing import NewVariant
from publisher.store import articles, editions, identities, listings
from publisher.store.engine import Store
from publisher.store.schema import article_versions

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


async def _get(store: Store, article_id: str) -> Article:
    async with store.read() as tx:
        found = await articles.get(tx, article_id)
    assert found is not None
    return found


async def test_article_comes_back_as_it_went_in(scene: Any) -> None:
    """Every field survives the store."""
    new = await scene.add()
    assert await _get(scene.store, new.id) == new


async def test_article_is_found_by_what_names_it(scene: Any) -> None:
    """By id, slug, and the three keys of identity within its own source."""
    new = await scene.add()
    async with scene.store.read() as tx:
        assert await articles.by_slug(tx, "story-1") == new
        assert await articles.by_slug(tx, "story") is None
        assert await identities.find_by_source_id(tx, "folder:seeds", "id-story-1") == [new]
        assert await identities.find_by_canonical_url(tx, "folder:seeds", "u/story-1") == [new]
        assert await identities.find_by_title_key(tx, "folder:seeds", "key") == [new]
        assert await identities.find_by_source_id(tx, "folder:other", "id-story-1") == []
        assert await articles.get_many(tx, [new.id, "nobody"]) == {new.id: new}


async def test_I2_one_pick_up_is_published_in_the_order_of_dates(scene: Any) -> None:
    """Seqs follow the articles' own dates, then their ids; what lies in the future waits."""
    hours = (3, 1, 2, 1)
    new = [await scene.add(published_at=NOW - timedelta(hours=h)) for h in hours]
    future = await scene.add(published_at=LATER)
    async with scene.store.write() as tx:
        assert await articles.count_due(tx, NOW) == 4
        assert await articles.publish_due(tx, NOW) == [new[0].id, new[2].id, new[1].id, new[3].id]
        assert await articles.publish_due(tx, NOW) == []
        assert await articles.max_seq(tx) == 4
        assert await articles.count_live(tx) == 4
        assert await articles.count_scheduled(tx) == 1
    assert (await _get(scene.store, future.id)).status == ArticleStatus.SCHEDULED
    async with scene.store.write() as tx:
        assert await articles.publish_due(tx, LATER) == [future.id]
    assert (await _get(scene.store, future.id)).seq == 5


async def test_publishing_stops_at_its_limit_and_goes_on(scene: Any) -> None:
    """A big pick-up is published in several short transactions, in one order."""
    for hour in range(5):
        await scene.add(published_at=NOW - timedelta(hours=hour))
    async with scene.store.write() as tx:
        assert len(await articles.publish_due(tx, NOW, limit=3)) == 3
    async with scene.store.write() as tx:
        assert len(await articles.publish_due(tx, NOW, limit=3)) == 2
        found = await articles.newest(tx, 9)
    assert [a.seq for a in found] == [5, 4, 3, 2, 1]
    assert [a.published_at for a in found] == [NOW - timedelta(hours=h) for h in range(5)]


@pytest.mark.parametrize("status", [ArticleStatus.DRAFT, ArticleStatus.UNLISTED, ArticleStatus.WITHDRAWN])
async def test_only_scheduled_articles_go_live(scene: Any, status: ArticleStatus) -> None:
    """Drafts, unlisted and withdrawn articles get no seq."""
    new = await scene.add(status=status)
    async with scene.store.write() as tx:
        assert await articles.publish_due(tx, NOW) == []
    assert (await _get(scene.store, new.id)).seq is None


async def test_I2_seq_is_kept_through_everything(scene: Any) -> None:
    """Correction, withdrawal and return leave an article at its place."""
    first, second = await scene.live(2)
    async with scene.store.write() as tx:
        await articles.update(tx, replace(first, title="Corrected", seq=99, slug="other"), LATER)
        await articles.set_status(tx, first.id, ArticleStatus.WITHDRAWN, LATER)
        assert await articles.newest(tx, 9) == [second]
        await articles.set_status(tx, first.id, ArticleStatus.LIVE, LATER)
        await articles.set_status(tx, second.id, ArticleStatus.SCHEDULED, LATER)
        assert await articles.publish_due(tx, LATER) == [second.id]
    found = await _get(scene.store, first.id)
    assert (found.seq, found.slug, found.title, found.changed_at) == (1, first.slug, "Corrected", LATER)
    assert (await _get(scene.store, second.id)).seq == 2
    assert (await scene.live())[0].seq == 3


@pytest.mark.parametrize("way", ["status", "update"])
async def test_restored_before_it_was_ever_live_it_waits_for_its_turn(scene: Any, way: str) -> None:
    """No article is live without a seq: it goes through publishing like any other."""
    new = await scene.add(status=ArticleStatus.WITHDRAWN)
    async with scene.store.write() as tx:
        if way == "status":
            await articles.set_status(tx, new.id, ArticleStatus.LIVE, NOW)
        else:
            await articles.update(tx, replace(new, status=ArticleStatus.LIVE), NOW)
    assert (await _get(scene.store, new.id)).status == ArticleStatus.SCHEDULED
    async with scene.store.write() as tx:
        assert await articles.publish_due(tx, NOW) == [new.id]


async def test_correction_keeps_what_the_article_said_before(scene: Any) -> None:
    """One version for each change, and the sections in which the article stood."""
    (article,) = await scene.live(section="Harbour")
    async with scene.store.write() as tx:
        await articles.update(tx, replace(article, title="Two", section="City"), LATER)
        await articles.update(tx, replace(article, title="Three", section=""), LATER)
        rows = list(await tx.execute(select(article_versions).order_by(article_versions.c.version)))
        assert article.seq is not None
        stood = (await listings.touching(tx, [article.seq]))[article.seq]
        assert {listing.slug for listing in stood if listing.kind == ListKind.SECTION} == {"harbour", "city"}
    assert [(row.version, row.content["title"]) for row in rows] == [(1, "Story 1"), (2, "Two")]
    assert rows[0].content["content_html"] == "<p>Text.</p>"


async def test_keys_of_identity_stay_unless_given(scene: Any) -> None:
    """A correction may name new ones."""
    new = await scene.add()
    async with scene.store.write() as tx:
        await articles.update(tx, new, LATER)
        await articles.update(tx, new, LATER, canonical_url="u/new")
        assert len(await identities.find_by_source_id(tx, new.source, "id-story-1")) == 1
        assert len(await identities.find_by_canonical_url(tx, new.source, "u/new")) == 1
        assert await identities.find_by_canonical_url(tx, new.source, "u/story-1") == []


async def test_change_of_an_unknown_article_is_refused(scene: Any) -> None:
    """There is nothing to correct or withdraw."""
    new = await scene.add()
    async with scene.store.write() as tx:
        with pytest.raises(LookupError):
            await articles.update(tx, replace(new, id="nobody"), LATER)
        with pytest.raises(LookupError):
            await articles.set_status(tx, "nobody", ArticleStatus.WITHDRAWN, LATER)


async def test_every_change_gets_the_next_number(scene: Any) -> None:
    """New, published, corrected, withdrawn: whoever asks for changes since a number misses none."""
    one, two = await scene.live(2)
    async with scene.store.write() as tx:
        assert await articles.max_change(tx) == 4
        await articles.update(tx, one, LATER)
        await articles.set_status(tx, two.id, ArticleStatus.WITHDRAWN, LATER)
    async with scene.store.read() as tx:
        assert await articles.max_change(tx) == 6
        changed = await articles.changed_since(tx, 0)
        assert [(number, article.id) for number, article in changed] == [(5, one.id), (6, two.id)]
        assert [n for n, _ in await articles.changed_since(tx, 0, limit=1)] == [5]
        assert [n for n, _ in await articles.changed_since(tx, 5)] == [6]
        assert await articles.changed_since(tx, 6) == []


async def test_window_is_open_below_and_closed_above(scene: Any) -> None:
    """from_seq < seq <= to_seq, newest first; withdrawn articles are left out."""
    found = await scene.live(5)
    async with scene.store.write() as tx:
        await articles.set_status(tx, found[2].id, ArticleStatus.WITHDRAWN, LATER)
        assert [a.seq for a in await articles.window(tx, 1, 4)] == [4, 2]
        assert [a.seq for a in await articles.window(tx, 0, 99, limit=2)] == [5, 4]
        assert await articles.window(tx, 4, 4) == []


async def test_window_of_sections_and_without_backfill(scene: Any) -> None:
    """Backfill is live, but in no window unless asked for (I3)."""
    await scene.live(section="Harbour")
    await scene.live(section="Über uns")
    await scene.live(section="Harbour", backfill=True)
    async with scene.store.read() as tx:
        assert [a.seq for a in await articles.window(tx, 0, 9, ["harbour"])] == [1]
        assert [a.seq for a in await articles.window(tx, 0, 9, ["harbour"], include_backfill=True)] == [3, 1]
        assert [a.seq for a in await articles.window(tx, 0, 9, ["uber-uns", "harbour"])] == [2, 1]
        assert [a.seq for a in await articles.newest(tx, 9, "harbour")] == [3, 1]
        assert [a.seq for a in await articles.newest(tx, 2)] == [3, 2]


async def test_sections_are_those_with_live_articles(scene: Any) -> None:
    """By slug, each under the name of its newest article; articles without a section make none."""
    await scene.live(section="HARBOUR")
    await scene.live(section="Harbour")
    await scene.live(section="City")
    await scene.live(section="")
    (gone,) = await scene.live(section="Gone")
    async with scene.store.write() as tx:
        await articles.set_status(tx, gone.id, ArticleStatus.WITHDRAWN, LATER)
        assert await articles.sections(tx) == [("city", "City"), ("harbour", "Harbour")]


async def test_unsettled_are_the_live_articles_changed_of_late(scene: Any) -> None:
    """What mail still waits for."""
    found = await scene.live(3)
    async with scene.store.write() as tx:
        await articles.update(tx, found[1], LATER)
        assert await articles.unsettled(tx, NOW) == [1, 2, 3]
        assert await articles.unsettled(tx, LATER) == [2]
        await articles.set_status(tx, found[1].id, ArticleStatus.WITHDRAWN, LATER)
        assert await articles.unsettled(tx, LATER) == []


async def test_list_shows_all_articles_page_by_page(scene: Any) -> None:
    """Those seen last first, whatever their status."""
    new = [await scene.add(first_seen_at=NOW + timedelta(hours=h)) for h in range(3)]
    async with scene.store.read() as tx:
        assert await articles.list_articles(tx, limit=2) == [new[2], new[1]]
        assert await articles.list_articles(tx, limit=2, offset=2) == [new[0]]


@pytest.mark.parametrize("way", ["status", "update"])
async def test_I10_withdrawal_makes_rendered_variants_stale(scene: Any, way: str) -> None:
    """A variant that holds a withdrawn article is not used again; one without it is."""
    first, second = await scene.live(2)
    async with scene.store.write() as tx:
        edition = await editions.edition(tx, "daily", date(2026, 11, 22), "scheduled", 2, NOW)
        both = await editions.variant(tx, edition, NewVariant("both", "en", "s", "h", "t", (first.id, second.id)))
        one = await editions.variant(tx, edition, NewVariant("one", "en", "s", "h", "t", (second.id,)))
        if way == "status":
            await articles.set_status(tx, first.id, ArticleStatus.WITHDRAWN, LATER)
        else:
            await articles.update(tx, replace(first, status=ArticleStatus.DRAFT), LATER)
        again = await editions.variant(tx, edition, NewVariant("both", "en", "s", "h", "t", (second.id,)))
        assert again != both
        assert await editions.variant(tx, edition, NewVariant("one", "en", "s", "h", "t", (second.id,))) == one
        found = await editions.get_variant(tx, again)
    assert found is not None
    assert (found.revision, found.article_ids) == (2, (second.id,))


async def test_I10_variant_rendered_before_a_withdrawal_and_stored_after_it_is_stale(scene: Any) -> None:
    """Between reading the articles and storing the message one may be withdrawn."""
    (article,) = await scene.live()
    async with scene.store.write() as tx:
        await articles.set_status(tx, article.id, ArticleStatus.WITHDRAWN, LATER)
    subscription = await scene.reader("ada@example.org")
    assert await scene.plan(subscription, article_ids=[article.id], to_seq=2) == 1
    assert await scene.claim() == []


async def test_naive_date_of_an_article_is_refused(scene: Any) -> None:
    """A date without a zone never gets in."""
    with pytest.raises(Exception, match="naive datetime"):
        await scene.add(published_at=NOW.replace(tzinfo=None))


async def test_I8_lists_are_read_along_an_index(store: Store) -> None:
    """Whatever stands in the archive, the newest of the site or of a section, and a window, are found without a sort."""
    statements: list[str] = []

    async with store.write() as tx:
        sync = await tx.get_raw_connection()
        await sync.driver_connection.set_trace_callback(statements.append)  # type: ignore[union-attr]  # aiosqlite's own
        await articles.newest(tx, 50)
        await articles.newest(tx, 50, "news")
        await articles.window(tx, 3, 9)
        await articles.window(tx, 3, 9, ["news", "science"])
        await articles.changed_since(tx, 3)
        await articles.sections(tx)
        await sync.driver_connection.set_trace_callback(None)  # type: ignore[union-attr]  # the same
        for statement in [s for s in statements if s.startswith("SELECT")]:
            rows = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
            plan = " / ".join(str(row.detail) for row in rows)
            assert "SCAN" not in plan or "INDEX" in plan, (statement, plan)
            assert "section_slug IN" in statement or "TEMP B-TREE" not in plan, (statement, plan)
