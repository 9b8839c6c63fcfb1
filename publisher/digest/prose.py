"""Pieces of text cut to fit: subjects, summaries, excerpts, lines of the text part. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from publisher.model import Article
from publisher.text import fold, one_line, shorten

#: Characters of a subject.
SUBJECT = 60
#: Characters of a headline inside the message; only a hostile one is longer.
HEADLINE = 200
#: Columns of the text part, RFC 3676 section 4.2 aims at 72 to 78.
WIDTH = 72

_SUMMARY = 280
_STANDFIRST = 480
_PREHEADER = 110
_EXCERPT = 640

# Embeddings, overrides and isolates: a title must not turn round what stands beside it.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SENTENCE_END = re.compile(
    r"[.!?\u2026\u061f\u06d4][\"'\u201d\u2019\u00bb)]*(?=\s|$)|[\u3002\uff01\uff1f][\u300d\u300f]*"
)
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:\w|[A-Z]\w{1,2}|\w\.\w)\.$")
# Scripts that write without spaces: kana, ideographs, Thai, Lao, Khmer, Burmese.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_COMBINING = re.compile(
    "[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u17b4-\u17d3\u3099\u309a]"
)


def calm(text: str) -> str:
    """`text` on one line, without characters that turn round the writing direction of others."""
    return one_line(_TURNING.sub("", text))


def headline(article: Article) -> str:
    """The article's title as the message shows it."""
    return shorten(calm(article.title), HEADLINE)


def subject(title: str, fallback: str) -> str:
    """`title` within 60 characters, cut between words; `fallback` where its first word alone is longer."""
    return _cut(calm(title)) or _cut(calm(fallback)) or calm(fallback)[: SUBJECT - 1] + "\u2026"


def summary(article: Article) -> str:
    """The standfirst, else the first sentences of the text; empty where the article has neither."""
    if article.standfirst.strip():
        return sentences(calm(article.standfirst), _STANDFIRST)
    first = next(_paragraphs(article), "")
    return sentences(first, _SUMMARY)


def preheader(article: Article) -> str:
    """What a mail client shows beside the subject."""
    return sentences(summary(article), _PREHEADER)


def excerpt(article: Article) -> tuple[str, ...]:
    """The opening paragraphs of the lead story, without what its standfirst says already; about 640 characters."""
    said, room = fold(article.standfirst), _EXCERPT
    kept: list[str] = []
    for paragraph in _paragraphs(article):
        if not kept and fold(paragraph) in said:
            continue
        piece = sentences(paragraph, room)
        kept.append(piece)
        room -= len(piece)
        if piece != paragraph or room < _EXCERPT // 3:
            break
    return tuple(kept)


def sentences(text: str, limit: int) -> str:
    """As many whole sentences of `text` as fit into `limit` characters; cut between words where the first does not."""
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit + 1) if match.end() <= limit]
    whole = [end for end in ends if end >= limit // 3 and not _ABBREVIATION.search(text[:end])]
    return text[: whole[-1]] if whole else shorten(text, limit)


def wrap(text: str, first: str = "", rest: str | None = None) -> str:
    """`text` in lines of at most 72 characters; `first` opens the first, `rest` (else as many spaces) the others."""
    return textwrap.fill(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first) if rest is None else rest,
        break_on_hyphens=False,
    )


def _paragraphs(article: Article) -> Iterator[str]:
    for paragraph in article.content_text.split("\n\n"):
        line = calm(paragraph[: 4 * _EXCERPT])
        if line:
            yield line


def _cut(text: str) -> str:
    """`text` within the limit of a subject, cut between words and closed by an ellipsis; empty where none fits."""
    if len(text) <= SUBJECT:
        return text
    for end in range(SUBJECT - 1, 0, -1):
        if text[end] == " " or _breakable(text[end - 1], text[end]):
            kept = text[:end].rstrip(" ,;:-\u2013\u2014")
            return kept + "\u2026" if kept else ""
    return ""


def _breakable(left: str, right: str) -> bool:
    unspaced = _UNSPACED.match(left) and _UNSPACED.match(right)
    return bool(unspaced) and not _COMBINING.match(right)
