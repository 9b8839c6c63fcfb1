"""Material for the benchmarks: articles and documents made from a fixed seed, so that every run measures the same."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from publisher import text
from publisher.model import Article, ArticleStatus

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_WORDS = (
    "council", "river", "bridge", "market", "school", "theatre", "engine", "winter", "harbour", "library",
    "bakery", "orchard", "museum", "train", "festival", "budget", "teacher", "garden", "concert", "station",
    "weather", "village", "harvest", "survey", "painter", "engineer", "morning", "evening",
)


def sentence(chance: random.Random, words: int) -> str:
    """A sentence of so many words."""
    return " ".join(chance.choice(_WORDS) for _ in range(words)).capitalize() + "."


def article(number: int, paragraphs: int = 6) -> Article:
    """Article `number`, about 80 words a paragraph, scheduled and due."""
    chance = random.Random(number)
    body = [" ".join(sentence(chance, 16) for _ in range(5)) for _ in range(paragraphs)]
    title = sentence(chance, 8).rstrip(".")
    at = BEGIN + timedelta(minutes=number)
    return Article(
        id=str(UUID(int=number + 1)), seq=None, slug=f"{text.slugify(title)}-{number}", title=title,
        standfirst=sentence(chance, 18), section=("News", "Science", "Culture", "Sport")[number % 4],
        authors=(sentence(chance, 2).rstrip(".").title(),), tags=(chance.choice(_WORDS),), language="en",
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
