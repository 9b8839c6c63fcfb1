"""Which article a document is: one that is known, or a new one. Pure.

    document + what the store knows of articles that it may be -> Decision

The rules in their order: the source's own id, the canonical URL, the same path, the same bytes at another path, and a
document that is gone with a similar title and nearly the same text. An article's id is made from nothing of this.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from functools import lru_cache

from publisher import urls
from publisher.model import Article, Extracted
from publisher.text import fold, folded_words, readable_slug

#: Share of the shorter text's runs of four words that the other holds too, where both are one story.
SAME_TEXT = 0.8
#: Share of the words of the longer title that the other holds too, where both are similar.
SAME_TITLE = 0.6
#: A text with fewer runs than this says too little: it must be equal.
_FEW_RUNS = 10
#: Documents with dates of their own further apart than this are two of a series.
_SERIES = timedelta(hours=12)
#: Without a date of its own a text that was rewritten is so long the same story: a series may come without dates.
_SOME_DAYS = timedelta(days=5)
#: Days as titles of a series name them; like numbers they tell its parts apart.
_DAYS = frozenset(
    word
    for week in (
        "monday tuesday wednesday thursday friday saturday sunday today tomorrow yesterday morning evening night",
        "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "lunes martes miércoles jueves viernes sábado domingo",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
        "segunda terça quarta quinta sexta",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    )
    for word in week.split()
)
#: What readers see of a document.
_SEEN = tuple(
    each.name
    for each in fields(Extracted)
    if each.name not in ("published_at", "updated_at", "source_id", "slug", "status", "encoding", "remarks")
)
#: Slugs tried with a number before the article's id decides.
_NUMBERS = 20


@dataclass(frozen=True, slots=True)
class Known:
    """An article that the document may be."""

    id: str
    title: str
    text: str
    published_at: datetime
    #: Another document of this article lies in the source at this moment.
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows, of this source only."""

    #: Articles to which the source gave the document's id.
    by_source_id: tuple[Known, ...] = ()
    #: Articles with the document's canonical URL.
    by_url: tuple[Known, ...] = ()
    #: The article that the document at this path was.
    at_path: Known | None = None
    #: What stood at this path went away from it: its bytes lie at another path, or the path was empty meanwhile.
    path_left: bool = False
    #: The document at this path began as a copy of another that still lies there, as people begin a new story.
    copied: bool = False
    #: Articles made of the same bytes at other paths.
    by_bytes: tuple[Known, ...] = ()
    #: Articles with a like title whose documents are gone.
    gone: tuple[Known, ...] = ()
    #: When that is looked up; None where it does not matter.
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the document is, and by which rule."""

    #: None: a new article.
    article_id: str | None
    #: "source id", "canonical URL", "path", "bytes", "text" or "new".
    rule: str


def decide(document: Extracted, facts: Facts) -> Decision:
    """The article that `document` is, by the first rule that holds.

    Two documents that lie in the source together are one article only where their bytes are equal, or where the source
    itself says so (by id or URL) and the texts do not speak against it.
    """
    for rule, candidates in (("source id", facts.by_source_id), ("canonical URL", facts.by_url)):
        for known in candidates:
            if not known.elsewhere or is_related(document, known):
                return Decision(known.id, rule)
    if facts.at_path is not None and (not facts.path_left or _stays(document, facts.at_path, facts)):
        return Decision(facts.at_path.id, "path")
    for known in facts.by_bytes:
        return Decision(known.id, "bytes")
    for known in facts.gone:
        if not known.elsewhere and is_same_story(document, known, facts.now):
            return Decision(known.id, "text")
    return Decision(None, "new")


def _stays(document: Extracted, known: Known, facts: Facts) -> bool:
    """True if the document is what stood at its path before, though that went away or lies elsewhere now."""
    if facts.copied:
        return is_same_story(document, known)
    if containment(document.content_text, known.text) >= SAME_TEXT:
        return True
    return similar_titles(document.title, known.title) and not _is_another_day(document, known, facts.now)


def _is_another_day(document: Extracted, known: Known, now: datetime | None) -> bool:
    """True if the dates tell two of a series; of a document without a date, if the article came out some days ago."""
    if document.published_at is not None:
        return abs(document.published_at - known.published_at) > _SERIES
    late = now is not None and now - known.published_at > _SOME_DAYS
    return late and fold(document.content_text) != fold(known.text)


def is_related(document: Extracted, known: Known) -> bool:
    """True if title or text says that one is a version of the other."""
    return similar_titles(document.title, known.title) or containment(document.content_text, known.text) >= SAME_TEXT


def is_same_story(document: Extracted, known: Known, now: datetime | None = None) -> bool:
    """True if title, text and date all say so: enough to know an article whose file was renamed and edited."""
    if _is_another_day(document, known, now):
        return False
    return similar_titles(document.title, known.title) and containment(document.content_text, known.text) >= SAME_TEXT


def similar_titles(one: str, other: str) -> bool:
    """True if most words are the same, and all numbers and days: "Results, round 3" is not "Results, round 4"."""
    a, b = _title_words(one), _title_words(other)
    if a == b:
        return True
    words, others = frozenset(a), frozenset(b)
    few = len(words) < 2 or len(others) < 2  # one word, or a script without spaces
    if not few and len(words & others) < SAME_TITLE * max(len(words), len(others)):
        return False
    if any(word in _DAYS or any(c.isdigit() for c in word) for word in words ^ others):
        return False
    return not few or SequenceMatcher(None, " ".join(a), " ".join(b), autojunk=False).ratio() >= SAME_TEXT


@lru_cache(maxsize=4096)  # a new title is compared with many
def _title_words(title: str) -> tuple[str, ...]:
    return tuple(folded_words(title))


def containment(one: str, other: str) -> float:
    """How much of the shorter text stands in the longer one, 0 to 1: holds when a story grows."""
    a, b = runs(one), runs(other)
    if min(len(a), len(b)) < _FEW_RUNS:
        return 1.0 if fold(one) == fold(other) else 0.0
    return len(a & b) / min(len(a), len(b))


def runs(text: str) -> set[tuple[str, ...]]:
    """Runs of four words of a text; of four characters where the script has no spaces."""
    words = words_of(text)
    return set(zip(words, words[1:], words[2:], words[3:], strict=False))


def words_of(text: str) -> list[str]:
    """The folded words of a text; its characters where the script has no spaces."""
    words = folded_words(text)
    letters = sum(map(len, words)) + len(words) - 1
    return words if letters <= 15 * len(words) else list("".join(words))


def content_hash(document: Extracted) -> str:
    """SHA-256 in hex of all that readers see: equal hashes mean that nothing changed for them.

    Raises UnicodeEncodeError where a text holds what no text can.
    """
    plain = {name: getattr(document, name) for name in _SEEN}
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False, sort_keys=True, default=asdict).encode()).hexdigest()


def title_key(document: Extracted | Article) -> str:
    """What titles are looked up by."""
    return fold(document.title)


def url_key(document: Extracted) -> str:
    """What canonical URLs are looked up by; empty where there is none, or where it names a whole site."""
    key = urls.canonical(document.source_url)
    return key if "/" in key or "?" in key else ""


def slugs(document: Extracted, article_id: str) -> Iterator[str]:
    """Slugs for a new article, the best first; the first that is free is taken, and kept for ever."""
    return slugs_of(document.slug if readable_slug(document.slug) else document.title, article_id)


def slugs_of(text: str, article_id: str) -> Iterator[str]:
    """Slugs made of a title, as above."""
    base = readable_slug(text) or "article"
    yield base
    for number in range(2, _NUMBERS):
        yield f"{base}-{number}"
    yield f"{base}-{article_id[:8]}"
    yield f"{base}-{article_id}"
