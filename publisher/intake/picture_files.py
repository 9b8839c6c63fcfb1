"""Pictures beside a document, as they lie on the disk: found, looked at, read; never outside the source's folder.

What cannot be taken is a PictureError with its reason. Reads the disk: for a thread, not for the event loop.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from publisher.errors import PictureError
from publisher.intake import folder, picture
from publisher.intake.folder import Reading, Refusal
from publisher.store.pictures import Origin

#: Endings of documents that have no way to name a picture: one that is called like them is theirs.
_PLAIN = (".txt", ".text")
_ENDINGS = tuple(variant for ending in picture.ENDINGS for variant in (ending, ending.upper()))


def namesake(root: Path, document: str) -> str:
    """The reference of the picture that is called like a plain text, as "harbour.jpg"; empty where there is none."""
    stem, ending = os.path.splitext(f"{root}/{document}")  # noqa: PTH122 - for each of very many documents
    if ending.lower() in _PLAIN:
        for variant in _ENDINGS:
            if os.path.lexists(stem + variant):
                return quote(PurePosixPath(stem + variant).name)
    return ""


def origin(root: Path, places: Iterable[str]) -> Origin:
    """The first of these paths at which something lies, else the first of them as one where nothing does."""
    tried = list(places)
    for place in tried:
        for spelt in dict.fromkeys((place, unicodedata.normalize("NFD", place))):
            if os.path.lexists(f"{root}/{spelt}"):
                return Origin(spelt, *_state(f"{root}/{spelt}"))
    return Origin(tried[0])


def read(root: Path, found: Origin) -> bytes:
    """The bytes of the file. Raises PictureError for one that is not there, cannot be read, or lies elsewhere."""
    full = f"{root}/{found.picture}"
    real_root = os.path.realpath(root)
    try:
        real = os.path.realpath(full, strict=True)
        status = os.lstat(real)
    except OSError as error:
        if os.path.islink(full):  # noqa: PTH114 - as a string all along
            raise PictureError("it is a link that leads nowhere") from error
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise PictureError("there is no such file") from error
        raise PictureError(f"it cannot be read: {(error.strerror or str(error)).lower()}") from error
    if not real.startswith(real_root.rstrip("/") + "/"):
        raise PictureError("it is a link that leads out of the folder; put the picture itself into the folder")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError("it is no regular file")
    picture.refuse_size(status.st_size)
    inside = os.path.relpath(real, real_root)  # the place itself: no link is followed from here on
    reading = Reading(inside, status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)
    data = folder.read(Path(real_root), reading, picture.MAX_BYTES)
    if isinstance(data, Refusal):
        raise PictureError(data.reason)
    return data


def stale(root: Path, origins: Mapping[str, Iterable[Origin]]) -> set[str]:
    """The documents of which a picture is not as it was, came, or went."""
    return {
        path for path, found in origins.items()
        if any(_state(f"{root}/{one.picture}") != (one.size, one.mtime_ns) for one in found)
    }


def is_picture_file(name: str) -> bool:
    """True if the name is that of a picture."""
    return name.endswith(_ENDINGS)


def newly_illustrated(
    pictures: Iterable[str], documents: Collection[str], origins: Mapping[str, Iterable[Origin]]
) -> set[str]:
    """Those of the documents that have a picture of their name by now, and were read without one."""
    found = set()
    for path in pictures:
        stem = path.rpartition(".")[0]
        for document in (stem + ending for ending in _PLAIN):
            if document in documents and not any(
                one.picture.rpartition(".")[0] == stem for one in origins.get(document, ())
            ):
                found.add(document)
    return found


def _state(full: str) -> tuple[int, int]:
    """(bytes, time of the last write) of what lies there, or of what it leads to; (-1, 0) for nothing."""
    try:
        status = os.stat(full)  # noqa: PTH116 - for each of very many
    except OSError:
        return -1, 0
    return status.st_size, status.st_mtime_ns
