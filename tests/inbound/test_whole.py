"""The whole of it: the service with its ways in, and the commands that show what came."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from publisher.cli.main import app
from publisher.config import Settings
from publisher.crypto import Keys, load_keys
from publisher.errors import NotFoundError, PublisherError
from publisher.inbound.receive import receive
from publisher.store.engine import Store, open_store
from tests.inbound.conftest import DOMAIN, NOON, Reader, arf, dsn, letter, listed, plant
from tests.inbound.test_ways_in import hand_over
from tests.mail.test_postfix import free_port

PUBLISHER = str(Path(sys.executable).with_name("publisher"))
DATA = Path(__file__).parent.parent / "data" / "inbound"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "publisher.toml").write_text(
        '[store]\nurl = "sqlite:///store/publisher.db"\n[[newsletter]]\nname = "daily"\n'
        f'[mail]\ntransport = "inbox"\n[web]\nport = {free_port()}\n'
        f'[inbound]\nlmtp = "127.0.0.1:{free_port()}"\nbounce_domain = "{DOMAIN}"\nmaildir = "box"\n'
        '[[inbound.rule]]\nname = "their pause"\nmatch = "come back on \\\\w+day"\nclass = "soft"\n'
    )
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    return tmp_path


def run(desk: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["--config", str(desk / "publisher.toml"), *words])
    if code == 0 and done.exception:
        raise done.exception
    return done.stdout


def in_store(desk: Path) -> Reader:
    """A reader, and three reports about them."""

    async def work() -> Reader:
        store = await open_store("sqlite:///store/publisher.db", root=desk)
        keys = load_keys(desk / "store/keys.json")
        settings = Settings(root=desk)
        reader = await plant(store, keys, "gone@d.example", 3)
        now = datetime.now(UTC)
        await receive(store, settings, keys, [letter(dsn(reader.path(0), reader.email), reader.path(0))], now)
        policy = dsn(reader.path(1), reader.email, status="5.7.1", words="blocked as spam")
        await receive(store, settings, keys, [letter(policy, reader.path(1)), letter(arf(reader.path(2), reader.email), reader.path(2))], now)
        await store.close()
        return reader

    return asyncio.run(work())


def test_reports_are_listed_and_shown(desk: Path) -> None:
    """The newest first, chosen by class and domain; one with its evidence; and how often they come."""
    in_store(desk)
    rows = json.loads(run(desk, "bounces", "list", "--json"))["bounces"]
    assert [row["class"] for row in rows] == ["complaint", "policy", "hard"]
    assert json.loads(run(desk, "bounces", "list", "--class", "hard", "--domain", "d.example", "--json"))["bounces"][0]["code"] == "5.1.1"
    assert json.loads(run(desk, "bounces", "list", "--domain", "else.example", "--json"))["bounces"] == []
    shown = json.loads(run(desk, "bounces", "show", str(rows[2]["id"]), "--json"))
    assert "no such user here" in shown["evidence"]
    assert shown["effect"] == "dead, said on 1 of 2 days"
    assert "no such user here" in run(desk, "bounces", "show", str(rows[2]["id"]))
    rates = json.loads(run(desk, "bounces", "rates", "--days", "400", "--json"))
    assert [(one["domain"], one["accepted"], one["hard"], one["complaint"]) for one in rates["domains"]] == [("d.example", 3, 1, 1)]
    assert {one["edition"] for one in rates["editions"]} == {"1", "2", "3"}
    assert "d.example" in run(desk, "bounces", "rates", "--days", "400")
    with pytest.raises(NotFoundError, match="no report has the id 99"):
        run(desk, "bounces", "show", "99")


def test_classify_tells_what_would_be_made_and_stores_nothing(desk: Path) -> None:
    """One object a line; of a folder each file; the operator's rules count."""
    own = desk / "own.eml"
    own.write_bytes(dsn("x@y.example", "a@b.example", words="no such user here, come back on Monday"))
    lines = run(desk, "bounces", "classify", str(DATA / "postfix-unknown-local.eml"), str(own), str(DATA / "letter.eml"), "--json").splitlines()
    found = [json.loads(line) for line in lines]
    assert [(one["class"], one["address"], one["code"]) for one in found] == [
        ("hard", "mara@d.example", "5.1.1"), ("soft", "a@b.example", "5.1.1"), ("other", "pelle@d.example", ""),
    ]
    assert "User unknown" in found[0]["reason"]
    assert found[0]["path"] == str(DATA / "postfix-unknown-local.eml")
    assert len(run(desk, "bounces", "classify", str(DATA), "--json").splitlines()) >= 160
    assert not (desk / "store").exists()
    with pytest.raises(PublisherError, match="no such file"):
        run(desk, "bounces", "classify", "nowhere.eml")


def test_service_takes_in_by_lmtp_and_from_a_maildir(desk: Path) -> None:
    """Both, while it runs; and it ends as quickly as ever."""
    reader = in_store(desk)
    text = (desk / "publisher.toml").read_text()
    address = text.partition('lmtp = "')[2].partition('"')[0]
    path = reader.path(2)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PUBLISHER_")}
    running = subprocess.Popen(
        [PUBLISHER, "--config", str(desk / "publisher.toml"), "run"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    try:
        for _ in range(300):
            try:
                assert hand_over(address, dsn(path, reader.email, status="5.2.2", code="552", words="mailbox full"), path) == {}
                break
            except OSError:
                time.sleep(0.2)
        (desk / "box/new/1.a.host").write_bytes(b"From: a@b.example\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n")
        for _ in range(100):
            if (desk / "box/cur/1.a.host:2,S").exists():
                break
            time.sleep(0.2)
    finally:
        running.send_signal(signal.SIGTERM)
        out, _ = running.communicate(timeout=60)
    assert running.returncode == 0, out
    assert f"LMTP at {address}" in out
    rows = json.loads(run(desk, "bounces", "list", "--json"))["bounces"]
    assert [(row["way"], row["class"]) for row in rows[:2]] == [("maildir", "other"), ("lmtp", "soft")]


async def test_report_about_a_notice_gives_its_address_up(store: Store, settings: Callable[..., Settings], keys: Keys) -> None:
    """A confirmation that comes back as dead, on two days: nothing is sent there any more."""
    from publisher import return_path  # noqa: PLC0415
    from publisher.store import audience, outbox  # noqa: PLC0415
    from tests.mail.conftest import subscribed  # noqa: PLC0415

    async with store.write() as tx:
        _, subscription = await subscribed(tx, "typo@d.example", confirmed=False)
        ids = [await outbox.add_notice(tx, "confirm", subscription, {}, f"<n{n}@example.org>", NOON) for n in range(2)]
    from datetime import timedelta  # noqa: PLC0415

    for number, ident in enumerate(ids):
        path = return_path.bounce_address(keys, DOMAIN, "notice", ident, "typo@d.example")
        await receive(store, settings(), keys, [letter(dsn(path, "typo@d.example"), path)], NOON + timedelta(days=number))
    async with store.read() as tx:
        assert await audience.suppressed(tx, "typo@d.example") == "bounce"
    assert [row["delivery_id"] for row in await listed(store)] == [None, None]
