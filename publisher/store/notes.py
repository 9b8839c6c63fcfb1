"""What the program remembers from one run to the next, by name; and the articles that a change of it concerns."""

from __future__ import annotations

from sqlalchemy import select

from publisher.model import Article
from publisher.store import article_rows
from publisher.store.engine import Tx
from publisher.store.schema import articles, notes
from publisher.store.upsert import upsert


async def get(tx: Tx, name: str) -> str:
    """The value of this name; empty where there is none."""
    found = (await tx.execute(select(notes.c.value).where(notes.c.name == name))).scalar_one_or_none()
    return str(found or "")


async def put(tx: Tx, name: str, value: str) -> None:
    """From now on the name has this value."""
    await upsert(tx, notes, ("name",), {"name": name, "value": value})


async def articles_with(tx: Tx, address: str, *, after: str, limit: int) -> list[Article]:
    """Articles that show a picture or a link at this address, by id from behind `after`, so many at most.

    Reads all articles: for what is seldom asked.
    """
    held = articles.c.content_html.contains(f'="{address}', autoescape=True)
    held |= articles.c.image.startswith(address, autoescape=True)
    query = select(articles).where(articles.c.id > after, held).order_by(articles.c.id).limit(limit)
    return [article_rows.article(row) for row in await tx.execute(query)]
