"""Long lists, written as they are read: memory does not grow with them."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from publisher.cli.context import plain_json
from publisher.errors import PublisherError

T = TypeVar("T")


@contextmanager
def target(file: Path | None) -> Iterator[BinaryIO]:
    """Where an export goes; None or "-": standard output. A file is whole or not there, and for its owner alone."""
    if file is None or str(file) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with _replacing(file.resolve()) as out:
            yield out
    except OSError as error:
        raise PublisherError(f"cannot write {file}: {error.strerror}") from error


@contextmanager
def _replacing(file: Path) -> Iterator[BinaryIO]:
    if file.exists() and not file.is_file():  # a pipe or a device is written to, and never replaced
        with file.open("wb") as out:
            yield out
        return
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
        unfinished.replace(file)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


async def write_json(
    out: BinaryIO, name: str, pages: AsyncIterator[Sequence[T]], shape: Callable[[T], object]
) -> int:
    """One JSON document: an object whose `name` is the list of all rows. How many they are."""
    count = 0
    out.write(f'{{"{name}": ['.encode())
    async for page in pages:
        for one in page:
            told = json.dumps(shape(one), ensure_ascii=False, default=plain_json)
            out.write(f"{',' if count else ''}\n  {told}".encode("utf-8", "replace"))
            count += 1
    out.write(b"\n]}\n" if count else b"]}\n")
    out.flush()
    return count


async def write_csv(
    out: BinaryIO, columns: Sequence[str], pages: AsyncIterator[Sequence[T]], cells: Callable[[T], Sequence[str]],
    *, mark: bool = False,
) -> int:
    """A CSV in UTF-8 (RFC 4180, lines ended as on Unix); how many rows. `mark`: spreadsheets are told the encoding."""
    count = 0
    if mark:
        out.write(b"\xef\xbb\xbf")
    out.write(_lines([columns]))
    async for page in pages:
        out.write(_lines([cells(one) for one in page]))
        count += len(page)
    out.flush()
    return count


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
