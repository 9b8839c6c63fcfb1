"""Tables of people in files: comma, semicolon or tab separated, in whatever encoding a spreadsheet leaves behind.

    file | encoding (one pass) | separator by the header | rows, one at a time (second pass)

Memory does not grow with the file. What of it cannot be read is a row with its reason; the others come all the same.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from publisher.audience.exports import EMAIL, column_name
from publisher.errors import PublisherError
from publisher.text import shorten

#: Characters of one field, and fields of one row.
_FIELD, _FIELDS = 64_000, 500
_BLOCK = 1 << 18
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: First bytes of what is brought by mistake, and what to do about it.
_MISTAKEN = (
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet; unpack it, or save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet; save it as CSV"),
    (b"\x1f\x8b", "a gzip file; unpack it"),
    (b"%PDF-", "a PDF; a CSV file is needed"),
)
_NO_TEXT = "binary data; a CSV file is needed"
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
#: A line by which spreadsheets tell each other the separator.
_SEP = re.compile(r"\"?sep=(.)\"?\s*")


class Records(Protocol):
    """What `csv.reader` gives."""

    #: Lines read so far.
    line_num: int

    def __iter__(self) -> Iterator[list[str]]:
        """The records one by one."""

    def __next__(self) -> list[str]:
        """The next one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header."""

    #: Number of the line on which it begins; the first is 1.
    line: int
    #: By `column_name`; a cell that is missing is left out.
    cells: dict[str, str]
    #: Why it could not be read, or empty.
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file of which the header was read."""

    path: Path
    #: Python's name of it.
    encoding: str
    delimiter: str
    #: As `column_name` gives them, in their order.
    columns: tuple[str, ...]
    #: Line ends in the file: about as many rows.
    lines: int
    #: False of a bare list, whose first line is an address already.
    headed: bool = True


def open_sheet(path: Path, *, bare: bool = False) -> Sheet:
    """What kind of table lies at `path`; `bare`: a list of addresses without a header will do too.

    Raises PublisherError, in one line, where it is none of people.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PublisherError(f"{path} is no file")
        encoding, lines = _look(path)
        with _opened(path, encoding) as file:
            delimiter = _delimiter(_head(file))
        with _opened(path, encoding) as file:
            columns = _header(csv.reader(file, delimiter=delimiter), delimiter)
    except OSError as error:
        raise PublisherError(f"cannot read {path}: {error.strerror}") from error
    except csv.Error as error:
        raise PublisherError(f"{path} has a first line that is too long; it is to name the columns") from error
    if not columns:
        raise PublisherError(f"{path} is empty; its first line is to name the columns, email among them")
    if bare and len(columns) == 1 and "@" in columns[0]:
        return Sheet(path, encoding, delimiter, EMAIL[:1], lines, headed=False)
    if not set(EMAIL) & set(columns):
        raise PublisherError(
            f"{path} has no column of addresses; its first line is to name the columns, email among them. "
            f"Found: {shorten(', '.join(filter(None, columns)), 120) or 'none'}"
        )
    return Sheet(path, encoding, delimiter, columns, lines)


def rows(sheet: Sheet) -> Iterator[Row]:
    """The rows below the header, empty ones passed over. Raises PublisherError where the file cannot be read on."""
    previous = csv.field_size_limit(_FIELD)  # the one setting that all readers of this process share
    try:
        with _opened(sheet.path, sheet.encoding) as file:
            reader = csv.reader(file, delimiter=sheet.delimiter)
            if sheet.headed:
                _header(reader, sheet.delimiter)
            yield from _read(reader, sheet.columns)
    except OSError as error:
        raise PublisherError(f"cannot read {sheet.path}: {error.strerror}") from error
    finally:
        csv.field_size_limit(previous)


def _read(reader: Records, columns: tuple[str, ...]) -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            until = f" to {reader.line_num}" if reader.line_num > line else ""
            yield Row(line, {}, f"a field is too long (line {line}{until}); is a quotation mark left open?")
            continue
        if len(cells) > _FIELDS:
            yield Row(line, {}, f"it has {len(cells)} fields, more than the {_FIELDS} that a row may have")
        elif any(cell.strip() for cell in cells):
            yield Row(line, _named(columns, cells))


def _named(columns: tuple[str, ...], cells: list[str]) -> dict[str, str]:
    """Cells by column; of columns with the same name the first that says something counts."""
    found: dict[str, str] = {}
    for name, cell in zip(columns, cells, strict=False):
        if not found.get(name):
            found[name] = cell.strip()
    return found


def _look(path: Path) -> tuple[str, int]:
    """The encoding of the file, and how many line ends it has. Raises PublisherError for what is no text."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    encoding, lines, letters, bad = "", 0, 0, 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            encoding = encoding or _by_first(path, block)
            lines += block.count(b"\n") or block.count(b"\r")
            if encoding == "utf-8":
                text = decoder.decode(block, final=not block)
                letters += len(text) - len(text.encode("ascii", "ignore"))
                bad += text.count("\ufffd")
            if not block:
                break
    # Of text in windows-1252 hardly any letter is one in UTF-8; of UTF-8 with some damage most are.
    return ("cp1252" if encoding == "utf-8" and letters < 4 * bad else encoding), lines


def _by_first(path: Path, block: bytes) -> str:
    for signature, kind in _MISTAKEN:
        if block.startswith(signature):
            raise PublisherError(f"{path} is {kind}")
    for mark, encoding in _BOMS:
        if block.startswith(mark):
            return encoding
    if b"\0" in block:
        sample = block[: len(block) & ~1]
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if max(even, odd) > len(sample) // 8 and min(even, odd) <= max(even, odd) // 20:
            return "utf-16-le" if odd > even else "utf-16-be"
    if len(_CONTROLS.findall(block[:4096])) > min(len(block), 4096) // 50:
        raise PublisherError(f"{path} is {_NO_TEXT}")
    return "utf-8"


def _opened(path: Path, encoding: str) -> io.TextIOWrapper:
    return path.open(encoding=encoding, errors="replace", newline="")


def _head(file: io.TextIOWrapper) -> str:
    """The first line that says something, but for one that only names the separator."""
    for _ in range(100):
        line = file.readline(_FIELD)
        if not line:
            return ""
        if line.strip() and not _SEP.fullmatch(line):
            return line
    return ""


def _delimiter(head: str) -> str:
    """That separator by which the first line names an address column, and the most columns."""
    read = {
        delimiter: [column_name(cell) for row in csv.reader([head], delimiter=delimiter) for cell in row]
        for delimiter in (",", ";", "\t", "|")
    }
    return max(read, key=lambda each: (bool(set(EMAIL) & set(read[each])), len(read[each])))


def _header(reader: Records, delimiter: str) -> tuple[str, ...]:
    """The names of the columns; the reader stands behind them."""
    for cells in reader:
        if any(cell.strip() for cell in cells) and not _SEP.fullmatch(delimiter.join(cells)):
            return tuple(column_name(cell) for cell in cells)
    return ()
