"""The main job from outside: drop articles, follow the feeds, get the digest, leave."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import signal
import socket
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import feedparser
import httpx
import pytest
from aiosmtpd.controller import Controller

ARTICLE = "---\ntitle: {title}\nsection: News\ndate: 2026-11-20\n---\n\nThe council met on Friday and said so.\n"


def test_from_a_folder_to_feeds_pages_and_a_digest(site: Any) -> None:
    """Articles dropped into the folder stand in three valid feeds, on pages, and in the reader's digest."""
    rows = site.json("ingest")["documents"]
    assert len(rows) >= 12
    assert {row["status"] for row in rows} == {"added"}
    site.done("subscribers", "add", "reader@example.org", "--confirmed")
    site.start()
    for path in ("/rss.xml", "/atom.xml"):
        feed = feedparser.parse(site.get(path).content)
        assert not feed.bozo
        assert len(feed.entries) == len(rows)
        assert all(httpx.get(entry.link).status_code == 200 for entry in feed.entries)
    assert len(site.get("/feed.json").json()["items"]) == len(rows)
    inbox = site.wait(lambda: list((site.root / "var/inbox").glob("*.eml")), "the digest")
    assert len(inbox) == 1
    assert site.get("/inbox/").status_code == 200


def test_a_file_dropped_while_running_is_in_the_feed(site: Any) -> None:
    """A file renamed into place shows in the feed; renamed or edited later, it keeps its id."""
    site.start()
    _drop(site.root / "seeds/council.md", ARTICLE.format(title="Council meets"))
    first = site.wait(lambda: _entry(site, "Council meets"), "the article")
    (site.root / "seeds/council.md").rename(site.root / "seeds/renamed.md")
    _drop(site.root / "seeds/renamed.md", ARTICLE.format(title="Council meets again"))
    second = site.wait(lambda: _entry(site, "Council meets again"), "the new title")
    assert first.id == second.id
    assert _entry(site, "Council meets") is None


def test_stopped_and_started_again_nothing_is_done_twice(site: Any) -> None:
    """SIGTERM ends it with 0 within ten seconds; the next run picks up, publishes and sends nothing again."""
    site.done("ingest")
    site.done("subscribers", "add", "reader@example.org", "--confirmed")
    process = site.start()
    inbox = site.root / "var/inbox"
    site.wait(lambda: list(inbox.glob("*.eml")), "the digest")
    status, seconds = site.stop(process)
    assert (status, seconds < 10) == (0, True), site.output()
    before = _state(site)
    process = site.start()
    site.wait(lambda: site.output().count("Ctrl-C stops it") == 2, "the second start summary")
    assert site.stop(process, signal.SIGINT)[0] == 0
    assert _state(site) == before
    assert "Traceback" not in site.output()
    assert {row["status"] for row in site.json("ingest")["documents"]} <= {"unchanged"}


def test_a_second_service_on_the_same_store_is_refused(site: Any) -> None:
    """It says in one line who is running already, and ends with 1."""
    process = site.start()
    second = site.command("run")
    assert second.returncode == 1
    assert f"process {process.pid}" in second.stderr
    assert second.stderr.count("\n") == 1


def test_a_taken_port_is_one_clear_line(site: Any) -> None:
    """The address that is taken stands in the line."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", site.port))
        other.listen()
        result = site.command("run")
    assert result.returncode == 1
    assert str(site.port) in result.stderr
    assert "Traceback" not in result.stderr


def test_digest_by_smtp_and_one_click(site: Any) -> None:
    """A digest by real SMTP has both parts with all links; GET changes nothing, one-click POST unsubscribes."""
    server = _Mailbox()
    controller = Controller(server, hostname="127.0.0.1", port=_free_port())
    controller.start()
    try:
        site.configure(_smtp(controller.port))
        site.done("ingest")
        site.done("subscribers", "add", "reader@example.org", "--confirmed")
        site.start()
        message = site.wait(lambda: server.messages, "the digest")[0]
    finally:
        controller.stop()
    assert message.get_content_type() == "multipart/alternative"
    text, html = (part.get_content() for part in message.iter_parts())
    unsubscribe = str(message["List-Unsubscribe"]).strip("<> ")
    links = set(re.findall(rf"{re.escape(site.url)}/articles/[\w-]+", text))
    assert len(links) == 10
    for link in (*links, unsubscribe):
        assert link in text
        assert link in html
    assert httpx.get(unsubscribe).status_code == 200
    assert _states(site) == ["active"]
    assert httpx.post(unsubscribe, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert _states(site) == ["unsubscribed"]


def test_a_mail_server_that_is_down_loses_nobody(site: Any) -> None:
    """The service goes on, says why, and sends when the server is back."""
    port = _free_port()
    site.configure(_smtp(port))
    site.done("ingest")
    site.done("subscribers", "add", "reader@example.org", "--confirmed")
    result = site.command("digest", "send", "daily")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert [row["state"] for row in site.json("outbox", "list")["deliveries"]] in (["queued"], ["deferred"])
    server = _Mailbox()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        site.start()
        site.wait(lambda: server.messages, "the digest")
    finally:
        controller.stop()
    assert site.wait(
        lambda: [row["state"] for row in site.json("outbox", "list")["deliveries"]] == ["accepted"], "the ledger"
    )


def test_a_send_by_hand_that_is_stopped_leaves_nothing_in_doubt(site: Any) -> None:
    """Ctrl-C while a message is on the wire: it is finished and recorded, and nothing else begins."""
    server = _Slow()
    controller = Controller(server, hostname="127.0.0.1", port=_free_port())
    controller.start()
    try:
        site.configure(_smtp(controller.port) + "\nconnections = 1")
        site.done("ingest")
        for number in range(2):
            site.done("subscribers", "add", f"reader{number}@example.org", "--confirmed")
        process = site.spawn("digest", "send", "daily")
        site.wait(lambda: server.begun, "the first message")
        assert site.stop(process, signal.SIGINT)[0] == 1
    finally:
        controller.stop()
    assert "Traceback" not in site.output()
    states = sorted(row["state"] for row in site.json("outbox", "list")["deliveries"])
    assert states == ["accepted", "queued"]


def test_preview_sends_nothing(site: Any) -> None:
    """Preview writes HTML, text and .eml and leaves the ledger empty."""
    site.done("ingest")
    files = [site.root / file for file in site.json("digest", "preview", "daily", "--out", "look")["files"]]
    assert [file.suffix for file in files] == [".html", ".txt", ".eml"]
    assert all(file.stat().st_size > 500 for file in files)
    assert site.json("outbox", "list")["deliveries"] == []


@pytest.mark.parametrize("words", [("run",), ("ingest",), ("status",)])
def test_a_wrong_key_stops_every_command(site: Any, words: tuple[str, ...]) -> None:
    """Exit status 2 and a line with the key's full name."""
    site.configure('[mail]\nhots = "x"')
    result = site.command(*words)
    assert result.returncode == 2
    assert "mail.hots: unknown key" in result.stderr
    assert "Traceback" not in result.stderr


def test_status_tells_what_stands(site: Any) -> None:
    """`status` has one JSON document with articles, readers, outbox."""
    site.done("ingest")
    facts = site.json("status")
    assert facts["articles"]["live"] >= 12
    assert facts["service"] is None


class _Mailbox:
    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 2.0.0 taken"


class _Slow:
    def __init__(self) -> None:
        self.begun = 0

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:
        self.begun += 1
        await asyncio.sleep(1)
        return "250 2.0.0 taken"


def _smtp(port: int) -> str:
    return f'[mail]\ntransport = "smtp"\nsender = "The Test <test@example.org>"\nport = {port}'


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _drop(path: Path, text: str) -> None:
    """As a careful program does: written beside, then renamed into place."""
    temporary = path.parent / f".{path.name}.part"
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(path)


def _entry(site: Any, title: str) -> Any:
    feed = feedparser.parse(site.get("/atom.xml").content)
    return next((entry for entry in feed.entries if entry.title == title), None)


def _state(site: Any) -> dict[str, object]:
    public = site.root / "var/public"
    return {
        "files": {str(f): (f.stat().st_mtime_ns, f.stat().st_ino) for f in public.rglob("*") if f.is_file()},
        "inbox": sorted(f.name for f in (site.root / "var/inbox").glob("*.eml")),
        "articles": site.json("articles", "list")["articles"],
        "outbox": site.json("outbox", "list")["deliveries"],
    }


def _states(site: Any) -> list[str]:
    return [row["state"] for row in site.json("subscribers", "list")["subscribers"]]
