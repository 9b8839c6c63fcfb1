"""Feeds: what one article costs in archives of two sizes, a burst, serving beside nginx, and from drop to feed.

PUBLISHER_ARCHIVE: articles in the large archive (100,000 where it is not set; a million takes long to make).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

import material
from lxml import etree

from publisher import output
from publisher.config import Settings
from publisher.feeds.collect import collect
from publisher.feeds.pieces import Pieces
from publisher.feeds.publish import publish as publish_feeds
from publisher.model import SITE_LISTING, Article
from publisher.site.publish import publish as publish_pages
from publisher.store import archive, articles, listings
from publisher.store.engine import Store, open_store
from publisher.templating import Templates

Row = Callable[..., None]
SMALL, LARGE = 1_000, int(os.environ.get("PUBLISHER_ARCHIVE", "100000"))
ROUNDS, DROPS, BURST = 25, 200, 1_000
SECONDS = 3


class Archive:
    """A store of so many articles, its files as if all of them were written."""

    def __init__(self, root: Path, size: int) -> None:
        self.root, self.size, self.kept, self.templates = root, size, Pieces(), Templates()
        self.settings = Settings(root=root)
        self.store: Store

    async def open(self) -> None:
        """Makes it. Files of old articles are left out: nobody asks whether they are there."""
        self.root.mkdir()
        self.store = await open_store("sqlite:///publisher.db", root=self.root)
        await self.publish()
        await material.fill(self.store, self.size)
        ripe = True
        while ripe:
            async with self.store.write() as tx:
                await archive.seal(tx, self.settings.feeds.items)
                ripe = await archive.ripe(tx, self.settings.feeds.items)
        async with self.store.read() as tx:
            newest = await articles.max_change(tx)
            names = "\n".join(f"{slug} {name}" for slug, name in await articles.sections(tx))
        public = self.settings.path(self.settings.output.directory)
        for path in (public / output.PRIVATE).glob("*.json"):
            mark = json.loads(path.read_bytes())
            shared = names if path.stem == "site" else ""
            output.write_mark(public, path.stem, output.Mark(newest, mark["fingerprint"], shared))
        for _ in range(3):  # the lists that stand in memory of a running service
            await self.one_more()

    async def publish(self) -> None:
        async def meanwhile() -> None:
            await publish_feeds(self.store, self.settings, kept=self.kept)

        await publish_pages(self.store, self.settings, self.templates, meanwhile=meanwhile)

    async def one_more(self) -> tuple[float, float]:
        """CPU and wall seconds of publishing one article more."""
        await material.fill(self.store, 1, begin=self.size)
        self.size += 1
        cpu, wall = time.process_time(), time.perf_counter()
        await self.publish()
        return time.process_time() - cpu, time.perf_counter() - wall


async def one_article(root: Path, row: Row) -> None:
    """Turn about, so that both meet the same machine."""
    small, large = Archive(root / "small", SMALL), Archive(root / "large", LARGE)
    for each in (small, large):
        await each.open()
    took = [(await small.one_more(), await large.one_more()) for _ in range(ROUNDS)]
    for at, what in ((0, "CPU"), (1, "wall")):
        one, other = (median(pair[n][at] for pair in took) for n in (0, 1))
        row(
            f"one article published at {SMALL:,} / {LARGE:,} articles, {what}", f"{one * 1000:.0f} / {other * 1000:.0f} ms",
            f"ratio {other / one:.2f}, budget 1.2",
        )
    await material.fill(large.store, BURST, begin=large.size)
    cpu, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = await publish_feeds(large.store, large.settings, kept=large.kept)
    took_cpu = time.process_time() - cpu
    lists = 1 + 4 + 28 + 28
    row(f"a burst of {BURST:,} articles into the feeds, CPU", f"{took_cpu:.2f} s", f"{report.written:,} files written, each once ({lists} lists)")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row("resident memory, before and after the burst", f"{before // 1024} / {after // 1024} MB")
    for each in (small, large):
        await each.store.close()


async def fifty(root: Path, row: Row) -> None:
    """The site's feeds of 50 entries: made anew, and made again after one change, beside one plain lxml document."""
    settings = Settings(root=root)
    store = await open_store("sqlite:///publisher.db", root=root)
    await material.fill(store, 50)
    async with store.read() as tx:
        places, found = await listings.places(tx, SITE_LISTING, 50), await articles.newest(tx, 50)
        cold = warm = plain = 0.0
        for _ in range(20):
            kept = Pieces()
            for name in ("cold", "warm"):
                begun = time.process_time()
                await collect(tx, settings, kept, SITE_LISTING, places, "")
                took = time.process_time() - begun
                cold, warm = (cold + took, warm) if name == "cold" else (cold, warm + took)
            begun = time.process_time()
            _plain(found)
            plain += time.process_time() - begun
    await store.close()
    row("50 entries in 3 formats: all anew / entries made before, CPU", f"{cold / 20 * 1000:.1f} / {warm / 20 * 1000:.1f} ms", f"plain lxml, one Atom feed: {plain / 20 * 1000:.1f} ms; {warm / plain:.2f} of it")


def _plain(found: list[Article]) -> bytes:
    root = etree.Element("feed", nsmap={None: "http://www.w3.org/2005/Atom"})
    for item in found:
        entry = etree.SubElement(root, "entry")
        for name, value in (("id", item.id), ("title", item.title), ("updated", item.updated_at.isoformat()), ("content", item.content_html)):
            etree.SubElement(entry, name).text = value
    made: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return made


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Running:
    """`publisher run` on a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.port = root, _free_port()
        (root / "in").mkdir(parents=True)
        (root / "publisher.toml").write_text(
            f'[web]\nport = {self.port}\n[[source]]\nkind = "folder"\npath = "in"\n[log]\nlevel = "error"\n'
        )
        program = Path(sys.executable).with_name("publisher")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PUBLISHER_")}
        self.process = subprocess.Popen(
            [program, "--config", root / "publisher.toml", "run"], stdout=subprocess.DEVNULL, env=environment
        )
        for _ in range(600):
            with suppress(OSError):
                self.get("/rss.xml")
                return
            time.sleep(0.1)
        raise RuntimeError("the service does not answer")

    def get(self, path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            body: bytes = answer.read()
            return body

    def drop(self, number: int) -> float:
        """Seconds from the rename of a document into its place until it is in the feed."""
        words = f"Marker{number}x{time.time_ns()}"
        hidden = self.root / f"{number}.part"
        hidden.write_text(f"---\ntitle: {words}\nsection: News\n---\n\n" + "A paragraph of a story.\n\n" * 30)
        begun = time.perf_counter()
        hidden.rename(self.root / "in" / f"{number}.md")
        while words.encode() not in self.get("/rss.xml"):
            time.sleep(0.004)
        return time.perf_counter() - begun

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def from_drop_to_feed(root: Path, row: Row) -> None:
    """200 times, the service idle but for them."""
    running = Running(root)
    try:
        took = sorted(running.drop(number) for number in range(DROPS))
    finally:
        running.close()
    row(f"from drop to feed over HTTP, {DROPS} times, median / p95", f"{median(took):.3f} / {took[int(DROPS * 0.95)]:.3f} s", "of which the file settles 0.200; budget p95 0.5")


def beside_nginx(root: Path, row: Row) -> None:
    """Requests a second by wrk, turn about."""
    if shutil.which("nginx") is None or shutil.which("wrk") is None:
        row("requests for the feed beside nginx", "-", "install nginx and wrk")
        return
    running = Running(root)
    port = _free_port()
    for number in range(50):
        running.drop(number)
    config = root / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {root}/nginx.pid; error_log {root}/error.log;\n"
        f"events {{ worker_connections 256; }}\nhttp {{ access_log off; client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; "
        f"fastcgi_temp_path {root}/t3; uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5; sendfile on; open_file_cache max=100; "
        f"types {{ application/rss+xml xml; }} server {{ listen 127.0.0.1:{port}; root {root}/var/public; }} }}\n"
        + ("user root;\n" if os.getuid() == 0 else "")
    )
    nginx = subprocess.Popen(["nginx", "-c", config], stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        with urlopen(f"http://127.0.0.1:{running.port}/rss.xml") as answer:
            tag, size = answer.headers["etag"], len(answer.read())
        with urlopen(f"http://127.0.0.1:{port}/rss.xml") as answer:
            tag_there = answer.headers["etag"]
        for what, ours, theirs in (("the feed", [], []), ("the feed, unchanged", [f"If-None-Match: {tag}"], [f"If-None-Match: {tag_there}"])):
            rates = [(_wrk(running.port, ours), _wrk(port, theirs)) for _ in range(3)]
            mine, other = median(r[0] for r in rates), median(r[1] for r in rates)
            row(f"requests for {what} ({size // 1000} kB), nginx", f"{mine:,.0f} / {other:,.0f}/s", f"{mine / other:.2f} of nginx, budget 0.5")
        status = (Path("/proc") / str(running.process.pid) / "status").read_text()
        row("resident memory of the service", re.search(r"VmRSS:\s+(\d+)", status)[1][:-3] + " MB")  # type: ignore[index]  # it is there
    finally:
        nginx.terminate()
        nginx.wait()
        running.close()


def _wrk(port: int, headers: list[str]) -> float:
    command: list[Any] = ["wrk", "-t1", "-c8", f"-d{SECONDS}s", *(part for h in headers for part in ("-H", h))]
    told = subprocess.run([*command, f"http://127.0.0.1:{port}/rss.xml"], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]  # wrk always tells


def run(row: Row, wanted: list[str]) -> None:
    """What is named: article, fifty, drop, nginx."""
    for name, work in (("article", one_article), ("fifty", fifty), ("drop", from_drop_to_feed), ("nginx", beside_nginx)):
        if name in wanted:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder) / "site"
                if asyncio.iscoroutinefunction(work):
                    root.mkdir()
                    asyncio.run(work(root, row))
                else:
                    work(root, row)

