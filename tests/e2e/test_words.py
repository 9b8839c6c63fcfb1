"""What the commands say: to a person, to another program, and when the words of a command are wrong."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

import pytest

from tests.e2e.conftest import PROGRAM


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("frobnicate",), "frobnicate"),
        (("build", "--frob"), "--frob"),
        (("outbox", "show", "abc"), "ID"),
        (("outbox", "list", "--state", "lost"), "'lost' is not one of 'queued'"),
        (("extract",), "Missing argument"),
        (("subscribers", "add", "nobody"), "'nobody' is no mail address"),
        (("subscribers", "add", "reader@example.org", "--timezone", "Mars/Olympus"), "time zone"),
    ],
)
def test_wrong_usage_is_one_line_and_ends_with_2(site: Any, words: tuple[str, ...], said: str) -> None:
    """The line names the fault, in words of the program and not of its libraries."""
    result = site.command(*words)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("publisher: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert "Value error" not in result.stderr


def test_a_command_left_out_shows_the_help(site: Any) -> None:
    """Status 2, and what could have been said."""
    result = site.command("outbox")
    assert result.returncode == 2
    assert "show" in result.stderr


def test_a_touched_file_keeps_its_title_in_the_rows(site: Any) -> None:
    """A file that was written again with the same bytes is `unchanged`, with its title as ever."""
    before = site.json("ingest")["documents"]
    for file in (site.root / "seeds").iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    after = site.json("ingest")["documents"]
    assert [(row["path"], row["title"], row["status"]) for row in after] == [
        (row["path"], row["title"], "unchanged") for row in before
    ]


def test_a_preview_lies_in_the_project_wherever_it_was_asked_for(site: Any) -> None:
    """Like every path that nobody gave, var/preview is one of the project, not of the working directory."""
    site.done("ingest")
    files = site.json("digest", "preview", "daily")["files"]
    assert [file.startswith(str(site.root / "var/preview")) for file in files] == [True] * 3


def test_send_with_nothing_due_says_so(site: Any) -> None:
    """A person reads why nothing happened; the keys of the JSON are names, without spaces."""
    assert "nobody is due" in site.done("digest", "send", "daily")
    assert not [key for key in site.json("digest", "send", "daily") if " " in key]


def test_a_slow_reader_of_a_pipe_gets_all(site: Any) -> None:
    """Output that fills the pipe waits for its reader, to the last byte."""
    words = "The council met and talked about the bridge, the river and the market for a long time. "
    paragraphs = "\n\n".join(f"Part {number} begins. {words * 8}" for number in range(400))
    (site.root / "long.md").write_text(f"---\ntitle: A long story of a bridge\n---\n{paragraphs}\n", encoding="utf-8")
    site.done("ingest", "long.md")
    command = [str(PROGRAM), "articles", "list", "--json"]
    with subprocess.Popen(command, cwd=site.root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        time.sleep(0.5)  # the pipe is full by then
        found = json.loads(first + process.stdout.read())["articles"]
    assert "Part 399 begins" in next(article for article in found if "bridge" in article["title"])["content_text"]
