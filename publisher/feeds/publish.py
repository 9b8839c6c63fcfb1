"""The step that writes feeds, archives, and what leads to them.

    STORE | seal what is full | documents that were sealed or lost an article -> archive
          | changed articles since the mark | the lists that they stand or stood in
          | places of each | entries, made once per change | RSS, Atom, JSON Feed | write if changed -> files
          | OPML, sitemaps of what changed -> files

The mark moves on when every file was written; else the next run tries the same again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from publisher import log, output, urls
from publisher.config import Settings
from publisher.feeds import directory
from publisher.feeds.collect import Documents, collect, sealed
from publisher.feeds.pieces import Pieces
from publisher.model import SITE_LISTING, Listing, ListKind
from publisher.output import Mark, PublishReport, Tally
from publisher.progress import Progress, silent
from publisher.store import archive, articles, listings
from publisher.store.engine import Store
from publisher.store.touched import touched

_STEP, _ARCHIVE = "feeds", "archive"
#: Raised where sealed documents must be written anew after an upgrade; else they stay as they are.
_FORM = "1"
_FILES = ("rss.xml", "atom.xml", "feed.json")
_ALWAYS = (*_FILES, "feeds.opml", "sitemap.xml", "news-sitemap.xml", "robots.txt")
_LISTS = ((ListKind.SECTION, "sections"), (ListKind.TAG, "tags"), (ListKind.AUTHOR, "authors"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: More lists than any site has.
_ALL = 2**31 - 1


@dataclass(slots=True)
class _Stale:
    """What is to be built anew, each with the time of its newest change."""

    lists: dict[Listing, datetime] = field(default_factory=dict)
    #: Chunks of sitemaps, from 1.
    chunks: dict[int, datetime] = field(default_factory=dict)
    changed_at: datetime = _EPOCH
    #: Another list is known now, or one by another name.
    names: bool = False


async def publish(
    store: Store, settings: Settings, *, everything: bool = False, progress: Progress = silent,
    kept: Pieces | None = None,
) -> PublishReport:
    """Writes the feeds whose articles changed since the last run, or all of them.

    All of them too where settings or program are others than at the last run, or its mark or files are gone; sealed
    archive documents only where settings are. What cannot be written is in the report and stays as it was; so does the
    mark. `kept` has the entries that earlier runs made.
    """
    root = settings.path(settings.output.directory)
    await _seal(store, settings.feeds.items)
    async with store.read() as tx:
        newest = await articles.max_change(tx)
    told = _told_settings(settings)
    fingerprint = output.fingerprint("feeds", told)
    mark = None if everything else output.usable_mark(root, _STEP, fingerprint, newest, _ALWAYS)
    form = "\n".join((_FORM, *told))
    past = None if everything else output.usable_mark(root, _ARCHIVE, form, newest, ())
    tally, kept = Tally(root), kept or Pieces()
    kept.begin(fingerprint)
    # Archive documents first: what leads to one leads somewhere.
    await _archive(store, settings, tally, past.change if past else 0, newest)
    stale = await _everything(store, tally) if mark is None else await _stale(store, mark.change, newest)
    # The site's own first: that is what most readers have.
    in_order = sorted(stale.lists.items(), key=lambda each: (each[0] != SITE_LISTING, each[0]))
    for done, (listing, changed_at) in enumerate(in_order, start=1):
        if not tally.hopeless:
            name = await _list(store, settings, tally, kept, listing, changed_at)
            stale.names = stale.names or kept.known is None or kept.known.get(listing) != name
        progress(done, len(stale.lists))
    if mark is None or stale.lists:
        await _directory(store, settings, tally, kept, stale)
    if tally.failed == 0:
        tally.finish(_ARCHIVE, Mark(newest, form))
    else:
        kept.known = None
    tally.finish(_STEP, Mark(newest, fingerprint))
    return _told(tally.report())


def _told_settings(settings: Settings) -> tuple[str, ...]:
    site = settings.site.model_dump_json(exclude={"postal_address", "timezone"})
    return site, settings.feeds.model_dump_json(exclude={"moved"}), " ".join(settings.hubs), settings.store.url


async def _seal(store: Store, size: int) -> None:
    """Seals what is full, one document in a transaction; a look before keeps readers of the store undisturbed."""
    while True:
        async with store.read() as tx:
            ripe = await archive.ripe(tx, size)
        if not ripe:
            return
        async with store.write() as tx:
            await archive.seal(tx, size)


async def _archive(store: Store, settings: Settings, tally: Tally, since: int, until: int) -> None:
    """The archive documents that were sealed or lost an article in (since, until]."""
    async with store.read() as tx:
        numbers = await archive.changed_documents(tx, since, until)
    for number in numbers:
        if tally.hopeless:
            return
        async with store.read() as tx:
            found = await archive.document(tx, number)
        newest = max((one.changed_at for one in found), default=_EPOCH)
        await _write(tally, urls.archive_path(number)[1:], sealed(settings, number, found), newest)


async def _everything(store: Store, tally: Tally) -> _Stale:
    """All there is; files of lists that are no more are removed."""
    stale = _Stale({SITE_LISTING: _EPOCH})
    await asyncio.to_thread(output.sweep, tally.root)
    async with store.read() as tx:
        for kind, folder in _LISTS:
            slugs = [slug for slug, _ in await listings.known(tx, kind, _ALL)]
            stale.lists |= dict.fromkeys((Listing(kind, slug) for slug in slugs), _EPOCH)
            await tally.clear(folder, slugs, _FILES)
        chunks = _chunk(await articles.max_seq(tx))
    stale.chunks = dict.fromkeys(range(1, chunks + 1), _EPOCH)
    return stale


async def _stale(store: Store, since: int, until: int) -> _Stale:
    """What articles with changes in (since, until] stand or stood in; the site's where a document was sealed then."""
    stale = _Stale()
    async with store.read() as tx:
        if await archive.changed_documents(tx, since, until):
            stale.lists[SITE_LISTING] = _EPOCH
    async for batch in touched(store, since, until):
        for listing in batch.lists:
            stale.lists[listing] = max(batch.changed_at, stale.lists.get(listing, _EPOCH))
        for article in batch.articles:
            if article.seq is not None:
                stale.chunks[_chunk(article.seq)] = batch.changed_at
        stale.changed_at = max(stale.changed_at, batch.changed_at)
    return stale


def _chunk(seq: int) -> int:
    """The sitemap in which the article with this seq stands; of 0: none."""
    return -(-seq // directory.CHUNK)


async def _list(
    store: Store, settings: Settings, tally: Tally, kept: Pieces, listing: Listing, changed_at: datetime
) -> str | None:
    """The feeds of one list; those of a list without a live article are removed, but for the site's. Gives its name."""
    folder = urls.list_path(listing)[1:]
    async with store.read() as tx:
        past = await archive.issued(tx, settings.feeds.items) if listing == SITE_LISTING else None
        places = past.places if past else await listings.places(tx, listing, settings.feeds.items)
        name = await listings.name_of(tx, listing) or ""
        try:
            made = await collect(tx, settings, kept, listing, places, name, past=past)
        except Exception as error:  # noqa: BLE001 - one list that cannot be made stops no other; the report says why
            tally.fail(error)
            return name
    if not places and not past:
        for file in _FILES:
            await tally.remove(folder + file)
        return None
    newest = max((place.changed_at for place in places), default=_EPOCH)
    await _write(tally, folder, made, max(newest, changed_at))
    return name


async def _write(tally: Tally, folder: str, made: Documents, changed_at: datetime) -> None:
    await tally.write_all(folder, made.files, changed_at)
    for fault in made.faults:
        tally.skip(f"{folder or '/'}: {fault}")


async def _directory(store: Store, settings: Settings, tally: Tally, kept: Pieces, stale: _Stale) -> None:
    """Sitemaps; where other lists are known than before, what tells them by name; robots.txt."""
    site = settings.site
    async with store.read() as tx:
        chunks = _chunk(await articles.max_seq(tx))
        news = await listings.headlines(tx, directory.NEWS_MOST)
    files = {
        "sitemap.xml": directory.sitemap_index(site, chunks), "news-sitemap.xml": directory.news_sitemap(site, news),
    }
    if stale.names or kept.known is None:
        files |= await _by_name(store, settings, kept)
    await tally.write_all("", files, stale.changed_at)
    for chunk, changed in stale.chunks.items():
        async with store.read() as tx:
            found = await listings.headlines_between(tx, (chunk - 1) * directory.CHUNK, chunk * directory.CHUNK)
        await tally.write(f"sitemaps/{chunk}.xml", directory.sitemap(site, found), changed)


async def _by_name(store: Store, settings: Settings, kept: Pieces) -> dict[str, bytes]:
    """OPML, the sitemap of the lists, and robots.txt."""
    async with store.read() as tx:
        known = {kind: await listings.known(tx, kind) for kind, _ in _LISTS}
    kept.known = {Listing(kind, slug): name for kind, found in known.items() for slug, name in found}
    kept.known[SITE_LISTING] = ""
    return {
        "feeds.opml": directory.opml(settings.site, known), "robots.txt": directory.robots(settings.site),
        "sitemaps/lists.xml": directory.sitemap_of_lists(settings.site, known),
    }


def _told(report: PublishReport) -> PublishReport:
    """`report`, after it went to the log."""
    logger = log.get("feeds")
    for fault in report.faults:
        logger.warning("feed not complete", reason=fault)
    if report.written or report.removed or report.failed:
        logger.info("feeds written", written=report.written, removed=report.removed, failed=report.failed)
    return report
