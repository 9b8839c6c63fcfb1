"""Folders as they are: nested, half-written, full of links, and gone."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.intake import folder
from publisher.intake.folder import Reading, Refusal

SETTLE = timedelta(milliseconds=60)
PATIENT = timedelta(seconds=5)


def wanted(name: str) -> bool:
    return name.endswith((".txt", ".md"))


def put(path: Path, text: str = "words", age: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if age:
        os.utime(path, (time.time() - age, time.time() - age))
    return path


def paths(root: Path) -> list[str]:
    return [reading.path for reading in folder.scan(root, wanted).files]


def only(root: Path, path: str) -> Reading:
    return next(r for r in folder.scan(root, wanted).files if r.path == path)


def test_finds_wanted_files_at_any_depth_in_order(tmp_path: Path) -> None:
    """Paths are relative, with slashes, and sorted."""
    for name in ("b.txt", "a/z.md", "a/b/c.txt", "picture.png"):
        put(tmp_path / name)
    assert paths(tmp_path) == ["a/b/c.txt", "a/z.md", "b.txt"]


@pytest.mark.parametrize("name", [".a.txt", "a.txt~", "#a.txt", "~$a.txt", ".git/a.txt", "a.txt.part", "a.txt.swp", "a.TMP"])
def test_passes_over_hidden_and_temporary_files(tmp_path: Path, name: str) -> None:
    """What editors and copying programs leave is neither taken nor reported."""
    put(tmp_path / name)
    found = folder.scan(tmp_path, lambda _: True)
    assert (found.files, found.refused) == ((), ())


def test_looks_below_one_folder_only_where_asked(tmp_path: Path) -> None:
    """Paths stay relative to the source."""
    put(tmp_path / "a/one.txt")
    put(tmp_path / "b/two.txt")
    assert [r.path for r in folder.scan(tmp_path, wanted, "a").files] == ["a/one.txt"]


def test_missing_folder_is_a_reason_and_hides_all(tmp_path: Path) -> None:
    """Nothing is known of what a missing folder held."""
    found = folder.scan(tmp_path / "nowhere", wanted)
    assert [(r.path, r.reason) for r in found.refused] == [(".", "there is no such folder")]
    assert found.refused[0].remedy
    assert found.hides("a/b.txt")


def test_file_in_the_place_of_the_folder_is_a_reason(tmp_path: Path) -> None:
    """The path of a source may point to a file by mistake."""
    found = folder.scan(put(tmp_path / "file"), wanted)
    assert found.refused[0].reason == "it is a file, not a folder"


def test_unreadable_folder_is_a_reason(tmp_path: Path) -> None:
    """What the system says is passed on in words."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    found = folder.scan(loop, wanted)
    assert found.refused[0].reason.startswith("the folder cannot be read: ")
    assert found.refused[0].folder


def test_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    """Neither a file nor a folder outside can be drawn in; a reason stands in its place."""
    put(tmp_path / "secret/a.txt")
    root = tmp_path / "in"
    root.mkdir()
    (root / "file.txt").symlink_to(tmp_path / "secret/a.txt")
    (root / "folder").symlink_to(tmp_path / "secret")
    found = folder.scan(root, wanted)
    assert found.files == ()
    assert {(r.path, r.reason) for r in found.refused} == {
        ("file.txt", "it is a link that leads out of the folder"),
        ("folder", "it is a link that leads out of the folder"),
    }


def test_links_inside_are_taken_once(tmp_path: Path) -> None:
    """A link to a file is that file; a link to a folder is not followed, so no circle is walked."""
    put(tmp_path / "a/one.txt")
    (tmp_path / "two.txt").symlink_to(tmp_path / "a/one.txt")
    (tmp_path / "a/up").symlink_to(tmp_path)
    assert paths(tmp_path) == ["a/one.txt", "two.txt"]


def test_links_to_nowhere_and_in_a_circle_are_refused(tmp_path: Path) -> None:
    """Each with a reason of its own."""
    (tmp_path / "broken.txt").symlink_to(tmp_path / "gone.txt")
    (tmp_path / "circle.txt").symlink_to(tmp_path / "circle.txt")
    reasons = {r.path: r.reason for r in folder.scan(tmp_path, wanted).refused}
    assert reasons["broken.txt"] == "it is a link that leads nowhere"
    assert reasons["circle.txt"] == "it is a link that leads back to itself"


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A name in another encoding is shown with its bytes, in a form that can be stored."""
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("words")
    found = folder.scan(tmp_path, wanted)
    assert (found.files, [r.path for r in found.refused]) == ((), [r"caf\xe9.txt"])


def test_pipes_are_refused_and_never_block(tmp_path: Path) -> None:
    """Also where a pipe takes the place of a file after the look."""
    os.mkfifo(tmp_path / "pipe.txt")
    assert folder.scan(tmp_path, wanted).refused[0].reason == "it is no regular file"
    reading = only_after_put(tmp_path)
    (tmp_path / "a.txt").unlink()
    os.mkfifo(tmp_path / "a.txt")
    assert isinstance(folder.read(tmp_path, reading, 100), Refusal)


def only_after_put(root: Path) -> Reading:
    put(root / "a.txt")
    return only(root, "a.txt")


def test_look_takes_named_files_and_leaves_out_what_is_gone(tmp_path: Path) -> None:
    """The ending does not matter for files that are named."""
    put(tmp_path / "a.log")
    assert [r.path for r in folder.look(tmp_path, ["a.log", "gone.txt"]).files] == ["a.log"]


async def test_old_files_are_at_rest_at_once(tmp_path: Path) -> None:
    """The first pick-up of an archive waits for nothing."""
    put(tmp_path / "a.txt", age=3600)
    start = time.monotonic()
    ready, restless = await folder.settled(tmp_path, folder.scan(tmp_path, wanted).files, timedelta(seconds=30), PATIENT)
    assert (len(ready), restless) == (1, [])
    assert time.monotonic() - start < 5


async def test_file_renamed_into_place_after_its_last_write_is_at_rest_at_once(tmp_path: Path) -> None:
    """The careful way to deliver a file is also the fastest."""
    put(tmp_path / "a.part", age=40)
    (tmp_path / "a.part").rename(tmp_path / "a.txt")
    readings = folder.scan(tmp_path, wanted).files
    ready, _ = await folder.settled(tmp_path, readings, timedelta(seconds=30), timedelta(0))
    assert [r.path for r in ready] == ["a.txt"]


async def test_file_is_at_rest_after_equal_readings(tmp_path: Path) -> None:
    """A file just written is taken once it has been unchanged for so long."""
    put(tmp_path / "a.txt")
    start = time.monotonic()
    ready, restless = await folder.settled(tmp_path, folder.scan(tmp_path, wanted).files, SETTLE, PATIENT)
    assert ([r.path for r in ready], restless) == (["a.txt"], [])
    assert time.monotonic() - start >= SETTLE.total_seconds() * 0.9


async def test_clock_ahead_of_ours_does_not_hold_a_file_back(tmp_path: Path) -> None:
    """A network share may live in the future; equal readings count there."""
    put(tmp_path / "a.txt", age=-3600)
    ready, _ = await folder.settled(tmp_path, folder.scan(tmp_path, wanted).files, SETTLE, PATIENT)
    assert [r.path for r in ready] == ["a.txt"]


async def test_growing_file_is_not_taken_before_its_end(tmp_path: Path) -> None:
    """The reading that is returned is that of the finished file."""
    path = put(tmp_path / "a.txt", "x")

    async def write() -> None:
        for _ in range(30):
            await asyncio.sleep(0.01)
            with path.open("a") as file:
                file.write("x" * 100)

    readings = folder.scan(tmp_path, wanted).files
    writer = asyncio.create_task(write())
    ready, restless = await folder.settled(tmp_path, readings, timedelta(milliseconds=400), PATIENT)
    await writer
    assert ([r.size for r in ready], restless) == ([3001], [])


async def test_restless_file_is_left_when_patience_ends(tmp_path: Path) -> None:
    """It stops nobody else."""
    put(tmp_path / "busy.txt")
    put(tmp_path / "calm.txt", age=3600)
    readings = folder.scan(tmp_path, wanted).files
    ready, restless = await folder.settled(tmp_path, readings, timedelta(seconds=60), timedelta(milliseconds=50))
    assert ([r.path for r in ready], [r.path for r in restless]) == (["calm.txt"], ["busy.txt"])


async def test_file_that_goes_away_meanwhile_is_in_neither_list(tmp_path: Path) -> None:
    """It is simply not there."""
    path = put(tmp_path / "a.txt")
    readings = folder.scan(tmp_path, wanted).files
    path.unlink()
    assert await folder.settled(tmp_path, readings, SETTLE, PATIENT) == ([], [])


def test_reads_what_it_saw(tmp_path: Path) -> None:
    """The bytes, whole."""
    assert folder.read(tmp_path, only_after_put(tmp_path), 100) == b"words"


def test_too_big_is_refused_without_opening(tmp_path: Path) -> None:
    """Fifty megabytes are told from the size alone: the file is not even opened."""
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(50_000_000)
    reading = only(tmp_path, "big.txt")
    (tmp_path / "big.txt").unlink()
    refusal = folder.read(tmp_path, reading, 5_000_000)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "it is too big: 50.0 MB, and 5 MB is the most"
    assert not refusal.passing


def test_vanished_file_is_a_passing_refusal(tmp_path: Path) -> None:
    """Nothing is recorded about a file that went."""
    reading = only_after_put(tmp_path)
    (tmp_path / "a.txt").unlink()
    refusal = folder.read(tmp_path, reading, 100)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.passing) == ("it vanished while it was being read", True)


@pytest.mark.parametrize("how", ["append", "replace", "link"])
def test_changed_file_is_a_passing_refusal(tmp_path: Path, how: str) -> None:
    """Other bytes than those that were seen at rest are never taken; a link slipped in shows nothing."""
    reading = only_after_put(tmp_path)
    path = tmp_path / "a.txt"
    other = put(tmp_path / "other", "WORDS")
    shutil.copystat(path, other)
    if how == "append":
        with path.open("a") as file:
            file.write("more")
    elif how == "replace":
        other.replace(path)
    else:
        path.unlink()
        path.symlink_to(other)
    refusal = folder.read(tmp_path, reading, 100)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.passing) == ("it changed while it was being read", True)
