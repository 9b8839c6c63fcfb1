"""Feeds and pages over HTTP."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import brotli
import pytest
from starlette.types import Message, Receive, Scope, Send

from publisher.web.files import FileFront, file_for

#: When the fixture's files were modified.
LAST_MODIFIED = "Sun, 01 Mar 2026 12:00:00 GMT"

UNLAWFUL = [
    "/../secret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt", "/..%2fsecret.txt", "/..%5csecret.txt",
    "/articles/../../../secret.txt", "/articles/..%2f..%2f..%2fsecret.txt", "//secret.txt", "/%2fetc/passwd",
    "//etc/passwd", "/%252e%252e/secret.txt", "/rss.xml%00", "/%00", "/.publisher/mark.json",
    "/articles/.tide.html.tmp", "/articles/..", "/articles/.", "/./rss.xml", "/rss.xml/", "/articles", "/articles/",
    "/rss.xml/index.html", "/%ff%fe", "/" + "a" * 5000, "/articles//tide", "/articles/tide/", "/\\secret.txt",
    "/..;/secret.txt", "/C:/secret.txt", "/%0d%0aSet-Cookie:x",
]


def replace(path: Path, content: str) -> None:
    """The way that the publish steps write: a new file, renamed into place."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)


@pytest.mark.parametrize(
    ("path", "name", "media_type", "age"),
    [
        ("/", "index.html", "text/html; charset=utf-8", 60),
        ("/articles/tide", "articles/tide.html", "text/html; charset=utf-8", 60),
        ("/sections/sea/", "sections/sea/index.html", "text/html; charset=utf-8", 60),
        ("/rss.xml", "rss.xml", "application/rss+xml", 300),
        ("/atom.xml", "atom.xml", "application/atom+xml", 300),
        ("/feed.json", "feed.json", "application/feed+json", 300),
    ],
)
async def test_files_are_served_with_their_headers(web: Any, path: str, name: str, media_type: str, age: int) -> None:
    """Each has its media type, validators and lifetime, varies by coding, and sets no cookie."""
    answer = await web.client.get(path, headers={"Accept-Encoding": "identity"})
    assert (answer.status_code, answer.content) == (200, (web.public / name).read_bytes())
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == f"public, max-age={age}"
    assert answer.headers["last-modified"] == LAST_MODIFIED
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"].startswith('"')
    assert not {"set-cookie", "content-encoding", "expires", "server"} & set(answer.headers)


async def test_picture_is_served_for_ever(web: Any) -> None:
    """It is called after its content, so it may be kept (RFC 8246); it is packed already."""
    (web.public / "images").mkdir()
    (web.public / "images/boat-0123456789ab.jpg").write_bytes(b"a boat")
    answer = await web.client.get("/images/boat-0123456789ab.jpg", headers={"Accept-Encoding": "br"})
    assert (answer.status_code, answer.content) == (200, b"a boat")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert not {"vary", "content-encoding"} & set(answer.headers)
    again = await web.client.get("/images/boat-0123456789ab.jpg", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert (await web.client.get("/images/")).status_code == 404


async def test_every_coding_is_the_same_content_under_its_own_tag(web: Any) -> None:
    """br, gzip and identity decode to the same bytes, carry different ETags, and answer only to their own."""
    plain = (web.public / "rss.xml").read_bytes()
    tags = {}
    for coding, decode in (("br", brotli.decompress), ("gzip", gzip.decompress), ("identity", bytes)):
        async with web.client.stream("GET", "/rss.xml", headers={"Accept-Encoding": coding}) as answer:
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])
        assert answer.headers.get("content-encoding", "identity") == coding
        assert int(answer.headers["content-length"]) == len(raw)
        assert decode(raw) == plain
        tags[coding] = answer.headers["etag"]
    assert len(set(tags.values())) == 3
    for coding in tags:
        for other, tag in tags.items():
            again = await web.client.get("/rss.xml", headers={"Accept-Encoding": coding, "If-None-Match": tag})
            assert again.status_code == (304 if other == coding else 200)


async def test_a_304_has_validators_and_no_body(web: Any) -> None:
    """RFC 9110 section 15.4.5: ETag, Cache-Control, Vary and Last-Modified, nothing about a body."""
    tag = (await web.client.get("/rss.xml")).headers["etag"]
    for headers in ({"If-None-Match": f'"x", W/{tag}'}, {"If-None-Match": "*"}, {"If-Modified-Since": LAST_MODIFIED}):
        answer = await web.client.get("/rss.xml", headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert (answer.headers["etag"], answer.headers["last-modified"]) == (tag, LAST_MODIFIED)
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert not {"content-type", "content-encoding"} & set(answer.headers)


async def test_if_none_match_wins_over_the_date(web: Any) -> None:
    """A tag that does not match brings the body, whatever the date says."""
    headers = {"If-None-Match": '"old"', "If-Modified-Since": LAST_MODIFIED}
    assert (await web.client.get("/rss.xml", headers=headers)).status_code == 200


async def test_a_failed_precondition_is_412(web: Any) -> None:
    """If-Match with another tag is refused."""
    assert (await web.client.get("/rss.xml", headers={"If-Match": '"old"'})).status_code == 412


async def test_head_has_the_headers_of_get_and_no_body(web: Any) -> None:
    """HEAD and GET differ in nothing but the body."""
    got, head = await web.client.get("/rss.xml"), await web.client.head("/rss.xml")
    assert head.content == b""
    assert {k: v for k, v in head.headers.items() if k != "date"} == {
        k: v for k, v in got.headers.items() if k != "date"
    }


async def test_range_is_ignored(web: Any) -> None:
    """A range brings the whole, as RFC 9110 allows."""
    answer = await web.client.get("/rss.xml", headers={"Range": "bytes=0-10"})
    assert answer.status_code == 200
    assert answer.content == (web.public / "rss.xml").read_bytes()
    assert "accept-ranges" not in answer.headers


async def test_no_acceptable_coding_is_406(web: Any) -> None:
    """A client that refuses every coding is told so."""
    answer = await web.client.get("/rss.xml", headers={"Accept-Encoding": "identity;q=0, *;q=0"})
    assert (answer.status_code, answer.headers["vary"]) == (406, "Accept-Encoding")


async def test_other_methods_are_405_with_allow(web: Any) -> None:
    """A file can be read, and nothing else."""
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = await web.client.request(method, "/rss.xml")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD"), method


async def test_a_folder_is_reached_with_its_slash(web: Any) -> None:
    """Without the slash a redirect for good, which keeps the query."""
    answer = await web.client.get("/sections/sea?page=2")
    assert (answer.status_code, answer.headers["location"]) == (301, "/sections/sea/?page=2")
    assert (await web.client.get("/sections/land")).status_code == 404


async def test_a_change_is_seen_by_the_next_request(web: Any) -> None:
    """New bytes and a new ETag at once, though the old ones were prepared; a file that goes is gone."""
    old = await web.client.get("/rss.xml")
    replace(web.public / "rss.xml", "<rss>new</rss>")
    new = await web.client.get("/rss.xml", headers={"If-None-Match": old.headers["etag"]})
    assert (new.status_code, new.text) == (200, "<rss>new</rss>")
    assert new.headers["etag"] != old.headers["etag"]
    (web.public / "rss.xml").unlink()
    assert (await web.client.get("/rss.xml")).status_code == 404


async def test_I7_equal_bytes_give_equal_tags_and_codings(web: Any) -> None:
    """A file written anew with the same content keeps its ETags: gzip holds no time."""
    headers = {"Accept-Encoding": "gzip"}
    first = await web.client.get("/rss.xml", headers=headers)
    replace(web.public / "rss.xml", first.text)
    assert (await web.client.get("/rss.xml", headers=headers)).headers["etag"] == first.headers["etag"]


async def test_what_lies_outside_or_is_hidden_is_not_there(web: Any) -> None:
    """Traversal, hidden files, odd bytes, sent as they are: 404 and never a byte of the file."""
    host, port = urlsplit(web.url).hostname, urlsplit(web.url).port
    for path in UNLAWFUL:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 404 "), path
        assert not {b"secret", b"half", b"{}"} & set(answer.partition(b"\r\n\r\n")[2].splitlines()), path


def test_paths_become_files_below_the_folder() -> None:
    """The mapping itself: slug pages, folders, and nothing unlawful."""
    assert file_for("/") == "index.html"
    assert file_for("/articles/tide") == "articles/tide.html"
    assert file_for("/sections/sea/") == "sections/sea/index.html"
    assert file_for("/sections/sea/rss.xml") == "sections/sea/rss.xml"
    assert [file_for(path) for path in ("", "x", "/a/../b", "/.a", "//b", "/a\\b", "/a\0", "/a\n")] == [None] * 8


async def test_the_page_for_lost_readers_is_a_page(web: Any) -> None:
    """An address that leads nowhere gets a 404 that people can read."""
    answer = await web.client.get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "There is nothing at this address" in answer.text


async def test_the_cache_keeps_within_its_bytes(tmp_path: Path) -> None:
    """However many files are asked for, the prepared bytes stay within the limit; each answer is still right."""
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text(f"{number} " * 100)
    (tmp_path / "big.txt").write_text("big " * 1000)

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nothing of this is behind")

    front = FileFront(tmp_path, behind, cache_bytes=1000)
    for name in [*(f"{number}.txt" for number in range(30)), "big.txt", "0.txt"]:
        assert await ask(front, f"/{name}") == (tmp_path / name).read_bytes()
    kept = [len(prepared.body) for prepared in front._cache.values()]
    assert front._size == sum(kept) <= 1000
    assert kept


async def test_requests_that_meet_share_one_preparation(tmp_path: Path) -> None:
    """A hundred requests for a feed that just changed cost one reading of it."""
    (tmp_path / "rss.xml").write_text("<rss/>" * 1000)

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nothing of this is behind")

    front = FileFront(tmp_path, behind)
    waiting = [asyncio.create_task(ask(front, "/rss.xml")) for _ in range(100)]
    await asyncio.sleep(0)
    assert len(front._under_way) == 1
    assert set(await asyncio.gather(*waiting)) == {b"<rss/>" * 1000}


async def ask(front: FileFront, path: str) -> bytes:
    """The body that the front gives for this path."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await front(scope, receive, send)
    return b"".join(message.get("body", b"") for message in sent)
