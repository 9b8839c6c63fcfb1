"""Merging, splitting and versions at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from publisher.cli.main import app
from publisher.errors import PublisherError

TEXT = "The ferry across the harbour stops on Monday, the office said, and nobody knows when it will sail again this year."


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "publisher.toml").write_text(
        '[site]\nurl = "http://127.0.0.1:8000"\n[[source]]\npath = "in"\nsettle = "0s"\n[[source]]\npath = "wire"\nsettle = "0s"\n'
    )
    (tmp_path / "wire").mkdir()
    return tmp_path


def publisher(desk: Path, *arguments: str, as_json: bool = True) -> Any:
    """What the command prints as JSON."""
    result = CliRunner().invoke(app, ["--config", str(desk / "publisher.toml"), *arguments, *["--json"] * as_json])
    if isinstance(result.exception, PublisherError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if as_json else None


def taken(desk: Path, path: str, title: str, text: str) -> str:
    """Puts a document there and picks it up; the id of its article."""
    (desk / path).write_text(f"# {title}\n\n{text}\n")
    rows = publisher(desk, "ingest")["documents"]
    return next(str(row["article_id"]) for row in rows if row["path"] == Path(path).name)


def test_story_is_shown_merged_and_split(desk: Path) -> None:
    """The other source's article is flagged; merged, its page leads to the first one's; split, it is back."""
    a = taken(desk, "in/a.md", "The ferry stops on Monday", TEXT)
    b = taken(desk, "wire/b.md", "The ferry stops Monday", TEXT)
    assert publisher(desk, "articles", "show", a)["same_story"] == [b]
    assert publisher(desk, "articles", "merge", a, b)["id"] == a
    page = desk / "var/public/articles/the-ferry-stops-monday.html"
    assert 'content="0; url=/articles/the-ferry-stops-on-monday"' in page.read_text()
    assert publisher(desk, "articles", "show", b)["status"] == "withdrawn"
    assert publisher(desk, "articles", "show", a)["same_story"] == []
    with pytest.raises(PublisherError, match=f"merged into {a}"):
        publisher(desk, "articles", "restore", b, as_json=False)
    found = publisher(desk, "articles", "split", a)
    assert (found["id"], found["status"]) == (b, "live")
    assert "0; url=" not in page.read_text()


def test_versions_tell_what_changed(desk: Path) -> None:
    """Each with its kind and difference, the words marked."""
    ident = taken(desk, "in/a.md", "The ferry stops on Monday", TEXT)
    taken(desk, "in/a.md", "The ferry stops on Monday", TEXT.replace("nobody", "no one"))
    (version,) = publisher(desk, "articles", "show", ident, "--versions")["versions"]
    assert (version["version"], version["change"]) == (1, "correction")
    assert "[-nobody-] {+no one+}" in version["difference"][0]


def test_article_that_never_changed_has_no_versions(desk: Path) -> None:
    """Which is an answer, and no error."""
    ident = taken(desk, "in/a.md", "The ferry stops on Monday", TEXT)
    assert publisher(desk, "articles", "show", ident, "--versions")["versions"] == []


def test_merge_into_what_readers_still_wait_for_is_refused(desk: Path) -> None:
    """Those who had the one would get the story once more in the other; the other way round nobody does."""
    with (desk / "publisher.toml").open("a") as file:
        file.write('[[newsletter]]\nname = "daily"\ntitle = "Daily"\nwelcome = false\n')
    publisher(desk, "subscribers", "add", "reader@example.org", "--confirmed", as_json=False)
    had = taken(desk, "in/a.md", "The ferry stops on Monday", TEXT)
    publisher(desk, "digest", "send", "daily", "--now", as_json=False)
    waiting = taken(desk, "in/b.md", "No ferry any more", f"{TEXT} That is all there is to say about it on this day.")
    with pytest.raises(PublisherError, match="the other way round"):
        publisher(desk, "articles", "merge", waiting, had, as_json=False)
    publisher(desk, "articles", "merge", had, waiting, as_json=False)


def test_documents_that_are_gone_say_so(desk: Path) -> None:
    """Nobody looks for a rejected file that was deleted."""
    (desk / "in/bad.md").write_text("---\ntitle: a: b\n---\n\nText.\n")
    publisher(desk, "ingest")
    (desk / "in/bad.md").unlink()
    publisher(desk, "ingest")
    result = CliRunner().invoke(app, ["--config", str(desk / "publisher.toml"), "documents", "list", "--state", "rejected"])
    assert result.stdout.startswith("rejected, gone\t")
