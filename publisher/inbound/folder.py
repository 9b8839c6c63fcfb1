"""A Maildir that mail is put into: what lies in `new/` is read; once it is taken in it lies in `cur/`, as read.

https://cr.yp.to/proto/maildir.html: a file in `new/` is whole, and its name is its own for ever.
"""

from __future__ import annotations

from pathlib import Path

from publisher.errors import PublisherError
from publisher.incoming import Letter

#: Bytes of a message that are read.
_LARGEST = 50_000_000


def waiting(folder: Path, limit: int, but: frozenset[Path] = frozenset()) -> list[tuple[Path, Letter]]:
    """Up to `limit` messages that lie in `new/`, the oldest first, `but` not these.

    Raises PublisherError where there is no Maildir.
    """
    new = folder / "new"
    try:
        there = sorted(path for path in new.iterdir() if not path.name.startswith(".") and path not in but)
        found = [path for path in there[: 2 * limit] if path.is_file()][:limit]
    except OSError as error:
        raise PublisherError(f"cannot look into the Maildir {folder} (inbound.maildir): {error.strerror}") from error
    letters = []
    for path in found:
        try:
            with path.open("rb") as file:
                letters.append((path, Letter(file.read(_LARGEST), "maildir")))
        except FileNotFoundError:
            continue  # somebody else read it
        except OSError as error:
            raise PublisherError(f"cannot read {path} (inbound.maildir): {error.strerror}") from error
    return letters


def taken(paths: list[Path]) -> None:
    """Moves these files to `cur/`, marked as seen."""
    for path in paths:
        current = path.parent.parent / "cur"
        current.mkdir(exist_ok=True)
        try:
            path.rename(current / f"{path.name.partition(':')[0]}:2,S")
        except FileNotFoundError:
            continue
