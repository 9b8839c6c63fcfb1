"""The feeds as they lie in the output folder."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from publisher import urls

#: Inode, ctime in nanoseconds, size: files are replaced whole, so equal signatures mean equal bytes.
Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Content:
    """A feed's bytes at one instant."""

    signature: Signature
    data: bytes
    #: SHA-256 in hex.
    digest: str


def signature_of(root: Path, feed: str) -> Signature | None:
    """Tells whether the file changed; None where there is none. Raises OSError where that cannot be told."""
    try:
        found = (root / feed).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (found.st_ino, found.st_ctime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def load(root: Path, feed: str) -> Content | None:
    """The feed as it is now; None where there is none. Raises OSError."""
    try:
        with (root / feed).open("rb") as file:
            found = os.fstat(file.fileno())
            data = file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return Content((found.st_ino, found.st_ctime_ns, found.st_size), data, hashlib.sha256(data).hexdigest())


def changed_since(root: Path, since: float) -> list[str]:
    """The feeds whose files were written after `since`, in seconds since the epoch; sorted."""
    feeds = {name for name, _, _ in urls.FEED_FORMATS}
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = (Path(folder, name) for name in feeds.intersection(names))
        found += [path.relative_to(root).as_posix() for path in here if _written(path) > since]
    return sorted(found)


def _written(path: Path) -> float:
    try:
        return path.stat().st_ctime
    except OSError:  # gone since it was listed
        return 0.0
