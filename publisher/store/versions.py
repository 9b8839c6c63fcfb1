"""What articles said before each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from publisher.change_kind import Change
from publisher.model import Article, Enclosure, Related
from publisher.store import article_rows
from publisher.store.engine import Tx
from publisher.store.schema import article_versions
from publisher.text import from_html


@dataclass(frozen=True, slots=True)
class Version:
    """What an article said until it was changed."""

    #: 1 for the first.
    number: int
    replaced_at: datetime
    #: What the change was that replaced it.
    change: Change
    #: As `content` gives it.
    content: Mapping[str, Any]


def content(article: Article) -> dict[str, Any]:
    """What a version keeps of the article: plain values by name."""
    kept = {name: getattr(article, name) for name in article_rows.KEPT}
    lists = {name: list(value) for name, value in kept.items() if isinstance(value, tuple)}
    own = {"enclosures": [asdict(e) for e in article.enclosures], "related": [asdict(r) for r in article.related]}
    return kept | lists | own


def restored(article: Article, kept: Mapping[str, Any]) -> Article:
    """`article` with the content that a version kept; one of an older program kept neither enclosures nor related."""
    values = {name: kept[name] for name in article_rows.KEPT}
    values |= {name: tuple(values[name]) for name in ("authors", "tags")}
    if "related" in kept:
        values["enclosures"] = tuple(Enclosure(**item) for item in kept["enclosures"])
        values["related"] = tuple(Related(**item) for item in kept["related"])
    return replace(article, **values, content_text=from_html(values["content_html"]))


async def keep(tx: Tx, old: Article, change: Change, now: datetime) -> None:
    """Keeps what the article says, which a change of this kind now replaces."""
    await tx.execute(
        insert(article_versions).values(
            article_id=old.id, version=await last(tx, old.id) + 1, replaced_at=now, change=change,
            section_slug=article_rows.slug_of_section(old), content=content(old),
        )
    )


async def last(tx: Tx, article_id: str) -> int:
    """Number of the last version that was replaced, 0 where none was."""
    highest = func.coalesce(func.max(article_versions.c.version), 0)
    return int((await tx.execute(select(highest).where(article_versions.c.article_id == article_id))).scalar_one())


async def of_article(tx: Tx, article_id: str) -> list[Version]:
    """All versions that were replaced, the first one first."""
    query = select(article_versions).where(article_versions.c.article_id == article_id)
    rows = await tx.execute(query.order_by(article_versions.c.version))
    return [Version(row.version, row.replaced_at, Change(row.change), row.content) for row in rows]


async def changes_since(tx: Tx, article_id: str, since: datetime) -> int:
    """How many versions were replaced after that instant."""
    query = select(func.count()).select_from(article_versions).where(
        article_versions.c.article_id == article_id, article_versions.c.replaced_at > since
    )
    return int((await tx.execute(query)).scalar_one())
