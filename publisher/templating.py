"""Jinja2 (the only code that knows it): templates of the site, over those that ship with the program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape
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
        """The text of template `name`; PublisherError, naming template and line, where it fails."""
        try:
            return self._environment.get_template(name).render(context)
        except TemplateError as error:
            where = getattr(error, "lineno", None)
            line = f", line {where}" if where else ""
            raise PublisherError(f"template {name}{line}: {error.message or type(error).__name__}") from error


def safe(markup: str) -> Markup:
    """`markup` that is sanitised already and must not be escaped again."""
    return Markup(markup)  # noqa: S704 - callers hand in article bodies, which nh3 cleaned at intake
