"""Importing at the command line."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from publisher.cli.main import app
from publisher.errors import PublisherError

DATA = Path(__file__).parent.parent / "data/import"
WXR = (DATA / "courier.wordpress.xml").read_bytes()


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "publisher.toml").write_text('[site]\nurl = "http://127.0.0.1:8000"\n')
    for name in ("courier.wordpress.xml", "net.ghost.json"):
        shutil.copy(DATA / name, tmp_path)
    return tmp_path


def publisher(desk: Path, *arguments: str) -> Result:
    """What the command does; a wrong usage is its exit status."""
    result = CliRunner().invoke(app, ["--config", str(desk / "publisher.toml"), *arguments])
    if isinstance(result.exception, PublisherError):
        raise result.exception
    return result


def printed(desk: Path, *arguments: str) -> Any:
    result = publisher(desk, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_wordpress_is_reported_entry_by_entry(desk: Path) -> None:
    """JSON is one document; what is passed over is told beside it; the same file again is unchanged."""
    file = str(desk / "courier.wordpress.xml")
    result = publisher(desk, "import", "wordpress", file)
    assert f"added\t{file}#11\tmarks of plugins were left out" in result.stdout
    assert f"rejected\t{file}#18\tit holds no text; " in result.stdout
    assert "passed over: files of the library (2), menu entries (1), pages (1), unsaved or in the bin (1); " in result.stderr
    assert "--pages" in result.stderr
    again = printed(desk, "import", "wordpress", file)
    assert set(again) == {"documents"}
    assert {row["status"] for row in again["documents"]} == {"unchanged", "rejected"}


def test_ghost_asks_where_the_site_stood(desk: Path) -> None:
    """Without `--url` it says what it took; with one that is none it is a wrong usage."""
    file = str(desk / "net.ghost.json")
    assert "give --url" in publisher(desk, "import", "ghost", file).stderr
    rows = printed(desk, "import", "ghost", file, "--url", "https://net.example.org")["documents"]
    assert rows[0]["path"] == f"{file}#00000000-0000-4000-8000-000000000001"
    assert publisher(desk, "import", "ghost", file, "--url", "net").exit_code == 2


def test_old_addresses_are_printed_for_other_servers(desk: Path) -> None:
    """As JSON, and as a map that nginx reads; those of drafts are not."""
    printed(desk, "import", "wordpress", str(desk / "courier.wordpress.xml"))
    told = printed(desk, "articles", "redirects")["redirects"]
    assert {"path": "/?p=11", "url": "http://127.0.0.1:8000/articles/ferries-and-tides"} in told
    assert "/2021/03/secret" not in {one["path"] for one in told}
    lines = publisher(desk, "articles", "redirects", "--nginx").stdout.splitlines()
    assert '"/2021/02/blocks" "http://127.0.0.1:8000/articles/blocks";' in lines
    assert '"/2021/02/blocks/" "http://127.0.0.1:8000/articles/blocks";' in lines


@pytest.mark.parametrize(
    ("system", "content", "reason"),
    [
        ("wordpress", b"Dear reader", "it is no XML"), ("wordpress", gzip.compress(WXR), "it is compressed"),
        ("wordpress", WXR[:6000], "it ends in the middle"), ("ghost", b"{}", "it is no Ghost export"),
        ("ghost", b'{"db": [{"meta": {"version": "9.1"}, "data": {"posts": []}}]}', "it is an export of Ghost 9.1"),
        ("feed", WXR, "it is a WordPress export"), ("feed", b"Dear reader", "it is no feed"),
    ],
)  # fmt: skip
def test_file_that_cannot_be_read_is_refused_as_a_whole(desk: Path, system: str, content: bytes, reason: str) -> None:
    """With file, reason and remedy on one line, before the store is opened."""
    (desk / "old").write_bytes(content)
    with pytest.raises(PublisherError) as caught:
        publisher(desk, "import", system, str(desk / "old"))
    assert str(caught.value).startswith(f"{desk / 'old'}: {reason}")
    assert "\n" not in str(caught.value)
    assert not (desk / "var").exists()


def test_folder_of_pictures_that_is_not_there_is_refused(desk: Path) -> None:
    """Rather than articles without their pictures."""
    with pytest.raises(PublisherError, match="there is no such folder"):
        publisher(desk, "import", "wordpress", str(desk / "courier.wordpress.xml"), "--media", str(desk / "nothing"))
