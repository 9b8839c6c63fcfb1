"""Shows the next edition before it is planned; sends and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from publisher.config import Settings
from publisher.digest.render import Edition, render
from publisher.digest.select import WELCOME_STORIES, offered
from publisher.errors import NotFoundError
from publisher.model import Article, Reader, SubscriptionState
from publisher.settings import Newsletter
from publisher.store import articles, audience, editions
from publisher.store.engine import Store, Tx
from publisher.templating import Templates

#: Articles of a window that a message can name.
_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Preview:
    """An edition as it would look; its parts hold slots for what is personal."""

    subject: str
    html: str
    text: str
    #: Stories that are new in it. 0: the edition would not be sent; what is shown is made of the newest ten articles.
    stories: int


@dataclass(frozen=True, slots=True)
class _Next:
    kind: str
    articles: Sequence[Article]


async def preview(
    store: Store, settings: Settings, templates: Templates, newsletter: Newsletter, *, for_email: str = "", at: datetime
) -> Preview:
    """The next edition as of `at`, which gives the date of its masthead and leaves out what was published later.

    For a reader (`for_email`, an address in its normal form): what their own next edition holds, with their sections; a
    welcome edition, where one is owed. For nobody in particular: what went live since the last edition of this
    newsletter; before the first edition, the newest ten. Articles that changed a moment ago are shown too.
    Raises NotFoundError where the reader has no subscription, or where there is no article at all.
    """
    async with store.read() as tx:
        reader = await _reader(tx, newsletter, for_email) if for_email else None
        found = await (_of_reader(tx, newsletter, reader) if reader else _of_anyone(tx, newsletter))
        fresh = _until(found.articles, at)
        shown = fresh or _until(await _newest(tx, newsletter, reader), at)
    if not shown:
        raise NotFoundError(f"nothing to preview: {newsletter.name} has no live article")
    on = at.astimezone(settings.site.zone).date()
    rendered = render(templates, settings.site, newsletter, Edition(found.kind, on, shown))
    return Preview(rendered.subject, rendered.html, rendered.text, len(fresh))


def _until(found: Sequence[Article], at: datetime) -> tuple[Article, ...]:
    return tuple(article for article in found if article.published_at <= at)


async def _reader(tx: Tx, newsletter: Newsletter, email: str) -> Reader:
    for reader in await audience.readers_by_email(tx, email.strip().casefold()):
        if reader.subscription.newsletter == newsletter.name:
            return reader
    raise NotFoundError(f"{email} has no subscription to {newsletter.name}")


async def _of_reader(tx: Tx, newsletter: Newsletter, reader: Reader) -> _Next:
    subscription = reader.subscription
    sections = offered(newsletter.sections, subscription.sections)
    if subscription.state != SubscriptionState.ACTIVE or subscription.welcome_after is not None:
        # From who is not confirmed yet nothing was held back: their first edition shows the newest.
        after = subscription.welcome_after or 0
        found = await articles.window(
            tx, after, await articles.max_seq(tx), sections, limit=WELCOME_STORIES, include_backfill=True
        )
        return _Next("welcome" if newsletter.welcome else "scheduled", found)
    return _Next("scheduled", await _window(tx, subscription.from_seq, sections))


async def _of_anyone(tx: Tx, newsletter: Newsletter) -> _Next:
    after = await editions.last_cutoff(tx, newsletter.name)
    if after is None:
        return _Next("scheduled", await _newest(tx, newsletter, None))
    return _Next("scheduled", await _window(tx, after, offered(newsletter.sections, ())))


async def _window(tx: Tx, after: int, sections: Sequence[str]) -> Sequence[Article]:
    return await articles.window(tx, after, await articles.max_seq(tx), sections, limit=_NAMED)


async def _newest(tx: Tx, newsletter: Newsletter, reader: Reader | None) -> Sequence[Article]:
    sections = offered(newsletter.sections, reader.subscription.sections if reader else ())
    return await articles.window(
        tx, 0, await articles.max_seq(tx), sections, limit=WELCOME_STORIES, include_backfill=True
    )
