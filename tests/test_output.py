"""Files are whole or old, and nothing leaves the tree."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher import output
from publisher.errors import OutputError
from publisher.output import KEPT_FAULTS, Mark, Tally, remove, usable_mark, write_if_changed, write_mark

THEN = datetime(2026, 11, 22, 10, 0, 0, 999, tzinfo=UTC)


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """No file of this process can grow past `size` bytes: to a writer much as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_file_is_written_only_when_its_bytes_differ(tmp_path: Path) -> None:
    """The same bytes leave the file alone, so that validators hold."""
    assert write_if_changed(tmp_path, "a/b.xml", b"one", THEN)
    before = (tmp_path / "a/b.xml").stat()
    assert not write_if_changed(tmp_path, "a/b.xml", b"one", THEN + timedelta(days=1))
    after = (tmp_path / "a/b.xml").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert write_if_changed(tmp_path, "a/b.xml", b"two", THEN + timedelta(days=1))
    assert (tmp_path / "a/b.xml").read_bytes() == b"two"
    assert names(tmp_path) == ["a/b.xml"]


def test_the_modification_time_is_that_of_the_content(tmp_path: Path) -> None:
    """Last-Modified tells when the content changed, wherever and whenever it was written."""
    write_if_changed(tmp_path, "feed", b"one", THEN)
    assert (tmp_path / "feed").stat().st_mtime == THEN.replace(microsecond=0).timestamp()


def test_the_modification_time_moves_on_whenever_the_bytes_change(tmp_path: Path) -> None:
    """A reader that has a date alone never keeps what is old."""
    write_if_changed(tmp_path, "feed", b"one", THEN)
    first = (tmp_path / "feed").stat().st_mtime
    write_if_changed(tmp_path, "feed", b"two", THEN - timedelta(days=1))
    assert (tmp_path / "feed").stat().st_mtime > first


def test_files_can_be_read_by_a_web_server_of_another_user(tmp_path: Path) -> None:
    """The process's umask decides who may read, as for any other program."""
    before = os.umask(0o022)
    try:
        write_if_changed(tmp_path, "feed", b"one", THEN)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "feed").stat().st_mode) == 0o644


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """What does not fit is reported in one line; the old bytes stand and no other file lies about."""
    write_if_changed(tmp_path, "feed", b"old", THEN)
    with files_limited_to(10_000), pytest.raises(OutputError, match=r"^cannot write .*feed: File too large$"):
        write_if_changed(tmp_path, "feed", b"n" * 20_000, THEN)
    assert (tmp_path / "feed").read_bytes() == b"old"
    assert names(tmp_path) == ["feed"]


def test_a_file_in_place_of_a_folder_is_reported(tmp_path: Path) -> None:
    """Nothing is overwritten that is not ours to replace."""
    (tmp_path / "articles").write_text("a file")
    with pytest.raises(OutputError, match="cannot write"):
        write_if_changed(tmp_path, "articles/a.html", b"x", THEN)
    assert (tmp_path / "articles").read_text() == "a file"


def test_a_folder_in_place_of_a_file_is_reported(tmp_path: Path) -> None:
    """A folder is never replaced by a file, and no litter is left."""
    (tmp_path / "rss.xml/inner").mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot write"):
        write_if_changed(tmp_path, "rss.xml", b"x", THEN)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "relative",
    ["", ".", "..", "../x", "/etc/x", "a/../../x", "a/../x", "a//b", "a/", "a\\b", ".x", "a/.x", "x\0y", "./x"],
)
def test_no_path_leaves_the_tree(tmp_path: Path, relative: str) -> None:
    """Names that climb, hide or deceive are refused before anything is touched."""
    root = tmp_path / "root"
    with pytest.raises(OutputError):
        write_if_changed(root, relative, b"x", THEN)
    with pytest.raises(OutputError):
        remove(root, relative)
    assert names(tmp_path) == []


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    """A folder that is a link to somewhere else is refused."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/articles").symlink_to(tmp_path / "outside")
    with pytest.raises(OutputError, match="leads out of"):
        write_if_changed(tmp_path / "root", "articles/a.html", b"x", THEN)
    assert names(tmp_path / "outside") == []


def test_removing_takes_an_empty_folder_along(tmp_path: Path) -> None:
    """The file goes, then its folder; the root stays, and what is gone already is no fault."""
    write_if_changed(tmp_path, "sections/a/rss.xml", b"x", THEN)
    write_if_changed(tmp_path, "index.html", b"x", THEN)
    assert remove(tmp_path, "sections/a/rss.xml")
    assert not (tmp_path / "sections/a").exists()
    assert not remove(tmp_path, "sections/a/rss.xml")
    assert remove(tmp_path, "index.html")
    assert tmp_path.is_dir()


def test_what_a_killed_writer_left_goes_and_keeps_no_folder(tmp_path: Path) -> None:
    """A temporary file of an hour ago; not one that is being written, nor what is not ours."""
    for name in ("a/x", "b/x", "b/.x.0123abcd.tmp", "a/.x.0123abcd.tmp", "a/.y.0123abcd.tmp", "a/.mine.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    for name in ("b/.x.0123abcd.tmp", "a/.x.0123abcd.tmp", "a/.mine.tmp"):
        os.utime(tmp_path / name, (1_700_000_000, 1_700_000_000))
    assert remove(tmp_path, "b/x")
    output.sweep(tmp_path)
    assert names(tmp_path) == ["a/.mine.tmp", "a/.y.0123abcd.tmp", "a/x"]
    assert not (tmp_path / "b").exists()


async def test_two_that_remove_the_same_do_not_stumble(tmp_path: Path) -> None:
    """As a service and a build: each file goes once, and the folder with the last."""
    files = [f"s/{folder}/{name}" for folder in range(60) for name in ("x", "y")]
    for file in files:
        write_if_changed(tmp_path, file, b"x", THEN)
    tallies = [Tally(tmp_path) for _ in range(4)]
    await asyncio.gather(*(tally.remove(file) for file in files for tally in tallies))
    assert sum(tally.removed for tally in tallies) == len(files)
    assert [tally.faults for tally in tallies] == [[], [], [], []]
    assert list((tmp_path / "s").iterdir()) == []


def test_a_mark_is_found_again(tmp_path: Path) -> None:
    """A step goes on from where it was."""
    write_if_changed(tmp_path, "rss.xml", b"x", THEN)
    write_mark(tmp_path, "feeds", Mark(7, "print", "town"))
    assert usable_mark(tmp_path, "feeds", "print", 9, ["rss.xml"]) == Mark(7, "print", "town")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"change": "x", "fingerprint": "print", "shared": ""}', "\xff", "9"]
)
def test_a_broken_mark_means_build_all(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, it is no reason to fail."""
    path = tmp_path / ".publisher/feeds.json"
    assert usable_mark(tmp_path, "feeds", "print", 9, []) is None
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    assert usable_mark(tmp_path, "feeds", "print", 9, []) is None


def test_a_mark_that_fits_no_more_means_build_all(tmp_path: Path) -> None:
    """Another fingerprint, a store that was put back to an earlier state, a file that is gone."""
    write_mark(tmp_path, "feeds", Mark(7, "print"))
    assert usable_mark(tmp_path, "feeds", "print", 7, []) is not None
    assert usable_mark(tmp_path, "feeds", "other", 7, []) is None
    assert usable_mark(tmp_path, "feeds", "print", 6, []) is None
    assert usable_mark(tmp_path, "feeds", "print", 7, ["rss.xml"]) is None


def test_a_fingerprint_tells_settings_and_features_apart() -> None:
    """Another value of any part, or another feature, is another fingerprint; the same is the same."""
    first = output.fingerprint("feeds", ["a", "b"])
    assert first == output.fingerprint("feeds", ["a", "b"])
    assert len({first, output.fingerprint("feeds", ["ab"]), output.fingerprint("site", ["a", "b"])}) == 3


async def test_the_mark_stays_when_a_file_could_not_be_written(tmp_path: Path) -> None:
    """So the next run tries again."""
    tally = Tally(tmp_path)
    await tally.write("../out", b"x", THEN)
    tally.finish("feeds", Mark(7, "print"))
    assert not (tmp_path / ".publisher").exists()
    assert tally.report().failed == 1


async def test_a_run_counts_what_it_does(tmp_path: Path) -> None:
    """Written, unchanged, removed and left out are told apart, and the mark moves on."""
    tally = Tally(tmp_path)
    await tally.write("a/x", b"x", THEN)
    await tally.write("a/x", b"x", THEN)
    await tally.write("b/x", b"x", THEN)
    await tally.remove("nothing")
    await tally.clear("nowhere", [], ["x"])
    tally.skip("article 1 left out")
    tally.finish("feeds", Mark(7, "print"))
    report = tally.report()
    assert (report.written, report.unchanged, report.removed, report.failed, report.skipped) == (2, 1, 0, 0, 1)
    assert report.faults == ("article 1 left out",)
    assert json.loads((tmp_path / ".publisher/feeds.json").read_text())["change"] == 7


async def test_clearing_spares_what_is_kept_and_what_is_not_ours(tmp_path: Path) -> None:
    """Only files of the given names go, and only from folders that are no more."""
    for name in ("s/kept/x", "s/gone/x", "s/gone/theirs", "s/empty/x"):
        write_if_changed(tmp_path, name, b"x", THEN)
    tally = Tally(tmp_path)
    await tally.clear("s", ["kept"], ["x"])
    assert names(tmp_path) == ["s/gone/theirs", "s/kept/x"]
    assert not (tmp_path / "s/empty").exists()
    assert tally.removed == 2


def test_a_full_disk_ends_a_run_early() -> None:
    """Where no other file could be written either, trying is in vain; reasons are kept in bounds."""
    tally = Tally(Path())
    for _ in range(KEPT_FAULTS + 5):
        tally.fail(OutputError("one odd file"))
    assert not tally.hopeless
    assert (tally.failed, len(tally.report().faults)) == (KEPT_FAULTS + 5, KEPT_FAULTS)
    error = OutputError("full")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    tally.fail(error)
    assert tally.hopeless
