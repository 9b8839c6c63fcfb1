"""The step that writes pages.

    STORE | changed articles since the mark | a page for each that is live or unlisted; that of one merged into another
          | leads there; the others' are removed; its pictures before it
          | the lists that they stand or stood in | newest articles of each | their pages; the archive's
          | write if changed -> files

The mark moves on when every file was written; else the next run tries the same again. Article pages come before the
lists that link to them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from publisher import log, output, text, urls
from publisher.config import Settings
from publisher.errors import PublisherError
from publisher.isolation import each
from publisher.model import SITE_LISTING, Article, ArticleStatus, Listing, ListKind
from publisher.output import Mark, PublishReport, Tally
from publisher.progress import Progress, silent
from publisher.site import pages, past, pictures
from publisher.store import articles, listings
from publisher.store.engine import Store
from publisher.store.touched import touched
from publisher.templating import Templates

_STEP = "site"
_HOME = "index.html"
_ALWAYS = (_HOME, f"archive/{_HOME}")
_FOLDERS = ((ListKind.SECTION, "sections"), (ListKind.TAG, "tags"), (ListKind.AUTHOR, "authors"))
#: More lists than any site has.
_ALL = 2**31 - 1
_SHOWN = (ArticleStatus.LIVE, ArticleStatus.UNLISTED)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Stale:
    """What is to be built anew, each with the time of its newest change."""

    lists: dict[Listing, datetime] = field(default_factory=dict)
    #: Pages of the archive, from 1.
    chunks: dict[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Job:
    """What all parts of one run need."""

    store: Store
    settings: Settings
    templates: Templates
    tally: Tally
    #: (slug, name) of each section with a live article.
    sections: list[tuple[str, str]]


async def publish(
    store: Store, settings: Settings, templates: Templates, *, everything: bool = False, progress: Progress = silent,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> PublishReport:
    """Writes the pages whose articles changed since the last run, or all of them.

    All of them too where settings, templates or program are others than at the last run, or its mark or files are
    gone. What cannot be written is in the report and stays as it was; so does the mark. `meanwhile` is done once the
    articles' pages stand, before the lists.
    """
    root = settings.path(settings.output.directory)
    async with store.read() as tx:
        newest = await articles.max_change(tx)
        sections = await articles.sections(tx)
        last = await articles.max_seq(tx)
    keys = settings.site.model_dump_json(), str(settings.feeds.items), settings.store.url
    fingerprint = output.fingerprint("site", (*keys, templates.fingerprint("site")))
    mark = None if everything else output.usable_mark(root, _STEP, fingerprint, newest, _ALWAYS)
    job = _Job(store, settings, templates, Tally(root), sections)
    stale = await _article_pages(job, mark.change if mark else 0, newest, progress)
    if meanwhile is not None:
        await meanwhile()
    if mark is None or mark.shared != _shared(sections):
        stale.lists = dict.fromkeys([SITE_LISTING, *await _every_list(job)], _EPOCH) | stale.lists
        stale.chunks = dict.fromkeys(range(1, past.page_of(last) + 1), _EPOCH) | stale.chunks
    for listing, changed_at in stale.lists.items():
        if not job.tally.hopeless:
            await _list_page(job, listing, changed_at)
    if stale.lists:
        await _archive(job, stale, last)
    job.tally.finish(_STEP, Mark(newest, fingerprint, _shared(sections)))
    return _told(job.tally.report())


async def _every_list(job: _Job) -> list[Listing]:
    """All lists but the site's; pages of those that are no more are removed."""
    found: list[Listing] = []
    async with job.store.read() as tx:
        for kind, folder in _FOLDERS:
            slugs = [slug for slug, _ in await listings.known(tx, kind, _ALL)]
            await job.tally.clear(folder, slugs, [_HOME])
            found += [Listing(kind, slug) for slug in slugs]
    return found


def _shared(sections: Sequence[tuple[str, str]]) -> str:
    """What every list page shows: the navigation."""
    return "\n".join(f"{slug} {name}" for slug, name in sections)


async def _article_pages(job: _Job, since: int, until: int, progress: Progress) -> _Stale:
    """Writes the pages of the articles with changes in (since, until]; gives what is to be built anew for them."""
    stale = _Stale()
    async for batch in touched(job.store, since, until):
        for article in batch.articles:
            if not job.tally.hopeless:
                await _article_page(job, article)
            if article.seq is not None:
                # The page before it has a link to this one once this one begins.
                page = past.page_of(article.seq)
                stale.chunks |= dict.fromkeys((page - 1, page) if page > 1 else (page,), batch.changed_at)
        for listing in batch.lists:
            stale.lists[listing] = max(batch.changed_at, stale.lists.get(listing, _EPOCH))
        progress(batch.change - since, until - since)
    return stale


async def _article_page(job: _Job, article: Article) -> None:
    """The page of one article; where it cannot be rendered the fault is recorded and the old page stays (I12)."""
    relative = f"articles/{article.slug}.html"
    heir = None if article.status in _SHOWN else await _heir(job.store, article)
    if article.status not in _SHOWN and heir is None:
        await job.tally.remove(relative)
        await pictures.remove(job.store, job.tally, article)
        return
    if heir is None:
        await pictures.write(job.store, job.tally, article)
    else:
        await pictures.remove(job.store, job.tally, article)
    try:
        if heir is not None:
            data = _render(job, "site/moved.html", pages.moved_page(heir, job.settings.site))
        else:
            size = await pictures.lead_size(job.store, article)
            data = _render(job, "site/article.html", pages.article_page(article, job.settings.site, size))
    except Exception as error:  # noqa: BLE001 - one article that cannot be rendered stops no other; the report says why
        job.tally.skip(f"page of article {article.id} left as it was: {_reason(error)}")
        return
    await job.tally.write(relative, data, article.changed_at)


async def _heir(store: Store, article: Article) -> Article | None:
    """The article that this one was merged into, where that is shown: its old address leads there."""
    async with store.read() as tx:
        into = await articles.merged_into(tx, article.id)
        heir = await articles.get(tx, into) if into else None
    return heir if heir is not None and heir.status in _SHOWN else None


async def _list_page(job: _Job, listing: Listing, changed_at: datetime) -> None:
    """The page of a list; that of one without a live article is removed, but for the front page."""
    async with job.store.read() as tx:
        found = await listings.newest(tx, listing, job.settings.feeds.items)
        name = await listings.name_of(tx, listing) or ""
    relative = urls.list_path(listing)[1:] + _HOME
    if not found and listing != SITE_LISTING:
        await job.tally.remove(relative)
        return
    stories, faults = each(found, lambda article: pages.story(article, job.settings.site), lambda article: article.id)
    for fault in faults:
        job.tally.skip(f"{relative}: {fault}")
    context = pages.list_page(stories, job.settings.site, job.sections, listing=listing, name=name)
    newest = max((article.changed_at for article in found), default=_EPOCH)
    template = "site/home.html" if listing == SITE_LISTING else "site/section.html"
    await _write(job, relative, template, context, max(newest, changed_at))


async def _archive(job: _Job, stale: _Stale, last: int) -> None:
    """The pages of the archive with these numbers, and its first page, which begins with the newest article."""
    for number, changed_at in [(0, _EPOCH), *sorted(stale.chunks.items())]:
        after, until = past.span(number, last)
        async with job.store.read() as tx:
            found = await listings.headlines_between(tx, after, until)
        lines, faults = each(found, lambda one: past.line_of(one, job.settings.site), lambda one: one.slug)
        for fault in faults:
            job.tally.skip(f"{past.path(number)}: {fault}")
        context = past.archive_page(lines, job.settings.site, job.sections, number=number, last=last)
        newest = max((one.changed_at for one in found), default=_EPOCH)
        await _write(job, past.path(number)[1:] + _HOME, "site/archive.html", context, max(newest, changed_at))


async def _write(
    job: _Job, relative: str, template: str, context: Mapping[str, object], changed_at: datetime
) -> None:
    try:
        data = _render(job, template, context)
    except Exception as error:  # noqa: BLE001 - one list that cannot be rendered stops no other; the report says why
        job.tally.fail(PublisherError(f"{relative} left as it was: {_reason(error)}"))
        return
    await job.tally.write(relative, data, changed_at)


def _render(job: _Job, template: str, context: Mapping[str, object]) -> bytes:
    # Cleaned once more as a whole: no character may stand in a page that its encoding cannot hold.
    return text.clean(job.templates.render(template, context)).encode()


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"


def _told(report: PublishReport) -> PublishReport:
    """`report`, after it went to the log."""
    logger = log.get("site")
    for fault in report.faults:
        logger.warning("page not written", reason=fault)
    if report.written or report.removed or report.failed:
        logger.info("pages written", written=report.written, removed=report.removed, failed=report.failed)
    return report
