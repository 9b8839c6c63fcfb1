"""What is new in a feed since a version that a reader has (RFC 3229, with the instance manipulation "feed"). Pure."""

from __future__ import annotations

import re

#: An entry as our documents hold it: it begins and ends a line, and no text in it holds an unescaped "<".
_ENTRY = re.compile(rb"^<(entry|item)\b.*?</\1>\n", re.MULTILINE | re.DOTALL)


def entries_of(document: bytes) -> frozenset[bytes]:
    """The entries of a document of ours, each as it stands there."""
    return frozenset(match[0] for match in _ENTRY.finditer(document))


def news(document: bytes, known: frozenset[int]) -> bytes:
    """The document without the entries whose hashes are `known`."""
    return _ENTRY.sub(lambda match: b"" if hash(match[0]) in known else match[0], document)
