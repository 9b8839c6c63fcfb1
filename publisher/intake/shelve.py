"""Moving files that were accepted into their source's archive. Nothing is ever overwritten or deleted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from publisher.intake import folder
from publisher.intake.folder import Reading

#: The folder below a source's own in which its accepted files lie; it is looked at no more.
ARCHIVE = "archive"


def is_shelved(path: str) -> bool:
    """True for paths in the archive."""
    return path.startswith(f"{ARCHIVE}/")


def shelve(root: Path, readings: Iterable[Reading]) -> dict[str, str]:
    """Moves the files that are still as `readings` saw them; why the others stay, by path (empty: they changed)."""
    stay: dict[str, str] = {}
    for reading in readings:
        if folder.look(root, [reading.path]).files != (reading,):
            stay[reading.path] = ""
            continue
        try:
            target = _free(root / ARCHIVE / reading.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            (root / reading.path).rename(target)
        except OSError as error:
            stay[reading.path] = f"it cannot be moved into the archive: {(error.strerror or str(error)).lower()}"
    return stay


def _free(target: Path) -> Path:
    """`target`, or that name with the first number that no file has."""
    number, name = 1, PurePosixPath(target.name)
    while target.exists() or target.is_symlink():
        number += 1
        target = target.with_name(f"{name.stem}-{number}{name.suffix}")
    return target
