"""A few numbers that stand for a text, so that texts which share much of their wording share some of them. Pure.

The smallest of the hashes of all runs of words (a bottom-k sketch). Where most of one text stands in another of about
its size nearly all are shared; where it is a third of the other's size still some, in nearly every case. One number
stands for the title. The store looks articles up by them: at the same cost whatever the archive holds.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from heapq import nsmallest
from zlib import crc32

from publisher.intake.identity import runs
from publisher.text import fold

#: Numbers of a text, and those with the one of its title.
_OF_TEXT = 16
SIZE = _OF_TEXT + 1


@lru_cache(maxsize=32)  # a document is asked for it when it is looked for, and when it is kept
def sketch(title: str, text: str) -> tuple[int, ...]:
    """At most `SIZE` different numbers of 63 bits."""
    found = set(map(" ".join, runs(text))) or {fold(text)}
    # The quick checksum only chooses; what is stored tells many more texts apart.
    chosen = [run for _, run in nsmallest(_OF_TEXT, zip(map(crc32, map(str.encode, found)), found, strict=True))]
    return tuple(dict.fromkeys(_number(part) for part in (f"title:{fold(title)}", *chosen)))


def _number(part: str) -> int:
    return int.from_bytes(hashlib.blake2b(part.encode(), digest_size=8).digest()) >> 1
