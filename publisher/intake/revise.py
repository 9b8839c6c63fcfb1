"""What an article says after a document was met: its first version, or its next. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from publisher.change_kind import Change
from publisher.intake.change import change
from publisher.model import Article, ArticleStatus, Extracted

#: A tag longer than this is no language (BCP 47); and columns have an end.
_LONGEST_TAG = 35
#: Changes of one article in a day that alter no word, from a source that may change by itself at each look.
_SILENT_CHANGES = 2


def first_version(
    document: Extracted, content_hash: str, *, article_id: str, slug: str, source: str, language: str, backfill: bool,
    now: datetime,
) -> Article:
    """A new article; without a date of its own it is dated `now`. `language` is for a document that does not tell.

    It was last changed when the document says so, where that can be.
    """
    published = (document.published_at or now).astimezone(UTC)
    updated = document.updated_at if document.updated_at and published < document.updated_at <= now else published
    updated = updated.astimezone(UTC)
    return Article(
        id=article_id, seq=None, slug=slug, source=source, backfill=backfill, status=document.status,
        content_hash=content_hash, published_at=published, updated_at=updated, first_seen_at=now, changed_at=now,
        **_content(document, language),
    )


def next_version(
    old: Article, document: Extracted, content_hash: str, *, language: str, now: datetime
) -> tuple[Article, Change]:
    """`old` with what the document says now, and how much that changes; equal to `old` where nothing did.

    Once live, `published_at` and the status are the reader's and the operator's, not the document's. Before that both
    follow it: a draft that is one no longer is scheduled for its own date, or for `now`. `updated_at` moves to `now`
    from a correction upwards; what no reader has seen was updated when it is published.
    """
    status, published = _standing(old, document, now)
    content = _content(document, language) if content_hash != old.content_hash else {}
    kind = change(old, replace(old, **content)) if content else Change.NONE
    if kind is Change.NONE and (status, published) == (old.status, old.published_at):
        return old, kind
    corrected = kind in (Change.CORRECTION, Change.SUBSTANTIAL)
    updated = published if is_unseen(old) else now if corrected else old.updated_at
    new = replace(
        old, status=status, published_at=published, updated_at=updated, changed_at=now, content_hash=content_hash,
        **content,
    )
    return new, kind


def is_restless(old: Article, new: Article, changes: int) -> bool:
    """True if `new` is not to be taken yet: the same words again, after so many changes within a day.

    Such are addresses of links and pictures that differ at each fetch.
    """
    same = all(getattr(old, name) == getattr(new, name) for name in ("title", "standfirst", "content_text"))
    return same and changes >= _SILENT_CHANGES


def is_unseen(article: Article) -> bool:
    """True if no reader can have seen it yet."""
    return article.seq is None and article.status in (ArticleStatus.DRAFT, ArticleStatus.SCHEDULED)


def asks_too_late(article: Article, document: Extracted) -> bool:
    """True if the document wants to be a draft or unlisted, and the article is published already."""
    return article.seq is not None and document.status != ArticleStatus.SCHEDULED


def _standing(old: Article, document: Extracted, now: datetime) -> tuple[ArticleStatus, datetime]:
    if old.seq is not None or old.status in (ArticleStatus.LIVE, ArticleStatus.WITHDRAWN):
        return old.status, old.published_at
    comes_out = document.status == ArticleStatus.SCHEDULED != old.status
    published = document.published_at or (now if comes_out else old.published_at)
    return document.status, published.astimezone(UTC)


def _content(document: Extracted, language: str) -> dict[str, Any]:
    names = (
        "title", "standfirst", "section", "authors", "tags", "content_html", "content_text", "image", "caption",
        "credit", "source_url", "enclosures", "related",
    )
    told = document.language if len(document.language) <= _LONGEST_TAG else ""
    return {name: getattr(document, name) for name in names} | {"language": told or language}
