"""The step that writes pages.

    STORE | changed articles since the mark | a page for each that is live or unlisted; that of one merged into another
          | leads there; the others' are removed; its pictures before it
          | the lists that they stand or stood in | newest articles of each | home and section pages
          | write if changed -> files

The mark moves on when every file was written; else the next run tries the same again. Article pages come before the
lists that link to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from publisher import log, output, text, urls
from publisher.config import Settings
from publisher.errors import PublisherError
from publisher.isolation import each
from publisher.model import Article, ArticleStatus
from publisher.output import Mark, PublishReport, Tally
from publisher.progress import Progress, silent
from publisher.site import pages, pictures
from publisher.store import articles
from publisher.store.engine import Store
from publisher.store.touched import touched
from publisher.templating import Templates

_STEP = "site"
_HOME = "index.html"
_SHOWN = (ArticleStatus.LIVE, ArticleStatus.UNLISTED)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    store: Store, settings: Settings, templates: Templates, *, everything: bool = False, progress: Progress = silent
) -> PublishReport:
    """Writes the pages whose articles changed since the last run, or all of them.

    All of them too where settings, templates or program are others than at the last run, or its mark or files are
    gone. What cannot be written is in the report and stays as it was; so does the mark.
    """
    root = settings.path(settings.output.directory)
    async with store.read() as tx:
        newest = await articles.max_change(tx)
        sections = await articles.sections(tx)
    keys = (settings.site.model_dump_json(), str(settings.feeds.items), settings.store.url)
    fingerprint = output.fingerprint("site", (*keys, templates.fingerprint("site")))
    mark = None if everything else output.usable_mark(root, _STEP, fingerprint, newest, [_HOME])
    job = _Job(store, settings, templates, Tally(root), sections)
    if mark is None:
        await job.tally.clear("sections", [slug for slug, _ in sections], [_HOME])
    stale = await _article_pages(job, mark.change if mark else 0, newest, progress)
    if mark is None or mark.shared != _shared(sections):
        stale = dict.fromkeys(["", *(slug for slug, _ in sections)], _EPOCH) | stale
    for slug, changed_at in stale.items():
        if not job.tally.hopeless:
            await _list_page(job, slug, changed_at)
    job.tally.finish(_STEP, Mark(newest, fingerprint, _shared(sections)))
    return _told(job.tally.report())


def _shared(sections: Sequence[tuple[str, str]]) -> str:
    """What every list page shows: the navigation."""
    return "\n".join(f"{slug} {name}" for slug, name in sections)


async def _article_pages(job: _Job, since: int, until: int, progress: Progress) -> dict[str, datetime]:
    """Writes the pages of the articles with changes in (since, until].

    Gives the slugs of the lists to build anew ("" is the home page), each with the time of its newest change.
    """
    stale: dict[str, datetime] = {}
    async for batch in touched(job.store, since, until):
        for article in batch.articles:
            if not job.tally.hopeless:
                await _article_page(job, article)
        for slug in batch.lists:
            stale[slug] = max(batch.changed_at, stale.get(slug, _EPOCH))
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


async def _list_page(job: _Job, slug: str, changed_at: datetime) -> None:
    """The home page, or that of a section; the page of a section without a live article is removed."""
    async with job.store.read() as tx:
        found = await articles.newest(tx, job.settings.feeds.items, slug)
    relative = urls.section_path(slug)[1:] + _HOME if slug else _HOME
    if slug and not found:
        await job.tally.remove(relative)
        return
    section = (slug, found[0].section) if slug else None
    stories, faults = each(found, lambda article: pages.story(article, job.settings.site), lambda article: article.id)
    for fault in faults:
        job.tally.skip(f"{relative}: {fault}")
    try:
        context = pages.list_page(stories, job.settings.site, job.sections, section=section)
        data = _render(job, "site/section.html" if slug else "site/home.html", context)
    except Exception as error:  # noqa: BLE001 - one list that cannot be rendered stops no other; the report says why
        job.tally.fail(PublisherError(f"{relative} left as it was: {_reason(error)}"))
        return
    newest = max((article.changed_at for article in found), default=_EPOCH)
    await job.tally.write(relative, data, max(newest, changed_at))


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
