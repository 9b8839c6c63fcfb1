"""The JSON shapes of the outside contract. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from publisher import fingerprints
from publisher.audience.report import Report, Result
from publisher.model import Article, Document, DocumentResult, Extracted, Reader
from publisher.outgoing import Delivery
from publisher.store.ledger_sum import EditionSum
from publisher.store.suppressions import Suppression


def article_json(article: Article) -> dict[str, Any]:
    """An article, as `articles show` prints it."""
    return {
        "id": article.id,
        "seq": article.seq,
        "slug": article.slug,
        "title": article.title,
        "standfirst": article.standfirst,
        "section": article.section,
        "authors": list(article.authors),
        "tags": list(article.tags),
        "language": article.language,
        "content_text": article.content_text,
        "content_html": article.content_html,
        "caption": article.caption,
        "credit": article.credit,
        "image": article.image,
        "related": [item.title for item in article.related],
        "source_url": article.source_url,
        "published_at": _instant(article.published_at),
        "updated_at": _instant(article.updated_at),
        "status": article.status.value,
    }


def extracted_json(path: str, found: Extracted) -> dict[str, Any]:
    """What a document would become, as `extract` prints it; its date with the offset that it gives."""
    return {
        "path": path,
        "title": found.title,
        "section": found.section,
        "standfirst": found.standfirst,
        "authors": list(found.authors),
        "published_at": _instant(found.published_at),
        "language": found.language,
        "tags": list(found.tags),
        "caption": found.caption,
        "credit": found.credit,
        "related": [item.title for item in found.related],
        "content_text": found.content_text,
        "content_html": found.content_html,
    }


def result_json(result: DocumentResult) -> dict[str, Any]:
    """One row of a pick-up."""
    return asdict(result)


def document_json(document: Document) -> dict[str, Any]:
    """A document that was seen."""
    return {
        "source": document.source,
        "path": document.path,
        "state": document.state.value,
        "reason": document.reason,
        "remedy": document.remedy,
        "article_id": document.article_id,
        "present": document.present,
        "seen_at": _instant(document.seen_at),
    }


def reader_json(reader: Reader) -> dict[str, Any]:
    """A subscription with its person."""
    subscription, person = reader.subscription, reader.subscriber
    return {
        "email": person.email,
        "name": person.name,
        "language": person.language,
        "timezone": person.timezone,
        "newsletter": subscription.newsletter,
        "frequency": subscription.frequency.value,
        "weekday": subscription.weekday,
        "time": subscription.local_time.strftime("%H:%M"),
        "sections": list(subscription.sections),
        "state": subscription.state.value,
        "confirmed_at": _instant(subscription.confirmed_at),
        "next_due_at": _instant(subscription.next_due_at),
        "paused_until": _instant(subscription.paused_until),
        "plain_text": person.plain_text,
        "tags": list(person.tags),
    }


def suppression_json(found: Suppression) -> dict[str, Any]:
    """An entry of the suppression list; of somebody who was erased without an address."""
    erased = found.email_key.startswith(fingerprints.PREFIX)
    return {
        "email": None if erased else found.email_key,
        "mark": found.email_key if erased else None,
        "reason": found.reason,
        "note": found.note,
        "at": _instant(found.at),
    }


def moved_in_json(report: Report, *, dry_run: bool) -> dict[str, Any]:
    """What became of the rows of an import."""
    return {
        "format": report.system,
        "encoding": report.encoding,
        "dry_run": dry_run,
        "read": report.read,
        **{_COUNTED.get(result, result.value): report.counts[result] for result in Result},
        "pending": report.pending,
        "asked": report.asked,
        "rows": [asdict(row) for row in report.told],
        "rows_left_out": report.untold,
    }


_COUNTED = {Result.DUPLICATE: "duplicates"}


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """A row of the ledger."""
    return {
        "id": delivery.id,
        "kind": delivery.kind,
        "email": delivery.email,
        "newsletter": delivery.newsletter,
        "edition": delivery.edition_id,
        "period": delivery.period,
        "window": [delivery.from_seq, delivery.to_seq],
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "next_attempt_at": _instant(delivery.next_attempt_at),
        "reply": {"code": delivery.reply.code, "enhanced": delivery.reply.enhanced, "text": delivery.reply.text},
        "message_id": delivery.message_id,
        "created_at": _instant(delivery.created_at),
        "finished_at": _instant(delivery.finished_at),
    }


def edition_sum_json(edition: EditionSum) -> dict[str, Any]:
    """An edition in numbers."""
    return {
        "edition": edition.id,
        "newsletter": edition.newsletter,
        "date": edition.on.isoformat(),
        "kind": edition.kind,
        "state": edition.state,
        "created_at": _instant(edition.created_at),
        "counts": {state.value: count for state, count in edition.counts.items()},
        "reasons": [asdict(reason) for reason in edition.reasons],
    }


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
