"""How an article lies in the store: values on the way in, an article on the way out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from publisher.model import Article, ArticleStatus, Enclosure, Related
from publisher.urls import section_slug

#: What a version keeps of an article that is corrected.
KEPT = (
    "title", "standfirst", "section", "authors", "tags", "language", "content_html", "image", "caption", "credit",
    "source_url",
)


def slug_of_section(article: Article) -> str:
    """Slug of the article's section, or empty."""
    return section_slug(article.section) if article.section else ""


def values(article: Article) -> dict[str, Any]:
    """The columns of an article."""
    plain = {name: getattr(article, name) for name in Article.__slots__}
    return plain | {
        "section_slug": slug_of_section(article),
        "enclosures": [asdict(item) for item in article.enclosures],
        "related": [asdict(item) for item in article.related],
    }


def article(row: Row[Any]) -> Article:
    """The article of a row."""
    plain = {name: getattr(row, name) for name in Article.__slots__}
    return Article(
        **plain | {
            "authors": tuple(row.authors),
            "tags": tuple(row.tags),
            "enclosures": tuple(Enclosure(**item) for item in row.enclosures),
            "related": tuple(Related(**item) for item in row.related),
            "status": ArticleStatus(row.status),
        }
    )
