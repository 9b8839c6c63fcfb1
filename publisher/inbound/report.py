"""From a message that came in to a report: what it says, and what of ours it carries. Pure.

    letter | tree | finding | texts in which our tokens and Message-IDs may stand -> Report
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from publisher.inbound import fields
from publisher.inbound.classify import classify
from publisher.inbound.mime import Part, read
from publisher.inbound.prose import own_words
from publisher.inbound.rules import Rule
from publisher.incoming import Finding, Letter, Report, ReportClass, ReportKind
from publisher.return_path import proofs_in
from publisher.text import clean

#: Fields whose addresses are of the report's envelope, as the last server wrote them down.
_ENVELOPE = (
    "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "apparently-to", "to", "cc",
)
#: Fields of our own message that name it, wherever they stand.
_OURS = (
    "return-path", "message-id", "in-reply-to", "references", "list-unsubscribe", "x-original-message-id",
    "original-mail-from", "original-envelope-id", "original-message-id", "sender", "errors-to",
)
#: Those of the report itself: its own Message-ID is none of ours.
_ANSWERED = ("in-reply-to", "references", "x-original-message-id")
#: Characters of evidence that are kept.
_EVIDENCE = 2_000
#: Characters of a text in which proofs are looked for.
_LOOKED_AT = 60_000


def report_of(letter: Letter, own: Sequence[Rule] = ()) -> Report:
    """The report that this message is. Whatever its bytes are, it is one."""
    try:
        message = read(letter.content)
        words = own_words(message)
        finding = classify(message, words, letter, own)
        proofs = proofs_in(_texts(message, letter))
        evidence = _evidence(message, finding, words)
    except Exception as error:  # noqa: BLE001 - I12: a message that nobody can read stops no other; a person sees it
        reason = f"unreadable: {type(error).__name__}"
        finding = Finding(ReportClass.OTHER, ReportKind.LETTER, reason=reason, rule="unreadable")
        proofs, evidence = proofs_in(letter.recipients), ""
    return Report(finding, letter.way, _digest(letter), proofs, evidence)


def _digest(letter: Letter) -> str:
    seen = hashlib.sha256(letter.content)
    for recipient in sorted(one.lower() for one in letter.recipients):
        seen.update(b"\0" + recipient.encode("utf-8", "replace"))
    return seen.hexdigest()


def _texts(message: Part, letter: Letter) -> Iterator[str]:
    """Where our tokens may stand, the surest place first."""
    yield from letter.recipients
    yield from _values(message, _ENVELOPE)
    for part in message.walk():
        if part is not message:
            yield from _values(part, (*_OURS, "delivered-to"))
        if part.content_type in (fields.FEEDBACK_TYPE, *fields.STATUS_TYPES):
            yield part.text[:_LOOKED_AT]
    yield from _values(message, _ANSWERED)
    # A bounce in words has the copy of our message in its text, with the header fields that name it.
    told = (part.text[:_LOOKED_AT] for part in message.walk() if part.content_type == "text/plain" and part.body)
    yield next(told, "")


def _values(part: Part, names: Sequence[str]) -> list[str]:
    return [value for name, value in part.headers if name in names]


def _evidence(message: Part, finding: Finding, words: str) -> str:
    """What a person needs to see why it was judged so: a few fields, and the report's own words."""
    head = [f"{name.title()}: {message.get(name)[:200]}" for name in ("from", "subject", "date") if message.get(name)]
    told = words[:_EVIDENCE] if finding.kind is not ReportKind.LETTER else ""
    return clean("\n".join([*head, "", told]))[:_EVIDENCE].strip()


