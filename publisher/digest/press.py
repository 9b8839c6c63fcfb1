"""Renders variants, each once however many batches of readers ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from publisher import log
from publisher.config import Settings
from publisher.digest.render import Rendered, render
from publisher.digest.select import variant_key
from publisher.errors import PublisherError
from publisher.model import Article
from publisher.outgoing import NewVariant
from publisher.settings import Newsletter
from publisher.templating import Templates

#: Variants kept at once; an edition with more windows than that renders some of them again.
_KEPT = 64

_log = log.get("digest")


@dataclass(frozen=True, slots=True)
class Press:
    """Templates, settings, and what was rendered last."""

    settings: Settings
    templates: Templates
    #: By newsletter, date and key; None for one that failed.
    done: dict[tuple[str, date, str], NewVariant | None] = field(default_factory=dict)
    #: One line for each variant that failed.
    faults: list[str] = field(default_factory=list)

    async def variant(
        self, newsletter: Newsletter, kind: str, on: date, articles: Sequence[Article]
    ) -> NewVariant | None:
        """The variant with these articles; None where its template fails, which is logged and costs no other (I12)."""
        language = self.settings.site.language
        key = variant_key(kind, articles, language)
        place = (newsletter.name, on, key)
        if place not in self.done:
            await asyncio.sleep(0)  # rendering takes some 20 ms: let the web face answer in between
            while len(self.done) >= _KEPT:
                del self.done[next(iter(self.done))]
            self.done[place] = self._render(newsletter, kind, on, articles, key)
        return self.done[place]

    def _render(
        self, newsletter: Newsletter, kind: str, on: date, articles: Sequence[Article], key: str
    ) -> NewVariant | None:
        site = self.settings.site
        try:
            rendered: Rendered = render(self.templates, site, newsletter, articles, kind=kind, on=on)
        except PublisherError as error:
            self.faults.append(f"{newsletter.name}: {error}")
            _log.error("not rendered", newsletter=newsletter.name, date=on.isoformat(), why=str(error))
            return None
        return NewVariant(
            key=key, language=site.language, subject=rendered.subject, html=rendered.html, text=rendered.text,
            article_ids=rendered.article_ids,
        )
