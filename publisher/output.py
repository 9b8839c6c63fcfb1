"""The file tree that readers are served: files written whole or not at all, and how far each step has come.

Every file goes to a temporary file in its own folder, is synced, and renamed into place, and only when its bytes
differ. Paths are relative to the root of the tree, with `/`, and cannot leave it.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path, PurePosixPath

from publisher.errors import OutputError

#: Folder of the marks, below the root; not for readers.
PRIVATE = ".publisher"
#: Faults that a report keeps; the rest are counted.
KEPT_FAULTS = 20
#: Names of written files that a report keeps; a run that writes more of them made all anew.
KEPT_NAMES = 10_000

#: Names of temporary files, and seconds after which whoever wrote one is dead.
_LEFT, _DEAD = re.compile(r"\..+\.[0-9a-f]{8}\.tmp"), 3600.0

_SOURCES = Path(__file__).parent
#: The disk is the trouble, not the file: no other file could be written either.
_HOPELESS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO))
#: Dates that a file system keeps and HTTP can tell start here.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_if_changed(root: Path, relative: str, data: bytes, changed_at: datetime) -> bool:
    """Makes the file hold `data`, and tells whether it did not before.

    Its modification time becomes `changed_at` in whole seconds, so that Last-Modified tells when the content changed;
    it never stands still or goes back when bytes change, or a reader with a date alone would keep what is old
    (RFC 9110 section 13.1.3). Raises OutputError; the old file is whole then, and no other file is left behind.
    """
    path = _inside(root, relative)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        before = _stamp(path)
        if before is not None and path.stat().st_size == len(data) and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(temporary, data)
            stamp = max(int(max(changed_at, _EPOCH).timestamp()), (before or 0) + 1)
            os.utime(temporary, (stamp, stamp))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return True


def remove(root: Path, relative: str) -> bool:
    """Removes the file, and its folder where that is empty now; whether there was one. Raises OutputError."""
    path = _inside(root, relative)
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error
    if path.parent != root:
        with suppress(OSError):  # not empty, or another run was faster
            _clear_left(path.parent)
            path.parent.rmdir()
    return True


def sweep(root: Path) -> None:
    """Removes what writers that were killed left anywhere in the tree; reads all of its folders."""
    for folder, _, names in os.walk(root):
        for name in names:
            with suppress(OSError):
                if _is_left(path := Path(folder, name)):
                    path.unlink()


def _clear_left(folder: Path) -> None:
    """The same in one folder, up to the first file that belongs there: folders may be large."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not _is_left(Path(entry.path)):
                return
            Path(entry.path).unlink(missing_ok=True)


def _is_left(path: Path) -> bool:
    return bool(_LEFT.fullmatch(path.name)) and time.time() - path.stat().st_mtime > _DEAD


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a step has come."""

    #: Number of the last change of an article that is in the files.
    change: int
    #: Of settings, templates and program: another one makes every file stale.
    fingerprint: str
    #: What all lists show alike, as the names of the sections: another one makes every list stale.
    shared: str = ""


def usable_mark(root: Path, step: str, fingerprint: str, newest: int, files: Iterable[str]) -> Mark | None:
    """The mark of `step` where work can go on from it; None where all is to be built.

    That is where the mark is missing or broken, made under another fingerprint or by a store that was further on
    than change `newest`, or one of `files`, which always stand, is gone.
    """
    try:
        found = json.loads((root / PRIVATE / f"{step}.json").read_bytes())
        mark = Mark(int(found["change"]), str(found["fingerprint"]), str(found["shared"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    sound = mark.fingerprint == fingerprint and mark.change <= newest
    return mark if sound and all((root / name).is_file() for name in files) else None


def write_mark(root: Path, step: str, mark: Mark) -> None:
    """Remembers how far `step` has come. Raises OutputError."""
    write_if_changed(root, f"{PRIVATE}/{step}.json", json.dumps(asdict(mark)).encode() + b"\n", _EPOCH)


def fingerprint(feature: str, parts: Iterable[str]) -> str:
    """A mark's fingerprint: of `parts`, as settings and templates, and of the code that makes the feature's files."""
    digest = hashlib.sha256(_code(feature))
    for part in parts:
        digest.update(part.encode(errors="replace") + b"\0")
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What a run of a publishing step did."""

    #: Files whose bytes are new.
    written: int = 0
    #: Files made anew with the bytes that they had.
    unchanged: int = 0
    removed: int = 0
    #: Files that could not be written: the next run tries again.
    failed: int = 0
    #: Articles that had to be left out of some file.
    skipped: int = 0
    #: Why, one line for each, at most `KEPT_FAULTS`.
    faults: tuple[str, ...] = ()
    #: The files that `written` counts, at most `KEPT_NAMES`.
    changed: tuple[str, ...] = field(default=(), compare=False)


@dataclass(slots=True)
class Tally:
    """One run's writing: files go through it, and it counts."""

    root: Path
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    skipped: int = 0
    faults: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    #: The disk is full, broken or read-only: more writing is in vain.
    hopeless: bool = False

    async def write(self, relative: str, data: bytes, changed_at: datetime) -> None:
        """As `write_if_changed`, beside the event loop; a failure is counted."""
        try:
            if await asyncio.to_thread(write_if_changed, self.root, relative, data, changed_at):
                self.written += 1
                if len(self.changed) < KEPT_NAMES:
                    self.changed.append(relative)
            else:
                self.unchanged += 1
        except OutputError as error:
            self.fail(error)

    async def write_all(self, folder: str, files: Mapping[str, bytes], changed_at: datetime) -> None:
        """These files of one folder ("" or with its closing slash), side by side: each waits for the disk."""
        await asyncio.gather(*(self.write(folder + name, data, changed_at) for name, data in files.items()))

    async def remove(self, relative: str) -> None:
        """As `remove`, beside the event loop; a failure is counted."""
        try:
            gone = await asyncio.to_thread(remove, self.root, relative)
            self.removed += gone
        except OutputError as error:
            self.fail(error)

    async def clear(self, relative: str, keep: Iterable[str], names: Iterable[str]) -> None:
        """Removes files called `names` from the folders in folder `relative`, but for the folders in `keep`."""
        try:
            found = [path.name for path in (self.root / relative).iterdir() if path.is_dir()]
        except FileNotFoundError:
            return
        except OSError as error:
            self.fail(OutputError(f"cannot read {self.root / relative}: {error.strerror or error}"))
            return
        for folder in sorted(set(found) - set(keep)):
            for name in names:
                if not folder.startswith("."):
                    await self.remove(f"{relative}/{folder}/{name}")

    def fail(self, error: Exception) -> None:
        """Counts a file that could not be written."""
        self.failed += 1
        self._keep(str(error))
        self.hopeless = self.hopeless or getattr(error.__cause__, "errno", None) in _HOPELESS

    def skip(self, fault: str) -> None:
        """Counts an article that had to be left out."""
        self.skipped += 1
        self._keep(fault)

    def finish(self, step: str, mark: Mark) -> None:
        """Moves the mark of `step` on, unless a file is missing: then the next run begins where this one did."""
        if self.failed == 0:
            try:
                write_mark(self.root, step, mark)
            except OutputError as error:
                self.fail(error)

    def report(self) -> PublishReport:
        """What was done so far."""
        return PublishReport(
            self.written, self.unchanged, self.removed, self.failed, self.skipped, tuple(self.faults),
            tuple(self.changed),
        )

    def _keep(self, fault: str) -> None:
        if len(self.faults) < KEPT_FAULTS:
            self.faults.append(fault)


def _inside(root: Path, relative: str) -> Path:
    """The path of a file below `root`, also after following links. Raises OutputError for any other."""
    pure = PurePosixPath(relative)
    odd = not pure.parts or "\\" in relative or "\0" in relative or pure.as_posix() != relative
    if odd or pure.is_absolute() or any(part.startswith(".") for part in pure.parts if part != PRIVATE):
        raise OutputError(f"no name for a file of the site: {relative!r}")
    path = root.joinpath(*pure.parts)
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise OutputError(f"{path} leads out of {root}")
    return path


def _stamp(path: Path) -> int | None:
    """Modification time in seconds since the epoch; None where there is no file."""
    try:
        return int(path.stat().st_mtime)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _write(path: Path, data: bytes) -> None:
    # Not `tempfile`: its files are for the owner alone, and a web server of another user serves these.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@cache
def _code(feature: str) -> bytes:
    """SHA-256 of the program's shared pieces and of one feature, for an upgrade shows in the files at once."""
    digest = hashlib.sha256()
    for path in sorted([*_SOURCES.glob("*.py"), *(_SOURCES / feature).glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.digest()
