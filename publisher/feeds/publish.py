"""The step that writes feeds.

    STORE | changed articles since the mark | the lists that they stand or stood in
          | newest articles of each | entries | RSS, Atom, JSON Feed | write if changed -> files

The mark moves on when every file was written; else the next run tries the same again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from publisher import log, output, urls
from publisher.config import Settings
from publisher.feeds import atom, json_feed, rss
from publisher.feeds.entries import feed_of
from publisher.output import Mark, PublishReport, Tally
from publisher.progress import Progress, silent
from publisher.store import articles
from publisher.store.engine import Store
from publisher.store.touched import touched

_STEP = "feeds"
_FORMATS = {"rss.xml": rss.render, "atom.xml": atom.render, "feed.json": json_feed.render}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def publish(
    store: Store, settings: Settings, *, everything: bool = False, progress: Progress = silent
) -> PublishReport:
    """Writes the feeds whose articles changed since the last run, or all of them.

    All of them too where settings or program are others than at the last run, or its mark or files are gone. What
    cannot be written is in the report and stays as it was; so does the mark.
    """
    root = settings.path(settings.output.directory)
    async with store.read() as tx:
        newest = await articles.max_change(tx)
        sections = [slug for slug, _ in await articles.sections(tx)]
    parts = (settings.site.model_dump_json(), settings.feeds.model_dump_json(), settings.store.url)
    fingerprint = output.fingerprint("feeds", parts)
    mark = None if everything else output.usable_mark(root, _STEP, fingerprint, newest, _FORMATS)
    tally = Tally(root)
    if mark is None:
        await tally.clear("sections", sections, _FORMATS)
        stale = dict.fromkeys(["", *sections], _EPOCH)
    else:
        stale = await _stale(store, mark.change, newest)
    for done, (slug, changed_at) in enumerate(stale.items(), start=1):
        if not tally.hopeless:
            await _write(store, settings, tally, slug, changed_at)
        progress(done, len(stale))
    tally.finish(_STEP, Mark(newest, fingerprint))
    return _told(tally.report())


async def _stale(store: Store, since: int, until: int) -> dict[str, datetime]:
    """Slugs of the lists to build anew ("" is the whole site), each with the time of its newest change."""
    stale: dict[str, datetime] = {}
    async for batch in touched(store, since, until):
        for slug in batch.lists:
            stale[slug] = max(batch.changed_at, stale.get(slug, _EPOCH))
    return stale


async def _write(store: Store, settings: Settings, tally: Tally, slug: str, changed_at: datetime) -> None:
    """The feeds of one list; those of a section without a live article are removed."""
    async with store.read() as tx:
        found = await articles.newest(tx, settings.feeds.items, slug)
    folder = urls.section_path(slug)[1:] if slug else ""
    if slug and not found:
        for name in _FORMATS:
            await tally.remove(folder + name)
        return
    feed, faults = feed_of(found, settings.site, settings.feeds.content, slug)
    newest = max((article.changed_at for article in found), default=_EPOCH)
    for name, render in _FORMATS.items():
        try:
            rendered = render(feed)
        except Exception as error:  # noqa: BLE001 - one list that cannot be rendered stops no other; the report says why
            tally.fail(error)
            continue
        await tally.write(folder + name, rendered.data, max(newest, changed_at))
        faults += rendered.faults
    for fault in dict.fromkeys(faults):
        tally.skip(f"{folder or '/'}: {fault}")


def _told(report: PublishReport) -> PublishReport:
    """`report`, after it went to the log."""
    logger = log.get("feeds")
    for fault in report.faults:
        logger.warning("feed not complete", reason=fault)
    if report.written or report.removed or report.failed:
        logger.info("feeds written", written=report.written, removed=report.removed, failed=report.failed)
    return report
