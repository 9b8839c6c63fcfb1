"""Feeds for readers that say which version they have: they get what is new alone (RFC 3229, `A-IM: feed`).

    A-IM: feed, If-None-Match | a version that was served? -> 226 IM Used with the new entries | else the whole feed

Which entries a version had is remembered in memory: after a restart the first answer is whole.
"""

from __future__ import annotations

import re
from collections import OrderedDict

from publisher.feeds import delta
from publisher.web.conditional import Conditions
from publisher.web.prepared import Headers, Prepared, content_headers, pack

#: Versions that are remembered, of all feeds together.
VERSIONS = 4000
#: Answers that are kept ready.
_ANSWERS = 200

_TAG = re.compile(r'"[^"]*"')
_FEED = re.compile(r"(?:^|,)\s*feed\s*(?:[,;]|$)", re.IGNORECASE)


def asked_for(accepted: str) -> bool:
    """Whether this A-IM header names "feed", and not to refuse it."""
    return bool(_FEED.search(accepted)) and not re.search(r"feed\s*;\s*q=0(?:\.0*)?\s*(?:,|$)", accepted, re.IGNORECASE)


class Deltas:
    """The versions of feeds that were served."""

    def __init__(self) -> None:
        self._versions: OrderedDict[tuple[str, str], frozenset[int]] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], Prepared | None] = OrderedDict()

    def remember(self, name: str, etag: str, content: bytes) -> None:
        """A version of the feed `name`, in any coding."""
        self._versions[name, etag] = frozenset(map(hash, delta.entries_of(content)))
        while len(self._versions) > VERSIONS:
            self._versions.popitem(last=False)

    def knows(self, name: str, conditions: Conditions) -> str | None:
        """The version named by If-None-Match that was served; None where none was."""
        return next((tag for tag in _TAG.findall(conditions.if_none_match) if (name, tag) in self._versions), None)

    def since(self, name: str, old: str, whole: Prepared, content: bytes, coding: str, kind: str) -> Prepared | None:
        """What is new in `whole`, whose identity is `content`, since version `old`; None where that is all of it."""
        key = (old, whole.etag)
        if key not in self._answers:
            self._answers[key] = self._make(name, old, whole, content, coding, kind)
            while len(self._answers) > _ANSWERS:
                self._answers.popitem(last=False)
        return self._answers[key]

    def _make(
        self, name: str, old: str, whole: Prepared, content: bytes, coding: str, kind: str
    ) -> Prepared | None:
        new = delta.news(content, self._versions.get((name, old), frozenset()))
        if len(new) == len(content):
            return None
        body = pack(new, coding)
        headers: Headers = [
            (b"etag", whole.etag.encode()), (b"im", b"feed"), (b"delta-base", old.encode()),
            (b"cache-control", b"no-store, im"), (b"vary", b"Accept-Encoding, A-IM, If-None-Match"),
            *(header for header in whole.short_headers if header[0] == b"last-modified"),
            *(header for header in whole.headers if header[0] == b"link"),
        ]
        all_of_it = [*headers, *content_headers(body, kind, coding)]
        return Prepared(whole.signature, body, whole.etag, whole.modified, all_of_it, headers, status=226)
