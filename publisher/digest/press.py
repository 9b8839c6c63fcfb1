"""Renders variants, each once however many batches of readers ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from publisher import log
from publisher.config import Settings
from publisher.digest.render import Edition, Rendered, render
from publisher.digest.select import variant_key
from publisher.errors import PublisherError
from publisher.model import Article
from publisher.outgoing import NewVariant
from publisher.settings import Newsletter
from publisher.templating import Templates

#: Forms of a variant.
FULL, HEADLINES = "full", "headlines"
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
        self, newsletter: Newsletter, kind: str, on: date, articles: Sequence[Article],
        corrected: Sequence[Article] = (), form: str = "full",
    ) -> NewVariant | None:
        """The variant with these articles, and these that were corrected; `form` may be "headlines".

        None where its template fails, which is logged and costs no other (I12).
        """
        key = variant_key(kind, articles, self.settings.site.language, form, corrected)
        place = (newsletter.name, on, key)
        if place not in self.done:
            await asyncio.sleep(0)  # rendering takes some 20 ms: let the web face answer in between
            while len(self.done) >= _KEPT:
                del self.done[next(iter(self.done))]
            edition = Edition(kind, on, articles, corrected, headlines=form == HEADLINES)
            self.done[place] = self._render(newsletter, edition, key)
        return self.done[place]

    def _render(
        self, newsletter: Newsletter, edition: Edition, key: str
    ) -> NewVariant | None:
        site = self.settings.site
        try:
            rendered: Rendered = render(self.templates, site, newsletter, edition)
        except PublisherError as error:
            self.faults.append(f"{newsletter.name}: {error}")
            _log.error("not rendered", newsletter=newsletter.name, date=edition.on.isoformat(), why=str(error))
            return None
        return NewVariant(
            key=key, language=site.language, subject=rendered.subject, html=rendered.html, text=rendered.text,
            article_ids=rendered.article_ids, corrected_ids=rendered.corrected_ids,
            form=HEADLINES if edition.headlines else FULL,
        )
