"""A few numbers that stand for a text, so that texts which share much of their wording share some of them. Pure.

The smallest of the hashes of all runs of words (a bottom-k sketch). Where most of one text stands in another of about
its size nearly all are shared; where it is a third of the other's size still some, in nearly every case. One number
stands for the title. The store looks articles up by them: at the same cost whatever the archive holds.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from itertools import accumulate
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


@lru_cache(maxsize=64)  # a document is asked for it when it is looked for, and when it is kept
def sketch(title: str, text: str) -> tuple[int, ...]:
    """At most `SIZE` different numbers of 63 bits."""
    found = list(_runs(text[:_LONGEST]))
    # The quick checksum only chooses; what is stored tells many more texts apart.
    sums = list(map(crc32, found))
    limit = sorted(sums)[:_OF_TEXT][-1]  # sorting bare numbers, and then a few pairs, is half the cost of a heap
    chosen = sorted(pair for pair in zip(sums, found, strict=True) if pair[0] <= limit)[:_OF_TEXT]
    return tuple(dict.fromkeys(map(_number, (f"title:{fold(title)}".encode(), *(run for _, run in chosen)))))


def _runs(text: str) -> set[bytes]:
    """`identity.runs`, each in UTF-8 with spaces between; of a text too short for them the text itself."""
    whole = " ".join(words_of(text)).encode()
    ends = list(accumulate(map(len, whole.split(b" ")), lambda end, length: end + 1 + length))
    begins = [0, *(end + 1 for end in ends)]
    return {whole[begin:end] for begin, end in zip(begins, ends[_RUN - 1 :], strict=False)} or {fold(text).encode()}


def _number(part: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(part, digest_size=8).digest()) >> 1
