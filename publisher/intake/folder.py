"""A folder of documents as it lies on the disk: what is in it, what has come to rest, the bytes of one file.

    scan | settled | read

Scanning is the truth about a folder; the events of `publisher.intake.watch` only say when to look again. What cannot
be taken is a value with its reason, never an exception: one bad file stops no other.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

#: Endings of what editors, browsers and copying programs leave while they work.
_TEMPORARY = ("~", "#", ".swp", ".swo", ".swx", ".tmp", ".temp", ".part", ".partial", ".crdownload", ".download")
#: What programs that keep folders alike add to the name of a file that two people changed.
_IN_CONFLICT = re.compile(r"\([^()]*\bconflicted copy\b[^()]*\)|[._](?:sync-)?conflict-\d{8}-\d{6}", re.IGNORECASE)
#: Nanoseconds after which no writer is expected to be at work, whatever another machine's clock says.
_LONG_AGO = 60 * 10**9
_VANISHED = "it vanished while it was being read"
_CHANGED = "it changed while it was being read"
_NEXT_TIME = "nothing to do: it is looked at again at the next pick-up"


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as one look shows it; equal readings mean that nothing was written in between."""

    #: Relative to the folder, with `/`.
    path: str
    #: Bytes.
    size: int
    #: Of the last write, in nanoseconds since the epoch.
    mtime_ns: int
    inode: int
    #: Of the last write, rename or change of permissions; renaming a file does not change it.
    ctime_ns: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file, or a whole folder, cannot be taken."""

    #: Relative to the folder; "." for the folder itself.
    path: str
    reason: str
    remedy: str
    #: A folder that could not be looked into: nothing is known of what lies below it.
    folder: bool = False
    #: Over by the next look, so not worth a record.
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a folder, in the order of the paths."""

    files: tuple[Reading, ...]
    refused: tuple[Refusal, ...]
    #: Paths of files that are `noted` and nothing more.
    noted: tuple[str, ...] = ()

    def hides(self, path: str) -> bool:
        """True if `path` lies below a folder that could not be looked into: it may be there still."""
        return any(r.folder and (r.path == "." or path.startswith(f"{r.path}/")) for r in self.refused)


def is_passed_over(name: str) -> bool:
    """True for the names of hidden files and of those that programs leave while they work."""
    return name.startswith((".", "~$", "#")) or name.lower().endswith(_TEMPORARY)


def scan(
    root: Path, wanted: Callable[[str], bool], under: str = "", skip: Collection[str] = (),
    noted: Callable[[str], bool] | None = None,
) -> Listing:
    """All files below `root/under` whose names are `wanted`; hidden and temporary ones are passed over.

    So is what lies in the folders `skip`. Of others whose names are `noted` only the paths are kept. A link that leads
    out of `root` is refused. A link to a folder inside is not followed: it is met at its own place.
    """
    real_root = os.path.realpath(root)
    files: list[Reading] = []
    refused: list[Refusal] = []
    beside: list[str] = []
    pending = [under]
    while pending:
        place = pending.pop()
        try:
            with os.scandir(root / place) as found:
                entries = list(found)
        except OSError as error:
            if place == under or not isinstance(error, FileNotFoundError):  # else it went between two looks
                refused.append(_unreadable(place, error))
            continue
        for entry in entries:
            if is_passed_over(entry.name):
                continue
            path = f"{place}/{entry.name}" if place else entry.name
            seen = _look(entry, path, real_root, wanted)
            if isinstance(seen, Reading):
                files.append(seen)
            elif isinstance(seen, Refusal):
                refused.append(seen)
            elif seen:
                pending += [path] if path not in skip else []
            elif noted is not None and noted(entry.name):
                beside.append(path)
    return Listing(tuple(sorted(files, key=_by_path)), tuple(sorted(refused, key=_by_path)), tuple(sorted(beside)))


def look(root: Path, paths: Iterable[str]) -> Listing:
    """The files at these paths below `root`, whatever their names; what is not there is left out."""
    real_root = os.path.realpath(root)
    seen = [_ill_named(path) or _file(f"{root}/{path}", path, real_root) for path in sorted(set(paths))]
    return Listing(
        tuple(found for found in seen if isinstance(found, Reading)),
        tuple(found for found in seen if isinstance(found, Refusal)),
    )


async def settled(
    root: Path, readings: Sequence[Reading], settle: timedelta, patience: timedelta
) -> tuple[list[Reading], list[Reading]]:
    """(at rest, still changing): waits until each file has shown equal readings for `settle`, at most `patience`.

    A file renamed into place a `settle` after its last write, or last written long ago, is at rest at once. Files that
    go away meanwhile are in neither list. Time alone does not prove rest: a network share may have a clock of its own.
    """
    quiet = settle.total_seconds()
    start, now_ns = time.monotonic(), time.time_ns()
    end = start + patience.total_seconds()
    rest = [reading for reading in readings if _is_finished(reading, settle, now_ns)]
    since = {reading: start for reading in readings if not _is_finished(reading, settle, now_ns)}
    while since and time.monotonic() < end:
        first_due = min(min(since.values()) + quiet, end) - time.monotonic()
        await asyncio.sleep(max(0.002, min(first_due, quiet / 4)))
        later = {r.path: r for r in (await asyncio.to_thread(look, root, [r.path for r in since])).files}
        now = time.monotonic()
        still: dict[Reading, float] = {}
        for reading, first in since.items():
            again = later.get(reading.path)
            if again is None:
                continue
            if again != reading:
                still[again] = now
            elif now - first >= quiet:
                rest.append(again)
            else:
                still[again] = first
        since = still
    return sorted(rest, key=_by_path), sorted(since, key=_by_path)


def read(root: Path, reading: Reading, limit: int) -> bytes | Refusal:
    """The bytes of the file that `reading` saw, at most `limit`; or why they cannot be had."""
    if reading.size > limit:
        size, most = reading.size / 1e6, limit / 1e6
        reason = f"it is too big: {size:.1f} MB, and {most:.0f} MB is the most"
        return Refusal(reading.path, reason, "split it, or leave out what is no text")
    full = root / reading.path
    try:
        # Non-blocking: a pipe that took the file's place must not stop the pick-up.
        with open(os.open(full, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - by descriptor
            if _reading(reading.path, os.fstat(file.fileno())) != reading:
                return Refusal(reading.path, _CHANGED, _NEXT_TIME, passing=True)
            data = file.read(limit + 1)
        if _reading(reading.path, full.stat()) != reading or len(data) != reading.size:
            return Refusal(reading.path, _CHANGED, _NEXT_TIME, passing=True)
    except FileNotFoundError:
        return Refusal(reading.path, _VANISHED, _NEXT_TIME, passing=True)
    except OSError as error:
        return _no_access(reading.path, error)
    return data


def _by_path(item: Reading | Refusal) -> str:
    return item.path


def _look(
    entry: os.DirEntry[str], path: str, real_root: str, wanted: Callable[[str], bool]
) -> Reading | Refusal | bool:
    """What the entry is; True for a folder to go into, False for what is of no interest."""
    if not entry.is_symlink():
        if entry.is_dir(follow_symlinks=False):
            return _badly_named(path) or True
        return (wanted(entry.name) and (_ill_named(path) or _plain_file(entry, path))) or False
    try:
        leads_to_folder = entry.is_dir()
    except OSError:
        leads_to_folder = False
    if leads_to_folder:
        return False if _is_inside(os.path.realpath(entry.path), real_root) else _leads_out(path)
    return (wanted(entry.name) and (_ill_named(path) or _file(entry.path, path, real_root))) or False


def _plain_file(entry: os.DirEntry[str], path: str) -> Reading | Refusal | None:
    """The file of an entry that is no link; None where it went meanwhile."""
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _no_access(path, error)
    return _reading(path, status) if stat.S_ISREG(status.st_mode) else _no_file(path)


def _file(full: str, path: str, real_root: str) -> Reading | Refusal | None:
    """The file at `full`; None where there is none."""
    try:
        linked = stat.S_ISLNK(os.lstat(full).st_mode)
        outside = linked and not _is_inside(os.path.realpath(full, strict=True), real_root)
        status = os.stat(full)  # noqa: PTH116 - a Path for each of 100,000 files costs more than the look itself
    except FileNotFoundError:
        nowhere = Refusal(path, "it is a link that leads nowhere", "remove the link, or put its target back")
        return nowhere if os.path.islink(full) else None  # noqa: PTH114 - as above
    except OSError as error:
        return _no_access(path, error)
    if outside:
        return _leads_out(path)
    if not stat.S_ISREG(status.st_mode):
        return _no_file(path)
    return _reading(path, status)


def _reading(path: str, status: os.stat_result) -> Reading:
    return Reading(path, status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)


def _is_finished(reading: Reading, settle: timedelta, now_ns: int) -> bool:
    """True if the file cannot be one that somebody writes at this moment.

    A file that is being written has equal times of write and change. One that was renamed (or given its old time back)
    after its last write has not: then its age counts, where it is positive.
    """
    rest = settle // timedelta(microseconds=1) * 1000
    age = now_ns - reading.mtime_ns
    return rest == 0 or age >= max(rest, _LONG_AGO) or (age >= rest and reading.ctime_ns - reading.mtime_ns >= rest)


def _is_inside(real: str, real_root: str) -> bool:
    return real == real_root or real.startswith(real_root.rstrip("/") + "/")


def _ill_named(path: str) -> Refusal | None:
    """Refuses a file for its name alone."""
    if "onflict" in path and _IN_CONFLICT.search(path.rpartition("/")[2]):
        reason = "it is the copy that a program made of a file which was changed in two places at once"
        return Refusal(path, reason, "keep one of the two; rename this one if it is an article of its own")
    return _badly_named(path)


def _badly_named(path: str) -> Refusal | None:
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        return Refusal(shown, "its name is not UTF-8 text", "rename it")
    return None


def _no_file(path: str) -> Refusal:
    return Refusal(path, "it is no regular file", "put a plain file in its place")


def _leads_out(path: str) -> Refusal:
    return Refusal(path, "it is a link that leads out of the folder", "put the file itself into the folder")


def _no_access(path: str, error: OSError) -> Refusal:
    if error.errno == errno.ELOOP:
        return Refusal(path, "it is a link that leads back to itself", "remove the link, or put the file itself there")
    return Refusal(path, f"it cannot be read: {_why(error)}", "let the publisher's user read it")


def _unreadable(place: str, error: OSError) -> Refusal:
    if isinstance(error, FileNotFoundError):
        reason, remedy = "there is no such folder", "make the folder, or correct the path of the source"
    elif isinstance(error, NotADirectoryError):
        reason, remedy = "it is a file, not a folder", "correct the path of the source"
    else:
        reason, remedy = f"the folder cannot be read: {_why(error)}", "let the publisher's user enter and read it"
    return Refusal(place or ".", reason, remedy, folder=True)


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
