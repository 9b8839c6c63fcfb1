"""The guarded client, against a real server that misbehaves in every way it can think of."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from publisher import hosts, http
from publisher.errors import FetchError
from publisher.hosts import is_public
from publisher.http import Limits, fetch

QUICK = Limits(body=100_000, total=10.0, idle=3.0, redirects=3)


async def get(url: str, **more: Any) -> http.Fetched:
    return await fetch(url, **{"limits": QUICK, "allow_private": True, **more})


# --- what comes back -------------------------------------------------------------------------------------------------


async def test_answer_carries_status_headers_and_body(peer: Any) -> None:
    """And the request says who asks, and what it was given to say; no cookies, no more than that."""
    peer.say("/feed?a=1", "hello", ETag='"x"', Set_Cookie="a=b")
    got = await get(f"{peer.url}/feed?a=1", headers={"If-None-Match": '"old"'})
    assert (got.status, got.body, got.headers["etag"], got.url, got.moved) == (
        200, b"hello", '"x"', f"{peer.url}/feed?a=1", "",
    )
    (asked,) = peer.asked("/feed?a=1")
    assert asked["if-none-match"] == '"old"'
    assert asked["user-agent"].startswith("Publisher")
    assert asked["host"] == peer.url.removeprefix("http://")
    assert "cookie" not in asked


@pytest.mark.parametrize("status", [304, 404, 410, 429, 500])
async def test_body_of_other_answers_is_left_unread(peer: Any, status: int) -> None:
    """The status and the headers are what counts."""
    peer.say("/", "" if status == 304 else "long " * 50_000, status=status, Retry_After="120")
    got = await get(peer.url + "/")
    assert (got.status, got.body, got.headers["retry-after"]) == (status, b"", "120")


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data, wbits=-15)), ("identity", bytes),
    ],
)
async def test_compressed_body_is_inflated(peer: Any, coding: str, pack: Any) -> None:
    """In the codings that were asked for, the sloppy form of deflate too."""
    text = b"hello " * 10_000
    peer.say("/", pack(text), Content_Encoding=coding)
    assert (await get(peer.url + "/")).body == text


async def test_body_of_any_success_is_read_where_it_is_wanted(peer: Any) -> None:
    """With no limit at all it stays on the wire; a redirect that is not followed is an answer like others."""
    peer.say("/", "hello", status=203)
    assert (await get(peer.url + "/")).body == b"hello"
    assert (await get(peer.url + "/", limits=Limits(body=0))).body == b""
    peer.say("/", "away", status=302, Location="/there")
    got = await get(peer.url + "/", limits=Limits(redirects=0))
    assert (got.status, got.body, got.headers["location"]) == (302, b"", "/there")
    assert peer.asked("/there") == []


# --- limits ----------------------------------------------------------------------------------------------------------


async def test_large_body_is_refused_by_its_length(peer: Any) -> None:
    """Before a byte of it is read."""
    peer.say("/", b"x", Content_Length="50000000")
    with pytest.raises(FetchError, match=r"too large: the limit is 0\.1 MB"):
        await get(peer.url + "/")


async def test_endless_body_is_cut_off(peer: Any) -> None:
    """At the limit, whatever the server means to send."""
    sent = 0

    async def act(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 50_000)
            sent += 50_000
            await writer.drain()

    peer.acts["/"] = act
    with pytest.raises(FetchError, match="too large"):
        await get(peer.url + "/")
    assert sent < 20_000_000  # what the buffers between the two hold


@pytest.mark.parametrize("wbits", [31, 15, -15])
async def test_gzip_bomb_takes_no_memory(peer: Any, wbits: int) -> None:
    """200 MB in 200 kB: given up at the limit, inflated no further."""
    packer = zlib.compressobj(9, wbits=wbits)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    peer.say("/", bomb, Content_Encoding="gzip" if wbits == 31 else "deflate")
    tracemalloc.start()
    with pytest.raises(FetchError, match="too large"):
        await get(peer.url + "/", limits=Limits(body=1_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("body", "coding", "reason"),
    [
        (b"plain text, no gzip at all, none", "gzip", "damaged"),
        (gzip.compress(b"hello " * 1000, mtime=0)[:-20], "gzip", "ends before its end"),
        (b"x", "br", "content coding 'br'"), (b"x", "gzip, gzip", "content coding"),
    ],
)
async def test_body_that_cannot_be_inflated_is_refused(peer: Any, body: bytes, coding: str, reason: str) -> None:
    """With its reason."""
    peer.say("/", body, Content_Encoding=coding)
    with pytest.raises(FetchError, match=reason):
        await get(peer.url + "/")


async def test_slow_drip_meets_the_limit_of_the_whole(peer: Any) -> None:
    """A byte now and then keeps no connection open beyond the time of the whole fetch."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    peer.acts["/"] = act
    with pytest.raises(FetchError, match=r"longer than 0\.6 seconds"):
        await get(peer.url + "/", limits=Limits(total=0.6, idle=0.5))


async def test_silence_is_a_failure(peer: Any) -> None:
    """Before the answer, and in its middle."""

    async def silence(_writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(5)

    for act in (silence, half):
        peer.acts["/"] = act
        with pytest.raises(FetchError, match="fell silent"):
            await get(peer.url + "/", limits=Limits(total=2.0, idle=0.2))


async def test_what_is_no_http_is_a_failure(peer: Any) -> None:
    """Nonsense, an answer that stops short, headers without end, nobody at the port."""

    async def nonsense(writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")

    async def short(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")

    async def headers(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(200):
            writer.write(b"x-more: " + b"y" * 5000 + b"\r\n")
            await writer.drain()

    for act in (nonsense, short, headers):
        peer.acts["/"] = act
        with pytest.raises(FetchError, match=r"no HTTP|connection broke"):
            await get(peer.url + "/")
    with pytest.raises(FetchError, match="no connection"):
        await get("http://127.0.0.1:2/")


# --- forms ------------------------------------------------------------------------------------------------------------


async def test_form_is_posted(form_peer: FormPeer) -> None:
    """Url-encoded, with the same guard; redirects that keep the form are followed, others are the answer."""
    form_peer.answers = {"/old": (308, "/new"), "/temporary": (307, "/new"), "/other": (303, "/new"), "/new": (202, "")}
    for path, status in (("/new", 202), ("/old", 202), ("/temporary", 202), ("/other", 303)):
        got = await http.post(form_peer.url + path, {"a": "ä b", "c": "&"}, limits=QUICK, allow_private=True)
        assert got.status == status
        assert form_peer.bodies[-1] == b"a=%C3%A4+b&c=%26"
    assert form_peer.lines == [
        "POST /new", "POST /old", "POST /new", "POST /temporary", "POST /new", "POST /other",
    ]
    with pytest.raises(FetchError, match="no public address"):
        await http.post(form_peer.url + "/new", {"a": "b"}, limits=QUICK)
    assert len(form_peer.lines) == 6


async def test_bytes_are_posted_as_they_are(form_peer: FormPeer) -> None:
    """Under the headers given; where no redirect is to be followed, it is the answer."""
    form_peer.answers = {"/new": (202, ""), "/old": (308, "/new")}
    data = bytes(range(256))
    for path, status in (("/new", 202), ("/old", 308)):
        got = await http.post_bytes(
            form_peer.url + path, data, headers={"Content-Type": "a/b"}, limits=Limits(redirects=0), allow_private=True
        )
        assert got.status == status
        assert form_peer.bodies[-1] == data
    assert form_peer.lines == ["POST /new", "POST /old"]


class FormPeer:
    """A server that keeps what is posted."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, tuple[int, str]] = {}
        self.lines: list[str] = []
        self.bodies: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r")[0])
        self.bodies.append(await reader.readexactly(length))
        method, path, _ = head.split(" ", 2)
        self.lines.append(f"{method.upper()} {path}")
        status, location = self.answers[path]
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nlocation: {location}\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def form_peer() -> AsyncIterator[FormPeer]:
    found = FormPeer()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield found
    server.close()
    await server.wait_closed()


# --- redirects -------------------------------------------------------------------------------------------------------


async def test_permanent_redirects_are_told_as_far_as_they_lead(peer: Any) -> None:
    """301 and 308 from the start; what comes after a temporary one is not for ever."""
    peer.say("/a", status=301, Location="/b")
    peer.say("/b", status=308, Location=f"{peer.url}/c")
    peer.say("/c", status=302, Location="/d")
    peer.say("/d", status=301, Location="/e")
    peer.say("/e", "there")
    got = await get(f"{peer.url}/a", limits=Limits())
    assert (got.body, got.url, got.moved) == (b"there", f"{peer.url}/e", f"{peer.url}/c")
    got = await get(f"{peer.url}/c", limits=Limits())
    assert (got.body, got.moved) == (b"there", "")


async def test_redirects_without_end_are_given_up(peer: Any) -> None:
    """In a circle, and in a line that is too long."""
    peer.say("/a", status=302, Location="/b")
    peer.say("/b", status=302, Location="/a")
    with pytest.raises(FetchError, match="in a circle"):
        await get(f"{peer.url}/a")
    for number in range(9):
        peer.say(f"/{number}", status=302, Location=f"/{number + 1}")
    with pytest.raises(FetchError, match="too often"):
        await get(f"{peer.url}/0")
    assert len([path for path, _ in peer.requests if path[1:].isdigit()]) == 4


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://a.example/", "gopher://a.example/", "http://u:p@a.example/"])
async def test_redirect_to_what_is_never_fetched_is_refused(peer: Any, location: str) -> None:
    """Each hop is looked at like the first."""
    peer.say("/", status=301, Location=location)
    with pytest.raises(FetchError) as caught:
        await get(peer.url + "/")
    assert caught.value.refused


# --- addresses that are refused --------------------------------------------------------------------------------------

INSIDE = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/",
    "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.1./", "http://0/", "http://0.0.0.0/",
    "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[fe80::1]/", "http://[fc00::1]/", "http://[ff02::1]/",
    "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://10.0.0.1/", "http://172.16.0.1/",
    "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://224.0.0.1/",
    "http://255.255.255.255/", "http://240.0.0.1/", "http://192.0.2.1/", "http://198.18.0.1/", "http://1.2.3/",
    "http://3232235777/", "https://127.0.0.1/", "http://127.0.0.1:8000/", "http://me@127.0.0.1/", "http://①②⑦.⓪.⓪.①/",
    "file:///etc/passwd", "ftp://example.org/", "//example.org/", "example.org", "http://", "http://:80/", "http://[::1/",
    "http://a.example:0/", "http://a.example:22/", "https://a.example:25/", "http://a.example:6667/", "http://a.example:10080/",
    "gopher://a.example/", "dict://a.example:11211/", "data:text/xml,<rss/>", "blob:https://a.example/x", "http://[::ffff:10.0.0.1]:8080/", "http://[::ffff:c0a8:1]/",
    "http://a.example:99999/", "javascript:alert(1)", "",
]


@pytest.mark.parametrize("url", INSIDE)
async def test_address_that_leads_inside_is_refused(url: str) -> None:
    """However it is written; the reason says why, and that it is for good."""
    with pytest.raises(FetchError) as caught:
        await fetch(url, limits=QUICK)
    assert caught.value.refused or "not known" in str(caught.value) or "no address" in str(caught.value)
    assert str(caught.value)


async def test_nothing_inside_is_ever_connected_to(peer: Any) -> None:
    """Not by its address, not by a name, not through a redirect: no request arrives."""
    port = peer.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"):
        with pytest.raises(FetchError) as caught:
            await fetch(f"http://{host}:{port}/", limits=QUICK)
        assert caught.value.refused, host
    assert peer.requests == []


async def test_redirect_to_the_inside_is_refused(peer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public server may send whoever asks to a private one: the second hop is judged like the first."""
    monkeypatch.setattr(hosts, "is_public", lambda address: str(address) == "127.0.0.1")
    peer.say("/", status=301, Location=peer.url.replace("127.0.0.1", "127.0.0.2") + "/inside")
    with pytest.raises(FetchError, match=r"127\.0\.0\.2, which is no public address"):
        await fetch(peer.url + "/", limits=QUICK)
    assert [path for path, _ in peer.requests] == ["/"]


async def test_name_is_resolved_once(peer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was judged: a name that answers differently next time gains nothing."""
    loop = asyncio.get_running_loop()
    asked: list[str] = []
    real = loop.getaddrinfo

    async def rebinding(host: Any, port: Any, **more: Any) -> Any:
        asked.append(host)
        return await real("127.0.0.1" if len(asked) == 1 else "127.0.0.3", port, **more)

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    peer.say("/", "hello")
    got = await get(f"http://rebinding.example:{peer.url.rpartition(':')[2]}/")
    assert got.body == b"hello"
    assert peer.asked("/")[0]["host"].startswith("rebinding.example:")
    assert [name for name in asked if name == "rebinding.example"] == ["rebinding.example"]


async def test_name_with_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no public name."""

    async def both(_host: Any, port: Any, **_more: Any) -> Any:
        return [(2, 1, 6, "", ("93.184.216.34", port)), (2, 1, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    with pytest.raises(FetchError, match=r"10\.0\.0\.1, which is no public address"):
        await fetch("http://both.example/", limits=QUICK)


async def test_json_is_posted_and_posted_again_where_it_is_sent_on(peer: Any) -> None:
    """By 307 and 308 only; what the answer says is not followed otherwise."""
    bodies = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        bodies.append((head.split(b" ")[1], head.lower().count(b"application/json"), await reader.readexactly(length)))
        status = {b"/kept": b"308 Moved", b"/lost": b"303 Other"}.get(bodies[-1][0], b"204 Taken")
        writer.write(b"HTTP/1.1 " + status + b"\r\nlocation: /here\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    statuses = [
        (await http.post_json(f"{base}/{path}", {"a": "ü"}, limits=QUICK, allow_private=True)).status
        for path in ("here", "kept", "lost")
    ]
    server.close()
    await server.wait_closed()
    assert statuses == [204, 204, 303]
    assert [path for path, *_ in bodies] == [b"/here", b"/kept", b"/here", b"/lost"]
    assert {(json, body) for _, json, body in bodies} == {(1, '{"a":"ü"}'.encode())}
    with pytest.raises(FetchError):
        await http.post_json(f"{base}/here", {}, limits=QUICK)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1:248:1893:25c8:1946", True), ("64:ff9b::5db8:d822", True),
        ("::ffff:93.184.216.34", True), ("2002:5db8:d822::1", True), ("64:ff9b::a00:1", False),
        ("192.88.99.1", False), ("64:ff9b:1::1", False), ("2001::1", False), ("3fff::1", False), ("5f00::1", False),
        ("2002:a00:1::1", False), ("fe80::1%eth0", False), ("2001:db8::1", False), ("192.0.0.8", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    """What carries an IPv4 address is judged by that one."""
    assert is_public(ipaddress.ip_address(address)) is public
