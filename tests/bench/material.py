"""Material for the benchmarks: articles and documents made from a fixed seed, so that every run measures the same."""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import JSON, insert, literal, select

from publisher import text
from publisher.model import Article, ArticleStatus
from publisher.store import articles, mail_schema
from publisher.store.engine import Store
from publisher.store.instant import Instant

#: Where more articles than these are made, it is told how far that has come.
SHOWN = 5000

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS = (
    "council", "river", "bridge", "market", "school", "theatre", "engine", "winter", "harbour", "library",
    "bakery", "orchard", "museum", "train", "festival", "budget", "teacher", "garden", "concert", "station",
    "weather", "village", "harvest", "survey", "painter", "engineer", "morning", "evening",
)


def sentence(chance: random.Random, words: int) -> str:
    """A sentence of so many words."""
    return " ".join(chance.choice(_WORDS) for _ in range(words)).capitalize() + "."


def article(number: int, paragraphs: int = 6, words: int = 18, headline: int = 8) -> Article:
    """Article `number`, about 80 words a paragraph, standfirst and headline of so many, scheduled and due."""
    chance = random.Random(number)
    body = [" ".join(sentence(chance, 16) for _ in range(5)) for _ in range(paragraphs)]
    title = sentence(chance, headline).rstrip(".")
    at = BEGIN + timedelta(minutes=number)
    return Article(
        id=str(UUID(int=number + 1)), seq=None, slug=f"{text.slugify(title)}-{number}", title=title,
        standfirst=sentence(chance, words), section=("News", "Science", "Culture", "Sport")[number % 4],
        authors=(f"{chance.choice(_WORDS).title()} Bench",), tags=(chance.choice(_WORDS),), language="en",
        content_html="".join(f"<p>{part}</p>" for part in body), content_text="\n\n".join(body), image="", caption="",
        credit="", source_url="", enclosures=(), related=(), published_at=at, updated_at=at, first_seen_at=at,
        changed_at=at, content_hash=str(number), backfill=False, status=ArticleStatus.SCHEDULED, source="bench",
    )


def document(number: int) -> bytes:
    """A scraped page as plain text, with a repeated headline and footer lines."""
    made = article(number)
    lines = [made.section, made.title, f"{made.standfirst}{made.title}", made.title, *made.content_text.split("\n\n"),
             "Source", "Leave a Reply", "Back to top button"]
    return "\n\n".join(lines).encode()


async def fill(store: Store, count: int, begin: int = 0, words: int = 18, headline: int = 8) -> None:
    """Articles, live."""
    for start in range(begin, begin + count, 500):
        async with store.write() as tx:
            for number in range(start, min(start + 500, begin + count)):
                await articles.insert(tx, article(number, words=words, headline=headline))
        if count > SHOWN:
            done = min(start + 500 - begin, count)
            print(f"\r{done:,} of {count:,} articles", end="" if done < count else "\n", file=sys.stderr, flush=True)
    published = True
    while published:
        async with store.write() as tx:
            published = bool(await articles.publish_due(tx, datetime.now(UTC)))


async def readers(store: Store, count: int, now: datetime) -> None:
    """Readers of "daily", confirmed at `now`, by the thousand."""
    for start in range(0, count, 5000):
        numbers = range(start, min(start + 5000, count))
        people = [{
            "email": f"reader{n}@d{n % 200}.example.org", "email_key": f"reader{n}@d{n % 200}.example.org", "name": "",
            "language": "", "timezone": "Europe/London", "created_at": now,
        } for n in numbers]
        async with store.write() as tx:
            await tx.execute(insert(mail_schema.subscribers), people)
            await tx.execute(_SUBSCRIBED, {"now": now})


_PERSON = mail_schema.subscribers.c
_SUBSCRIBED = insert(mail_schema.subscriptions).from_select(
    ["subscriber_id", "newsletter", "frequency", "weekday", "local_time", "sections", "state", "from_seq",
     "confirmed_at", "generation"],
    select(
        _PERSON.id, literal("daily"), literal("daily"), literal(0), literal("07:00"), literal([], JSON), literal("active"),
        literal(0), literal(None, Instant), literal(1),
    ).where(_PERSON.id.not_in(select(mail_schema.subscriptions.c.subscriber_id))),
)


def rsa_key() -> bytes:
    """A fresh RSA-2048 key, PEM."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
