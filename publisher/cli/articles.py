"""Commands about articles: ingest, extract, build, articles, documents."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from publisher.cli import shapes, show
from publisher.cli.context import load_settings, now, opened, print_json, print_json_line, run, say
from publisher.errors import DocumentError, NotFoundError, PublisherError
from publisher.feeds.publish import publish as publish_feeds
from publisher.model import Article, ArticleStatus, DocumentResult, DocumentState
from publisher.output import PublishReport
from publisher.settings import Site
from publisher.site.publish import publish as publish_pages
from publisher.store import alike
from publisher.store import articles as table
from publisher.store import documents as documents_table
from publisher.store import versions as versions_table
from publisher.store.engine import Tx

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

articles_app = typer.Typer(help="The articles in the store.", no_args_is_help=True)
documents_app = typer.Typer(help="The documents that were seen.", no_args_is_help=True)


#: Rows that a report shows on a terminal; of more, only those that are news. Other programs get all.
_MOST_ROWS = 500


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(ingest)
    app.command()(extract)
    app.command()(build)
    app.add_typer(articles_app, name="articles")
    app.add_typer(documents_app, name="documents")


def ingest(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; none: the configured sources.")] = None,
    as_json: Json = False,
) -> None:
    """Pick up documents now, and ask the feeds: a row for each document, with what became of it."""
    from publisher.intake.feed_poll import poll  # noqa: PLC0415 - the same
    from publisher.intake.ingest import ingest as pick_up  # noqa: PLC0415 - parsers load slowly; other commands need none

    settings = load_settings(context.obj)

    async def work() -> list[DocumentResult]:
        async with opened(settings) as it:
            with show.progress("picking up") as progress:
                rows = await pick_up(it.store, settings, paths or (), now=now, progress=progress)
            if paths:
                return rows
            with show.progress("feeds") as progress:
                return rows + await poll(it.store, settings, now=now, jitter=random.random, progress=progress)

    rows = run(work())
    if as_json:
        print_json({"documents": [shapes.result_json(row) for row in rows]})
    else:
        told = rows
        if len(rows) > _MOST_ROWS and sys.stdout.isatty():
            told = [row for row in rows if row.reason or row.status != "unchanged"][:_MOST_ROWS]
        show.table(("", "document", "title or reason"), ((r.status, r.path, r.reason or r.title) for r in told))
        if len(told) < len(rows):
            say(f"... and {len(rows) - len(told):,} more of {len(rows):,}; --json lists all")
        if not rows:
            say("nothing to pick up")
    if any(not path.exists() for path in paths or ()):
        raise typer.Exit(1)


def extract(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    as_json: Json = False,
) -> None:
    """Show what pick-up would make of these documents, storing nothing."""
    from publisher.intake.ingest import extract_paths  # noqa: PLC0415 - as above

    settings = load_settings(context.obj)
    failed = False
    for path, found in extract_paths(paths, settings, now=now()):
        if isinstance(found, DocumentError):
            failed = True
            if as_json:
                print_json_line({"path": path, "error": _with_remedy(found)})
            else:
                typer.echo(f"{path}: {_with_remedy(found)}", err=True)
        elif as_json:
            print_json_line(shapes.extracted_json(path, found))
        else:
            facts = shapes.extracted_json(path, found)
            body = facts.pop("content_text")
            facts.pop("content_html")
            for name, value in facts.items():
                if value:
                    say(f"{name:>13}  {', '.join(value) if isinstance(value, list) else value}")
            say(f"\n{body}\n")
    if failed and not as_json:
        raise typer.Exit(1)


def _with_remedy(error: DocumentError) -> str:
    return f"{error.reason}; {error.remedy}" if error.remedy else error.reason


def build(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Write all anew, not only what changed.")] = False,
    as_json: Json = False,
) -> None:
    """Write the feeds and pages that changed."""
    from publisher.intake.ingest import publish as publish_due  # noqa: PLC0415 - as above
    from publisher.intake.own_addresses import follow  # noqa: PLC0415 - as above

    settings = load_settings(context.obj)

    async def work() -> tuple[PublishReport, PublishReport]:
        async with opened(settings) as it:
            await follow(it.store, settings.site.url, now())
            await publish_due(it.store, now())
            with show.progress("pages") as progress:
                pages = await publish_pages(
                    it.store, settings, it.templates, everything=everything, progress=progress
                )
            with show.progress("feeds") as progress:
                feeds = await publish_feeds(it.store, settings, everything=everything, progress=progress)
            return pages, feeds

    both = run(work())
    counts = {
        "written": sum(part.written for part in both),
        "unchanged": sum(part.unchanged for part in both),
        "removed": sum(part.removed for part in both),
        "failed": sum(part.failed for part in both),
    }
    if as_json:
        print_json(counts | {"faults": [fault for part in both for fault in part.faults]})
    else:
        shown = {what: count for what, count in counts.items() if count or what in ("written", "unchanged")}
        said = ", ".join(f"{count} {what}" for what, count in shown.items())
        say(f"{said}, in {settings.path(settings.output.directory)}")
    if counts["failed"]:
        raise PublisherError("; ".join(fault for part in both for fault in part.faults))


@articles_app.command("list")
def list_articles(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """The articles, those seen last first."""
    settings = load_settings(context.obj)

    async def work() -> list[Article]:
        async with opened(settings) as it, it.store.read() as tx:
            return await table.list_articles(tx, limit=limit)

    rows = run(work())
    if as_json:
        print_json({"articles": [shapes.article_json(row) for row in rows]})
    else:
        show.table(
            ("seq", "status", "published", "section", "title", "id"),
            ((r.seq, r.status, _day(settings.site, r), r.section, r.title, r.id) for r in rows),
        )


def _day(site: Site, article: Article) -> str:
    return article.published_at.astimezone(site.zone).strftime("%Y-%m-%d")


@articles_app.command("show")
def show_article(
    context: typer.Context,
    ident: Annotated[str, typer.Argument(metavar="ID")],
    versions: Annotated[bool, typer.Option("--versions", help="What it said before, and each change.")] = False,
    as_json: Json = False,
) -> None:
    """One article, by id or slug."""
    settings = load_settings(context.obj)

    async def work() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with opened(settings) as it, it.store.read() as tx:
            found = await named(tx, ident)
            facts = shapes.article_json(found) | {"same_story": await alike.of_article(tx, found.id)}
            return facts, await _told_versions(tx, found) if versions else []

    facts, told = run(work())
    if as_json:
        print_json(facts | {"versions": told} if versions else facts)
        return
    if versions:
        for version in told:
            say(f"{version['version']}  until {version['replaced_at']:%Y-%m-%d %H:%M}  {version['change']}")
            say("\n".join(f"   {line}" for line in version["difference"]) + "\n")
        return
    body = facts.pop("content_text")
    facts.pop("content_html")
    for name, value in facts.items():
        if value not in ("", [], None):
            say(f"{name:>13}  {', '.join(value) if isinstance(value, list) else value}")
    say(f"\n{body}")


@articles_app.command("withdraw")
def withdraw(context: typer.Context, ident: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Take an article back: out of feeds, pages, and every digest that starts later."""
    _set_status(context, ident, ArticleStatus.WITHDRAWN)


@articles_app.command("restore")
def restore(context: typer.Context, ident: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Bring a withdrawn article back, at its old place; it is not mailed again."""
    _set_status(context, ident, ArticleStatus.LIVE)


def _set_status(context: typer.Context, ident: str, status: ArticleStatus) -> None:
    settings = load_settings(context.obj)

    async def work() -> Article:
        async with opened(settings) as it:
            async with it.store.write() as tx:
                found = await named(tx, ident)
                if (into := await table.merged_into(tx, found.id)) is not None:
                    undo = f"undo that with: publisher articles split {into}"
                    raise PublisherError(f"{found.slug} is merged into {into}; {undo}")
                allowed = {ArticleStatus.WITHDRAWN: ArticleStatus.LIVE, ArticleStatus.LIVE: ArticleStatus.WITHDRAWN}
                if found.status != allowed[status]:
                    raise PublisherError(f"{found.slug} is {found.status}, not {allowed[status]}; nothing changed")
                await table.set_status(tx, found.id, status, now())
            await publish_pages(it.store, settings, it.templates)
            await publish_feeds(it.store, settings)
            return found

    say(f"{run(work()).slug}: {status}")


async def _told_versions(tx: Tx, article: Article) -> list[dict[str, Any]]:
    """What the article said before each change, and how what came then differs from it."""
    from publisher.intake.difference import difference  # noqa: PLC0415 - as above

    kept = await versions_table.of_article(tx, article.id)
    after = [*(version.content for version in kept), versions_table.content(article)][1:]
    return [
        {
            "version": version.number, "replaced_at": version.replaced_at, "change": version.change.value,
            "title": version.content["title"], "difference": difference(version.content, then),
        }
        for version, then in zip(kept, after, strict=True)
    ]


async def named(tx: Tx, ident: str) -> Article:
    """The article with this id or slug; NotFoundError where there is none."""
    found = await table.get(tx, ident) or await table.by_slug(tx, ident)
    if found is None:
        raise NotFoundError(f"no article has the id or slug {ident!r}; see `publisher articles list`")
    return found


@documents_app.command("list")
def list_documents(
    context: typer.Context,
    state: Annotated[DocumentState | None, typer.Option(help="Only those in this state.")] = None,
    as_json: Json = False,
) -> None:
    """Every document seen, with reason and remedy of the rejected."""
    settings = load_settings(context.obj)

    async def work() -> list[dict[str, object]]:
        async with opened(settings) as it, it.store.read() as tx:
            return [shapes.document_json(row) for row in await documents_table.list_documents(tx, state)]

    rows = run(work())
    if as_json:
        print_json({"documents": rows})
    else:
        show.table(
            ("state", "source", "document", "reason", "remedy"),
            (
                (f"{r['state']}{'' if r['present'] else ', gone'}", r["source"], r["path"], r["reason"], r["remedy"])
                for r in rows
            ),
        )
