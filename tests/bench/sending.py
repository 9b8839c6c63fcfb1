"""Sending, side by side in one run: smtp-source, the plain way, and the mailer, against smtp-sink on loopback.

    sending.py [MESSAGES]     20,000 where nothing is said
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from statistics import median
from uuid import uuid4

import aiosmtplib
import dkim
import material
import sending_parts
import uvloop

from publisher import log
from publisher.config import Settings
from publisher.crypto import load_keys
from publisher.digest.plan import plan
from publisher.mail.crew import Crew
from publisher.mail.deliver import deliver
from publisher.mail_settings import Dkim, Mail
from publisher.settings import Newsletter, Site, StoreSettings
from publisher.store.engine import Store, open_store
from publisher.templating import Templates

CONNECTIONS = 8
STORIES = 40
#: Of the machine; the server has one of them nearly for itself.
CORES = 2
#: Of the plain way, which needs no more to show its pace.
PLAIN = 400
ADDRESS = "1 Bench Street"
STORE = "sqlite:///publisher.db"


@dataclass(frozen=True)
class Measured:
    """One way of sending."""

    name: str
    #: Messages a second.
    rate: float
    #: CPU of the sender and its children, milliseconds a message; 0: not measured.
    cpu: float = 0.0
    #: Peak resident memory, MB; of the first process, and of the largest of the others.
    memory: tuple[float, float] = (0.0, 0.0)
    #: CPU of smtp-sink, milliseconds a message.
    sink: float = 0.0


@dataclass(frozen=True)
class Sink:
    """The server."""

    port: int
    process: int


@contextmanager
def sink() -> Iterator[Sink]:
    """smtp-sink on a free port of loopback, as nobody; stopped at the end, whatever happens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([_program("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Sink(port, process.pid)
    finally:
        process.kill()
        process.wait()


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        sys.exit(f"{name} is missing; it is in Debian's package postfix")
    return found


def _wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("smtp-sink did not start")


def smtp_source(port: int, count: int, size: int) -> Measured:
    """Postfix's own load generator: no content, no ledger, no signature."""
    command = [_program("smtp-source"), "-s", str(CONNECTIONS), "-l", str(size), "-m", str(count), "-d",
               "-f", "a@example.org", "-t", "b@example.org", f"127.0.0.1:{port}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run(command, check=True, timeout=600)
    took = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(f"smtp-source, {CONNECTIONS} sessions, {size // 1000} kB", count / took, cpu / count * 1000)


async def plain_way(port: int, html: str, text: str, key: bytes) -> Measured:
    """EmailMessage, dkimpy and aiosmtplib as their manuals show them, over as many connections."""

    def made(number: int) -> bytes:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@example.org", f"r{number}@example.org", "News"
        message["List-Unsubscribe"] = f"<https://bench.example.org/u/{number:020}>"
        message.set_content(text.replace("NUMBER", str(number)))
        message.add_alternative(html.replace("NUMBER", str(number)), subtype="html")
        raw = message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        signed: bytes = dkim.sign(raw, b"s1", b"example.org", key)
        return signed + raw

    async def connection() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as client:
            for number in range(PLAIN // CONNECTIONS):
                await client.sendmail("a@example.org", [f"r{number}@example.org"], made(number))

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    took = time.perf_counter() - begun
    return Measured("EmailMessage, dkimpy, stock aiosmtplib", PLAIN / took, (time.process_time() - cpu) / PLAIN * 1000)


def settings_for(root: Path, port: int, *, processes: int, signed: bool) -> Settings:
    key = Dkim(domain="example.org", selector="s1", key_file=root / "dkim.pem") if signed else None
    return Settings(
        root=root, store=StoreSettings(url=STORE), site=Site(url="https://bench.example.org", postal_address=ADDRESS),
        newsletter=(Newsletter(name="daily", welcome=False),),
        mail=Mail(transport="smtp", port=port, sender="Bench <bench@example.org>", connections=CONNECTIONS,
                  processes=processes, dkim=key),
    )


async def mailer(root: Path, port: int, *, processes: int, signed: bool) -> Measured:
    """One edition to all readers of the store in `root`."""
    settings = settings_for(root, port, processes=processes, signed=signed)
    store = await open_store(STORE, root=root)
    templates, keys = Templates(), load_keys(root / "keys.json")
    crew = Crew()  # a service has its processes before there is work
    try:
        await crew.ready(settings)
        await plan(store, settings, templates, now=datetime.now(UTC), manual=uuid4().hex, newsletter="daily")
        before = _cpu()
        begun = time.perf_counter()
        report = await deliver(
            store, settings, templates, keys, now=lambda: datetime.now(UTC), stop=asyncio.Event(), crew=crew
        )
        took = time.perf_counter() - begun
        cpu = _cpu() - before
        memory = (_memory(os.getpid()), max(map(_memory, _senders()), default=0.0))
        await _ready_again(store)
    finally:
        await crew.close()
        await store.close()
    assert report.accepted, report
    words = f"the mailer, {'signed' if signed else 'unsigned'}, {processes} process{'es' if processes > 1 else ''}"
    return Measured(words, report.accepted / took, cpu / report.accepted * 1000, memory)


def _cpu() -> float:
    """Seconds of this process and of the sender processes that it started and that still run."""
    ours = resource.getrusage(resource.RUSAGE_SELF)
    return ours.ru_utime + ours.ru_stime + sum(map(cpu_of, _senders()))


def _senders() -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = (stat.parent / "cmdline").read_bytes()
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid() and b"publisher.mail.sender" in words:
            found.append(int(stat.parent.name))
    return found


def cpu_of(process: int) -> float:
    """Seconds that another process took so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: int) -> float:
    """Peak of what is resident, MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000


async def _ready_again(store: Store) -> None:
    """The next run's readers have seen nothing yet."""
    async with store.write() as tx:
        await tx.exec_driver_sql("UPDATE subscriptions SET from_seq = 0")


async def prepare(root: Path, readers: int) -> None:
    """A store with an edition's articles and so many readers."""
    store = await open_store(STORE, root=root)
    try:
        await material.fill(store, STORIES, words=90, headline=20)
        await material.readers(store, readers, datetime.now(UTC) - timedelta(days=1))
    finally:
        await store.close()


def run(count: int) -> None:
    """So many messages each way, but for the plain one; then where the time goes."""
    with tempfile.TemporaryDirectory() as folder, sink() as server:
        root = Path(folder)
        key = material.rsa_key()
        (root / "dkim.pem").write_bytes(key)
        (root / "dkim.pem").chmod(0o600)
        uvloop.run(prepare(root, count))
        size = uvloop.run(message_size(root))
        html = "<html><body>" + "<p>NUMBER</p>" + "x" * 70 * 600 + "</body></html>"

        def source() -> Measured:
            return smtp_source(server.port, count, size)

        def ours(processes: int, signed: bool) -> Measured:
            return uvloop.run(mailer(root, server.port, processes=processes, signed=signed))

        ways: list[Callable[[], Measured]] = [
            source, lambda: uvloop.run(plain_way(server.port, html, "word " * 2500 + "NUMBER", key)), source,
        ]
        for processes in (1, 2):
            for signed in (False, True):
                ways += [partial(ours, processes, signed), source]
        rows = [_with_sink(server, way, count) for way in ways]
        table(rows)
        profile(root, server, rows)


def _with_sink(server: Sink, way: Callable[[], Measured], count: int) -> Measured:
    before = cpu_of(server.process)
    row = way()
    messages = PLAIN if row.name.startswith("EmailMessage") else count
    return replace(row, sink=(cpu_of(server.process) - before) / messages * 1000)


def table(rows: Sequence[Measured]) -> None:
    """Each way, against the median of smtp-source: it is run before and after each, for the machine's pace varies."""
    base = median(row.rate for row in rows if row.name.startswith("smtp-source"))
    plain = next(row.rate for row in rows if row.name.startswith("EmailMessage"))
    for row in rows:
        words = [f"{row.name:<40}", f"{row.rate:>7,.0f}/s", f"{row.rate / base:>5.2f} of smtp-source"]
        if row.name.startswith("the mailer"):
            at_most = CORES / (row.cpu + row.sink) * 1000
            words += [f"{row.rate / plain:>4.0f}x the plain way", f"{at_most / base:>5.2f} if no core ever waited"]
        words.append(f"{row.cpu:>7.3f} ms CPU a message, the server {row.sink:.3f}")
        if row.memory[0]:
            words.append(" + ".join(f"{size:.0f}" for size in row.memory if size) + " MB")
        print("  ".join(words), flush=True)


def profile(root: Path, server: Sink, rows: Sequence[Measured]) -> None:
    """Where the time of a message goes."""
    unsigned, signed = (settings_for(root, server.port, processes=1, signed=yes) for yes in (False, True))
    found = uvloop.run(sending_parts.parts(STORE, root, unsigned, signed))
    told = {row.name: row.cpu * 1000 for row in rows}
    for name, own in (("unsigned", {"hash the body, seal", "sign (RSA-2048)"}), ("signed", set())):
        total = told[f"the mailer, {name}, 1 process"]
        known = {part: cost for part, cost in found.items() if part not in own}
        known["between them: event loop, pace, judge"] = total - sum(known.values())
        print(f"{name}, {total:.0f} us CPU: " + "; ".join(f"{part} {cost:.0f}" for part, cost in known.items()))


async def message_size(root: Path) -> int:
    """Bytes of one message of the edition."""
    box = root / "box"
    settings = settings_for(root, 1, processes=1, signed=True).model_copy(
        update={"mail": Mail(transport="maildir", directory=box, sender="Bench <bench@example.org>")}
    )
    store = await open_store(STORE, root=root)
    templates, keys = Templates(), load_keys(root / "keys.json")
    try:
        await plan(store, settings, templates, now=datetime.now(UTC), manual=uuid4().hex, newsletter="daily")
        stop = asyncio.Event()

        def one(done: int, total: int) -> None:
            stop.set()

        await deliver(store, settings, templates, keys, now=lambda: datetime.now(UTC), stop=stop, progress=one)
        async with store.write() as tx:
            await tx.exec_driver_sql("DELETE FROM attempts")
            await tx.exec_driver_sql("DELETE FROM deliveries")
        await _ready_again(store)
    finally:
        await store.close()
    return next((box / "new").iterdir()).stat().st_size


if __name__ == "__main__":
    log.configure("error")
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
