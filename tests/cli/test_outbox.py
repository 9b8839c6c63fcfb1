"""The ledger at the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from publisher.cli.main import app
from publisher.errors import NotFoundError, PublisherError
from publisher.outgoing import DeliveryState
from publisher.store.engine import Store, open_store
from tests.store.conftest import Scene

T = TypeVar("T")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
S = DeliveryState


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "publisher.toml").write_text('[store]\nurl = "sqlite:///store/publisher.db"\n[[newsletter]]\nname = "daily"\n')
    return tmp_path


def in_store(desk: Path, work: Callable[[Scene], Coroutine[Any, Any, T]]) -> T:
    """What the work does to the store that the commands see."""

    async def steps() -> T:
        store: Store = await open_store("sqlite:///store/publisher.db", root=desk)
        try:
            return await work(Scene(store))
        finally:
            await store.close()

    return asyncio.run(steps())


@pytest.fixture
def ledger(desk: Path) -> Path:
    """An edition of five: accepted, deferred, bounced, in doubt, queued; and a second one of one reader."""

    async def work(scene: Scene) -> None:
        readers = [await scene.reader(f"r{n}@{'x' if n % 2 else 'y'}.example") for n in range(5)]
        await scene.plan(*readers, to_seq=5)
        claims = sorted(await scene.claim(4), key=lambda claim: claim.id)
        for claim, state in zip(claims, (S.ACCEPTED, S.DEFERRED, S.BOUNCED, S.IN_DOUBT), strict=True):
            await scene.settle(claim, state, datetime.now(UTC) if state in (S.DEFERRED, S.IN_DOUBT) else None)
        await scene.plan(await scene.reader("other@x.example"), to_seq=9, period="D:2")

    in_store(desk, work)
    return desk


def run(desk: Path, *words: str) -> str:
    """What the command prints."""
    result = CliRunner().invoke(app, ["--config", str(desk / "publisher.toml"), *words])
    if isinstance(result.exception, PublisherError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def read(desk: Path, *words: str) -> Any:
    """The same as JSON."""
    return json.loads(run(desk, *words, "--json"))


def states(desk: Path) -> list[str]:
    rows = read(desk, "outbox", "list")["deliveries"]
    return [row["state"] for row in sorted(rows, key=lambda row: row["id"])]


def test_list_is_filtered(ledger: Path) -> None:
    """By several states, domain, edition, newsletter, age; and cut."""
    for words, count in (
        ((), 6), (("--state", "queued"), 2), (("--state", "queued", "--state", "bounced"), 3),
        (("--domain", "x.example"), 3), (("--domain", "@X.EXAMPLE"), 3), (("--edition", "1"), 5),
        (("--newsletter", "weekly"), 0), (("--since", "2026-11-23"), 0), (("--limit", "2"), 2),
    ):
        rows = read(ledger, "outbox", "list", *words)["deliveries"]
        assert len(rows) == count, words
    assert run(ledger, "outbox", "list", "--state", "bounced").split("\t")[:5] == [
        "3", "bounced", "r2@y.example", "daily", "1",
    ]
    with pytest.raises(PublisherError, match="is no domain"):
        run(ledger, "outbox", "list", "--domain", "a b")


def test_summary_tells_of_each_edition_who_got_it_and_why_not(ledger: Path) -> None:
    """The newest first."""
    newest, first = read(ledger, "outbox", "list", "--summary")["editions"]
    assert newest["counts"] == {"queued": 1}
    assert first["counts"] == {"accepted": 1, "bounced": 1, "deferred": 1, "in_doubt": 1, "queued": 1}
    assert {(reason["state"], reason["code"], reason["count"]) for reason in first["reasons"]} == {
        ("bounced", 451, 1), ("deferred", 451, 1), ("in_doubt", 451, 1),
    }
    told = run(ledger, "outbox", "list", "--summary", "--edition", "1")
    assert told.splitlines()[0] == "edition 1  daily  2026-11-22  scheduled  running"
    assert "1 accepted, 1 bounced, 1 deferred, 1 in doubt, 1 queued (5 in all)" in told
    assert "1 bounced: 451 as the server said" in told


@pytest.mark.parametrize(
    ("ident", "then", "commands"),
    [
        (1, "nothing: the server took it", []),
        (2, "it is tried again at", ["retry 2", "hold 2"]),
        (3, "its articles come with the reader's next edition, unless it is tried again before", ["retry 3"]),
        (4, "it is sent again at", ["resolve 4 --as accepted", "resolve 4 --as repeat", "resolve 4 --as lost"]),
        (5, "it goes out when its turn comes", ["hold 5"]),
    ],
)
def test_show_tells_what_comes_next_and_which_command_changes_it(
    ledger: Path, ident: int, then: str, commands: list[str]
) -> None:
    """For each state."""
    found = read(ledger, "outbox", "show", str(ident))
    assert found["next"].startswith(then)
    assert found["commands"] == [f"publisher outbox {command}" for command in commands]
    assert len(found["tries"]) == (ident != 5)
    assert then in run(ledger, "outbox", "show", str(ident))


def test_hand_on_a_selection(ledger: Path) -> None:
    """A dry run changes nothing; the others are counted with their reasons; each command knows its states."""
    dry = read(ledger, "outbox", "hold", "--edition", "1", "--dry-run")
    assert (dry["changed"], dry["dry_run"]) == (2, True)
    assert states(ledger) == ["accepted", "deferred", "bounced", "in_doubt", "queued", "queued"]
    held = read(ledger, "outbox", "hold", "--edition", "1")
    assert held["changed"] == 2
    assert sum(held["passed_over"].values()) == 3
    assert states(ledger) == ["accepted", "held", "bounced", "in_doubt", "held", "queued"]
    assert read(ledger, "outbox", "show", "2")["commands"] == ["publisher outbox release 2"]
    assert read(ledger, "outbox", "release", "--all")["changed"] == 2
    assert read(ledger, "outbox", "resolve", "4", "--as", "lost")["changed"] == 1
    assert run(ledger, "outbox", "retry", "3", "4", "1").splitlines() == [
        "2 due at once", "1 passed over: the server took it",
    ]
    assert states(ledger) == ["accepted", "queued", "queued", "queued", "queued", "queued"]


def test_hand_needs_to_be_told_what_it_is_for(ledger: Path) -> None:
    """No selection is refused before anything changes; so is an id that is not there."""
    for words in (("hold",), ("release",), ("retry",), ("resolve", "--as", "accepted"), ("pause",), ("cancel",)):
        result = CliRunner().invoke(app, ["--config", str(ledger / "publisher.toml"), "outbox", *words])
        assert result.exit_code == 2, words
    with pytest.raises(NotFoundError, match="no delivery has the id 99"):
        run(ledger, "outbox", "hold", "5", "99")
    with pytest.raises(NotFoundError, match="no edition has the number 99"):
        run(ledger, "outbox", "pause", "1", "99")
    assert "held" not in states(ledger)
    assert "paused" not in run(ledger, "outbox", "list", "--summary")


def test_editions_are_paused_resumed_and_cancelled(ledger: Path) -> None:
    """`status` tells of the paused; what was cancelled may be retried once its edition runs again."""
    assert read(ledger, "outbox", "pause", "1")["editions"][0]["state"] == "paused"
    assert read(ledger, "status")["paused"] == 1
    assert "Paused     1 edition: publisher outbox resume" in run(ledger, "status")
    assert read(ledger, "outbox", "show", "5")["next"] == "nothing: its edition is paused"
    assert run(ledger, "outbox", "pause", "--all").strip() == "1 changed"
    assert read(ledger, "outbox", "resume", "--all")["changed_editions"] == 2
    assert run(ledger, "outbox", "cancel", "1").splitlines() == [
        "edition 1: cancelled; 1 accepted, 1 bounced, 3 cancelled", "3 of their deliveries ended unsent",
    ]
    assert read(ledger, "outbox", "retry", "--state", "cancelled")["changed"] == 0
    run(ledger, "outbox", "resume", "1")
    again = read(ledger, "outbox", "retry", "--state", "cancelled")
    assert (again["changed"], again["passed_over"]) == (2, {"it may have arrived, and counts as delivered": 1})


def test_notices_are_meant_where_they_are_named(ledger: Path) -> None:
    """Listed, shown and changed by themselves, by all filters but an edition."""
    run(ledger, "subscribers", "add", "new@notice.example")
    (row,) = read(ledger, "outbox", "list", "--notices", "--domain", "notice.example")["deliveries"]
    assert read(ledger, "outbox", "list", "--notices", "--state", "held") == {"deliveries": []}
    assert read(ledger, "outbox", "hold", "--notices", "--domain", "notice.example")["changed"] == 1
    shown = read(ledger, "outbox", "show", str(row["id"]), "--notices")
    assert shown["next"] == "nothing until it is released"
    assert shown["commands"] == [f"publisher outbox release {row['id']} --notices"]
    assert run(ledger, *shown["commands"][0].split()[1:]).splitlines() == ["1 released and due at once"]
    with pytest.raises(PublisherError, match="no notice has the id 99"):
        run(ledger, "outbox", "retry", "99", "--notices")
    for option in (("--edition", "1"), ("--summary",)):
        with pytest.raises(PublisherError, match="--notices belong to no edition"):
            run(ledger, "outbox", "list", "--notices", *option)


def test_all_that_comes_is_paused(ledger: Path) -> None:
    """`status` tells of it."""
    run(ledger, "outbox", "pause", "--all")
    assert read(ledger, "status")["all_paused"] is True
    assert "outbox resume --all" in run(ledger, "status")
    run(ledger, "outbox", "resume", "--all")
    assert read(ledger, "status")["all_paused"] is False
