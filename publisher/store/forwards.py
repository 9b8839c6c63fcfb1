"""Letters that readers wrote, on their way to the editor: kept until a mail server has taken them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from publisher.store.engine import Tx
from publisher.store.inbound_schema import forwards
from publisher.store.upsert import insert_new
from publisher.text import clean


@dataclass(frozen=True, slots=True)
class Forward:
    """A letter that waits."""

    id: int
    sender: str
    subject: str
    #: As it came.
    content: bytes
    attempts: int


async def add(tx: Tx, digest: str, sender: str, subject: str, content: bytes, now: datetime) -> None:
    """Keeps a letter; the same one is kept once."""
    await insert_new(tx, forwards, {
        "digest": digest, "sender": clean(sender), "subject": clean(subject), "content": content, "attempts": 0,
        "next_attempt_at": now, "created_at": now, "reply_text": "",
    })


async def due(tx: Tx, now: datetime, limit: int) -> list[Forward]:
    """Letters whose time has come, the oldest first."""
    columns = (forwards.c[name] for name in Forward.__slots__)
    query = select(*columns).where(forwards.c.next_attempt_at <= now).order_by(forwards.c.id).limit(limit)
    return [Forward(*row) for row in await tx.execute(query)]


async def waiting(tx: Tx) -> tuple[int, int]:
    """How many letters wait, and their bytes."""
    size = func.coalesce(func.sum(func.length(forwards.c.content)), 0)
    row = (await tx.execute(select(func.count(), size).where(forwards.c.next_attempt_at.is_not(None)))).one()
    return int(row[0]), int(row[1])


async def settle(tx: Tx, ident: int, reply_text: str, next_attempt_at: datetime | None) -> None:
    """What became of an attempt; `next_attempt_at` None: the letter is with the editor, and nothing of it is kept."""
    values: dict[str, Any] = {
        "attempts": forwards.c.attempts + 1, "next_attempt_at": next_attempt_at, "reply_text": clean(reply_text)[:500],
    }
    if next_attempt_at is None:
        values |= {"content": b"", "sender": "", "subject": ""}
    await tx.execute(update(forwards).where(forwards.c.id == ident).values(values))
