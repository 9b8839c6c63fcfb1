"""What a pick-up looks at: the configured folders, or what was named on the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from publisher.config import Settings
from publisher.settings import Source

#: Source of documents named on the command line that lie in no configured folder; their paths are absolute.
ANYWHERE = "folder:/"


@dataclass(frozen=True, slots=True)
class Scope:
    """A source, a part of it, or single files of it."""

    #: Name of the source.
    source: str
    #: The source's folder, absolute.
    root: Path
    #: How long a file must be unchanged.
    settle: timedelta
    #: Only what lies below this folder of the source; empty: all.
    under: str = ""
    #: Only these files; None: whatever lies there.
    files: tuple[str, ...] | None = None
    #: How the report calls documents that were named in another way than by their paths.
    names: Mapping[str, str] = field(default_factory=dict)
    #: How the report calls `under`, or the source where it is looked at as a whole and cannot be read.
    name: str = ""
    #: The configured source as a whole: what it holds at its first reading is its backfill.
    whole: bool = False
    #: Its backfill is not to be mailed.
    hold: bool = False
    #: Folders below the source's own that are sources themselves: what lies there is theirs.
    inner: frozenset[str] = frozenset()
    #: Accepted files are moved into the source's archive.
    archive: bool = False
    #: Articles whose files are deleted are withdrawn.
    follow_deletions: bool = False

    def covers(self, path: str) -> bool:
        """True if a file at `path`, were it there, would be seen."""
        if self.files is not None:
            return path in self.files
        return not self.under or path.startswith(f"{self.under}/")

    def shown(self, path: str) -> str:
        """`path` of a document as the person who reads the report knows it."""
        if path in self.names:
            return self.names[path]
        if path in (".", self.under):
            return self.name or path
        if self.whole or not self.name:
            return path
        return f"{self.name.rstrip('/')}/{path.removeprefix(self.under).lstrip('/')}"


def configured(settings: Settings) -> list[Scope]:
    """Every configured folder, as a whole; one that lies in another is left out of that one."""
    folders = [(source, real(settings.path(source.path))) for source in settings.source if source.kind == "folder"]
    return [
        Scope(
            source.name, root, source.settle, name=source.path.as_posix(), whole=True, hold=source.backfill == "hold",
            inner=_below(root, (other for _, other in folders)), archive=source.archive,
            follow_deletions=source.follow_deletions,
        )
        for source, root in folders
    ]


def _below(root: Path, others: Iterable[Path]) -> frozenset[str]:
    return frozenset(
        other.relative_to(root).as_posix() for other in others if other != root and other.is_relative_to(root)
    )


def named(settings: Settings, folders: Iterable[Path], files: Iterable[Path]) -> list[Scope]:
    """These folders and files; what lies in a configured folder is that source's, so that both ways agree."""
    scopes = []
    for folder in folders:
        home = _home(settings, real(folder))
        under = real(folder).relative_to(home.root).as_posix()
        scopes.append(replace(home, under="" if under == "." else under, name=folder.as_posix()))
        inner = (one for one in configured(settings) if one.root != home.root and one.root.is_relative_to(real(folder)))
        scopes += [_unheld(one, (folder / one.root.relative_to(real(folder))).as_posix()) for one in inner]
    homes: dict[str, tuple[Scope, dict[str, str]]] = {}
    for file in files:
        full = real(file.absolute().parent) / file.name
        home = _home(settings, full)
        _, names = homes.setdefault(home.source, (home, {}))
        names[full.relative_to(home.root).as_posix()] = file.as_posix()
    scopes += [replace(home, files=tuple(sorted(names)), names=names) for home, names in homes.values()]
    return scopes


def real(path: Path) -> Path:
    """`path` without links, as far as they lead anywhere: unlike `Path.resolve`, never an error."""
    return Path(os.path.realpath(path))


def _home(settings: Settings, full: Path) -> Scope:
    """The source in which `full` lies: the innermost where sources are nested. Named documents are never backfill."""
    inside = [scope for scope in configured(settings) if full.is_relative_to(scope.root)]
    if inside:
        return _unheld(max(inside, key=lambda scope: len(scope.root.parts)), "")
    root = Path(full.anchor)
    return Scope(ANYWHERE, root, Source().settle, inner=_below(root, (one.root for one in configured(settings))))


def _unheld(scope: Scope, name: str) -> Scope:
    return replace(scope, name=name, whole=False, hold=False)
