"""Jinja2 (the only code that knows it): templates of the site, over those that ship with the program."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Mapping
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    select_autoescape,
)
from markupsafe import Markup

from publisher.errors import PublisherError
from publisher.packaged import packaged


class Templates:
    """Renders templates by name, as "site/article.html"; a name in `.txt` is not escaped."""

    def __init__(self, override: Path | None = None) -> None:
        folders = [folder for folder in (override, packaged("templates")) if folder is not None]
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            autoescape=select_autoescape(enabled_extensions=("html", "xml"), default_for_string=False, default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def render(self, name: str, context: Mapping[str, object]) -> str:
        """The text of template `name`; PublisherError, naming template and line, where it fails.

        A site writes templates of its own, and any mistake in one shows as any exception: none may stop more than it.
        """
        try:
            return self._environment.get_template(name).render(context)
        except TemplateNotFound as error:
            raise PublisherError(f"template {name}: there is no template {error.message}") from error
        except TemplateError as error:
            raise PublisherError(f"template {_place(name, error)}: {error.message or type(error).__name__}") from error
        except Exception as error:
            raise PublisherError(f"template {_place(name, error)}: {type(error).__name__}: {error}") from error

    def fingerprint(self, folder: str) -> str:
        """SHA-256 in hex of all templates in `folder`, as "site": another value means that pages may look different."""
        digest = hashlib.sha256()
        loader = self._environment.loader
        assert loader is not None
        for name in sorted(loader.list_templates()):
            if name.startswith(f"{folder}/"):
                source = loader.get_source(self._environment, name)[0]
                digest.update(f"{name}\0{source}\0".encode())
        return digest.hexdigest()


def _place(name: str, error: Exception) -> str:
    """The template, and the line in it or in one that it uses: Jinja2 puts frames of templates into tracebacks."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name or name}, line {error.lineno}"
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    inside = [(file, line) for file, line in frames if Path(file).suffix in (".html", ".txt", ".xml")]
    if not inside:
        return name
    file, line = inside[-1]
    shown = name if file.endswith(name) else "/".join(Path(file).parts[-2:])
    return f"{shown}, line {line}"


def safe(markup: str) -> Markup:
    """`markup` that is sanitised already and must not be escaped again."""
    return Markup(markup)  # noqa: S704 - callers hand in article bodies, which nh3 cleaned at intake


def templates_of(root: Path) -> Templates:
    """The templates in the project's own folder, where it has one, over the packaged ones."""
    own = root / "templates"
    return Templates(own if own.is_dir() else None)
