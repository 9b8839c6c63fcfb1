"""Where the files that ship with the program lie: in the clone's top folders, or inside the wheel."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def packaged(name: str) -> Path:
    """Folder `name` ("templates" or "config") as shipped with the program."""
    inside = _HERE / "data" / name
    return inside if inside.is_dir() else _HERE.parent / name
