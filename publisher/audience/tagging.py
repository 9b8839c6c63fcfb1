"""Tags of readers: the operator's own words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from publisher.errors import PublisherError
from publisher.text import one_line, shorten

_LENGTH, _NUMBER = 60, 50


def words(given: Iterable[str]) -> tuple[str, ...]:
    """The tags in `given`, each once however it is written; raises PublisherError for one that is none."""
    found: dict[str, str] = {}
    for one in given:
        tag = one_line(one)
        if not tag:
            continue
        if len(tag) > _LENGTH or "," in tag:
            raise PublisherError(f"{shorten(tag, 40)!r} is no tag; it has at most {_LENGTH} characters and no comma")
        found.setdefault(tag.casefold(), tag)
    if len(found) > _NUMBER:
        raise PublisherError(f"a reader has at most {_NUMBER} tags")
    return tuple(found.values())


def changed(before: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> tuple[str, ...]:
    """The tags after some were added and others removed, in the order in which they came."""
    gone = {tag.casefold() for tag in remove}
    return words([*(tag for tag in before if tag.casefold() not in gone), *add])
