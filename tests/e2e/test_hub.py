"""Two whole Publishers: one pushes by its hub what the other takes as a source, through kills and restarts."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from tests.e2e.conftest import Site, free_port

READER = """
[site]
title = "The Reader"
url = "http://127.0.0.1:{port}"
[web]
port = {port}
[[source]]
kind = "feed"
url = "{feed}"
poll = "1d"
allow_private = true
"""


@dataclass
class Front:
    """A server before the first Publisher, as many have one: adds the links of hub and self; takes pings, as a hub."""

    upstream: str
    url: str = ""
    pings: list[dict[str, list[str]]] = field(default_factory=list)


@pytest.fixture
def front(site: Site) -> Iterator[Front]:
    found = Front(site.url)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = httpx.get(f"{found.upstream}/atom.xml").content
            self.send_response(200)
            self.send_header("content-type", "application/atom+xml")
            self.send_header("link", f'<{found.upstream}/hub>; rel="hub", <{found.upstream}/atom.xml>; rel="self"')
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            found.pings.append(parse_qs(self.rfile.read(int(self.headers["content-length"])).decode()))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def reader(tmp_path: Path, front: Front) -> Iterator[Site]:
    """A Publisher that takes the other's feed, and asks for it once a day."""
    root = tmp_path / "reader"
    (root / "config").mkdir(parents=True)
    made = Site(root, free_port())
    (root / "config/publisher.toml").write_text(READER.format(port=made.port, feed=f"{front.url}/atom.xml"))
    yield made
    for process in made.running:
        if process.poll() is None:
            process.kill()
            process.wait()


def drop(site: Site, title: str) -> None:
    path = site.root / "seeds" / f"{title.lower().replace(' ', '-')}.md"
    path.write_text(f"---\ntitle: {title}\n---\nThe text of {title}, with words of its own about the harbour.\n")


def test_what_one_publishes_the_other_has_at_once(site: Site, front: Front, reader: Site) -> None:
    """By push alone: the next poll is a day away. What changed while the first one was dead is pushed at its start."""
    site.configure(f'[hub]\nallow_private = true\nping = ["{front.url}/ping"]')
    publishing = site.start()
    reader.start()
    site.wait(lambda: site.json("status")["hub"]["subscriptions"] == 1, "the subscription")

    drop(site, "Ferry returns")
    site.wait(lambda: "Ferry returns" in site.get("/atom.xml").text, "the article in the feed")
    begun = time.monotonic()
    reader.wait(lambda: "Ferry returns" in reader.get("/atom.xml").text, "the pushed article")
    print(f"\nfrom one's feed to the other's: {time.monotonic() - begun:.2f} s")
    site.wait(lambda: {f"{site.url}/rss.xml", f"{site.url}/atom.xml"} <= {p["hub.url"][0] for p in front.pings}, "the pings")
    assert {tuple(ping) for ping in front.pings} == {("hub.mode", "hub.url")}

    site.stop(publishing, signal.SIGKILL)
    drop(site, "Tide turns")
    site.done("ingest")
    site.done("build")
    assert "Tide turns" in (site.root / "var/public/atom.xml").read_text()
    publishing = site.start()
    reader.wait(lambda: "Tide turns" in reader.get("/atom.xml").text, "what was written while nobody pushed")

    status = site.json("status")["hub"]
    assert (status["subscriptions"], status["failing"], status["troubles"]) == (1, 0, [])
    metrics = site.get("/metrics").text
    assert re.search(r'^publisher_hub_pushes_total\{outcome="delivered"\} [1-9]', metrics, re.MULTILINE)
    assert "publisher_hub_subscriptions 1.0" in metrics
    code, _ = site.stop(publishing)
    assert code == 0


def test_status_tells_who_fails_and_why(site: Site) -> None:
    """For a person too; the callback goes by its host."""
    site.configure("[hub]\nallow_private = true")
    site.start()
    form = {"hub.callback": "http://127.0.0.1:2/secret", "hub.mode": "subscribe", "hub.topic": f"{site.url}/rss.xml"}
    assert httpx.post(f"{site.url}/hub", data=form).status_code == 202
    site.wait(lambda: site.json("status")["hub"]["troubles"], "the failure")
    (trouble,) = site.json("status")["hub"]["troubles"]
    assert (trouble["what"], trouble["host"]) == ("verification", "127.0.0.1")
    assert "no answer" in trouble["reason"]
    told = site.done("status")
    assert "verification of rss.xml to 127.0.0.1: no answer" in told
    assert "secret" not in told
