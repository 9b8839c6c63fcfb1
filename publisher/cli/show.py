"""How commands look at a terminal (the only code that knows Rich): tables and progress bars, plain lines elsewhere."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from publisher.progress import Progress

T = TypeVar("T")

#: Seconds between two plain lines of progress.
_EVERY = 5.0
#: Characters that end a line or steer a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: Work that ends sooner than this many seconds shows no bar.
_PATIENCE = 0.5
#: One for all bars: those of pieces of work at the same time stand below each other.
_terminal = Console(stderr=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows under headings: ruled on a terminal, tab-separated without headings elsewhere."""
    texts = (["" if cell is None else _line(str(cell)) for cell in row] for row in rows)
    if not sys.stdout.isatty():
        for row in texts:
            sys.stdout.write("\t".join(row) + "\n")
        return
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        grid.add_column(name, overflow="fold")
    for row in texts:
        grid.add_row(*row)
    Console(highlight=False, markup=False).print(grid)


async def pages(
    columns: Sequence[str], found: AsyncIterator[Sequence[T]], cells: Callable[[T], Sequence[object]], screen: int
) -> bool:
    """As `table`, page by page as they come; on a terminal the first `screen` rows. Whether there are more."""
    kept: list[T] = []
    async for page in found:
        if not sys.stdout.isatty():
            table(columns, map(cells, page))
            continue
        kept += page
        if len(kept) > screen:
            break
    if kept:
        table(columns, map(cells, kept[:screen]))
    return len(kept) > screen


def _line(text: str) -> str:
    """`text` without what would break the row, or play tricks on a terminal: file names may hold anything."""
    return _CONTROL.sub(" ", text)


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Reports long work on stderr: a bar on a terminal, a plain line now and then elsewhere."""
    if sys.stderr.isatty():
        with _bar(what) as report:
            yield report
    else:
        yield _lines(what)


@contextmanager
def _bar(what: str) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Bar(*columns, console=_terminal, transient=True)
    task = bar.add_task(what, total=None)
    started = time.monotonic()

    def report(done: int, total: int) -> None:
        if not bar.live.is_started and time.monotonic() - started > _PATIENCE:
            bar.start()
        bar.update(task, completed=done, total=total or None)

    try:
        yield report
    finally:
        bar.stop()


def _lines(what: str) -> Progress:
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            of = f" of {total}" if total else ""
            sys.stderr.write(f"{what}: {done}{of}\n")

    return report
