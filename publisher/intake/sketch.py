"""A few numbers that stand for a text, so that texts which share much of their wording share some of them. Pure.

The smallest of the hashes of all runs of words (a bottom-k sketch). Where most of one text stands in another of about
its size nearly all are shared; where it is a third of the other's size still some, in nearly every case. One number
stands for the title. The store looks articles up by them: at the same cost whatever the archive holds.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from zlib import crc32

from publisher.intake.identity import words_of
from publisher.text import fold

#: Numbers of a text, and those with the one of its title.
_OF_TEXT = 16
SIZE = _OF_TEXT + 1
#: Characters of a text that count: a longer one is a book, and takes seconds.
_LONGEST = 500_000
#: Words of a run.
_RUN = 4
_SPACE = ord(" ")
#: Of the checksums.
_GREATEST = 0xFFFF_FFFF


@lru_cache(maxsize=64)  # a document is asked for it when it is looked for, and when it is kept
def sketch(title: str, text: str) -> tuple[int, ...]:
    """At most `SIZE` different numbers of 63 bits."""
    text = text[:_LONGEST]
    whole = " ".join(words_of(text)).encode()
    chosen = _chosen(whole) or [fold(text).encode()]  # too short for runs: the text itself
    return tuple(dict.fromkeys(map(_number, (f"title:{fold(title)}".encode(), *chosen))))


def _chosen(whole: bytes) -> list[bytes]:
    """Of `identity.runs`, in words joined by spaces, those with the smallest checksums; none of a short text.

    The quick checksum only chooses; what is stored tells many more texts apart.
    """
    import numpy as np  # noqa: PLC0415 - 0.1 s to load, and only new texts need it

    spaces = np.flatnonzero(np.frombuffer(whole, dtype=np.uint8) == _SPACE).tolist()
    begins, ends = [0, *(at + 1 for at in spaces)], [*spaces, len(whole)][_RUN - 1 :]
    runs = map(whole.__getitem__, map(slice, begins, ends))
    sums = np.fromiter(map(crc32, runs), dtype=np.uint32, count=len(ends))
    # They are spread evenly: a few are enough to sort, unless much of the text is the same.
    likely = np.flatnonzero(sums <= min(_GREATEST, (4 * _OF_TEXT << 32) // max(1, len(ends))))
    found = {(int(sums[at]), whole[begins[at] : ends[at]]) for at in likely}
    if len(found) < _OF_TEXT:
        found = {(int(value), whole[begin:end]) for value, begin, end in zip(sums, begins, ends, strict=False)}
    return [run for _, run in sorted(found)[:_OF_TEXT]]


def _number(part: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(part, digest_size=8).digest()) >> 1
