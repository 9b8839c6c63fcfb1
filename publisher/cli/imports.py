"""Commands that bring articles in from another system: import wordpress, ghost, feed; articles redirects."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from publisher import urls
from publisher.cli import shapes, show
from publisher.cli.articles import Json, articles_app
from publisher.cli.context import load_settings, now, opened, print_json, run, say
from publisher.config import Settings
from publisher.errors import DocumentError, PublisherError
from publisher.intake.export_entry import Export
from publisher.model import ArticleStatus, DocumentResult
from publisher.store import redirects as table

import_app = typer.Typer(help="Articles from another system.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The export.")]
Media = Annotated[
    Path | None,
    typer.Option(help="Folder of the old site's pictures; else `uploads`, `content/images` or `images` beside FILE."),
]
Fetch = Annotated[bool, typer.Option("--fetch-images", help="Fetch pictures that are not in it from the old site.")]
Private = Annotated[bool, typer.Option("--allow-private", help="Fetch them from private addresses too.")]
Pages = Annotated[bool, typer.Option("--pages", help="Take pages too, as unlisted articles.")]
Url = Annotated[str, typer.Option(help="Where the old site stood, as https://old.example.org.")]


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(import_app, name="import")


@import_app.command("wordpress")
def wordpress(
    context: typer.Context, file: File, media: Media = None, fetch: Fetch = False, allow_private: Private = False,
    pages: Pages = False, as_json: Json = False,
) -> None:
    """Posts of a WordPress export (WXR): live or drafts as they are there, never mailed. Run again, it goes on."""
    from publisher.intake import export_file  # noqa: PLC0415 - parsers load slowly; other commands need none

    def read(settings: Settings) -> Export:
        return export_file.from_wordpress(file, settings.site.zone, pages=pages)

    _bring_in(context, file, read, (media, fetch, allow_private), as_json)


@import_app.command("ghost")
def ghost(
    context: typer.Context, file: File, url: Url = "", media: Media = None, fetch: Fetch = False,
    allow_private: Private = False, pages: Pages = False, as_json: Json = False,
) -> None:
    """Posts of a Ghost export: public ones live, those for members as drafts; never mailed. Run again, it goes on."""
    from publisher.intake import export_file  # noqa: PLC0415 - as above

    def read(settings: Settings) -> Export:
        site = settings.site
        return export_file.from_ghost(file, site.zone, url=_address(url), site_url=site.url, pages=pages)

    _bring_in(context, file, read, (media, fetch, allow_private), as_json)


@import_app.command("feed")
def feed(
    context: typer.Context, file: File, url: Url = "", media: Media = None, fetch: Fetch = False,
    allow_private: Private = False, as_json: Json = False,
) -> None:
    """Entries of a saved RSS, Atom or JSON Feed: live, never mailed. Run again, it goes on."""
    from publisher.intake import export_file  # noqa: PLC0415 - as above

    def read(settings: Settings) -> Export:
        return export_file.from_feed(file, settings.site.zone, url=_address(url))

    _bring_in(context, file, read, (media, fetch, allow_private), as_json)


def _address(url: str) -> str:
    if url and not urls.canonical(url):
        raise typer.BadParameter("it is no http or https address", param_hint="--url")
    return url


def _bring_in(
    context: typer.Context, file: Path, read: Callable[[Settings], Export], media: tuple[Path | None, bool, bool],
    as_json: bool,
) -> None:
    from publisher.intake import bring_in, export_file  # noqa: PLC0415 - as above
    from publisher.intake.export_pictures import Library  # noqa: PLC0415 - as above

    settings = load_settings(context.obj)
    folder, fetch, allow_private = media
    if folder is not None and not folder.is_dir():
        raise PublisherError(f"{folder}: there is no such folder")
    library = Library(folder or export_file.media_folder(file), fetch, allow_private)
    try:
        export = read(settings)

        async def work() -> list[DocumentResult]:
            async with opened(settings) as it:
                return await bring_in.bring_in(
                    it.store, settings, export, library, now=now, reporting=show.progress
                )

        rows = bring_in.shown(run(work()), file.as_posix())
    except DocumentError as error:
        raise PublisherError(f"{file}: {'; '.join(filter(None, (error.reason, error.remedy)))}") from error
    _report(export, rows, as_json)


def _report(export: Export, rows: list[DocumentResult], as_json: bool) -> None:
    """Rows on standard output; what was passed over, and what its owner should know, beside them."""
    for remark in export.remarks:
        sys.stderr.write(f"{remark}\n")
    if export.passed_over:
        counts = ", ".join(f"{what} ({number})" for what, number in sorted(export.passed_over.items()))
        hint = "; pages are taken with --pages" if "pages" in export.passed_over else ""
        sys.stderr.write(f"passed over: {counts}{hint}\n")
    if as_json:
        print_json({"documents": [shapes.result_json(row) for row in rows]})
        return
    show.table(("", "entry", "title or reason"), ((r.status, r.path, r.reason or r.title) for r in rows))
    if not rows:
        say("nothing to import")


@articles_app.command("redirects")
def redirects(
    context: typer.Context,
    nginx: Annotated[bool, typer.Option("--nginx", help="As lines of a map of nginx.")] = False,
    as_json: Json = False,
) -> None:
    """Old addresses of imported articles, and where they lead: for a web server that serves the files alone."""
    settings = load_settings(context.obj)

    async def work() -> list[tuple[str, str]]:
        async with opened(settings) as it:
            return [
                (old, urls.absolute(settings.site.url, urls.article_path(article.slug)))
                async for old, article in table.every(it.store)
                if article.status in (ArticleStatus.LIVE, ArticleStatus.UNLISTED)
            ]

    found = run(work())
    if as_json:
        print_json({"redirects": [{"path": old, "url": url} for old, url in found]})
    elif nginx:
        for old, url in found:
            for path in (old,) if "?" in old else (old, f"{old}/"):
                say(f"{_quoted(path)} {_quoted(url)};")
    else:
        show.table(("old address", "leads to"), found)


def _quoted(text: str) -> str:
    """As nginx reads it, ngx_conf_file: in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
