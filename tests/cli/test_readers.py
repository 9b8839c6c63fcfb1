"""Readers and the suppression list at the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from publisher.cli.main import app
from publisher.errors import NotFoundError, PublisherError

DATA = Path(__file__).parent.parent / "data/people"
PROGRAM = Path(sys.executable).with_name("publisher")
CONFIG = """
[site]
timezone = "Europe/London"
[store]
url = "sqlite:///store/publisher.db"
[[newsletter]]
name = "daily"
frequencies = ["daily", "weekly"]
[[newsletter]]
name = "sea"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return _desk(tmp_path)


def _desk(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "publisher.toml").write_text(CONFIG)
    return folder


def publisher(desk: Path, *words: str) -> Result:
    """What the command does; a wrong usage is its exit status."""
    result = CliRunner().invoke(app, ["--config", str(desk / "publisher.toml"), *words])
    if isinstance(result.exception, PublisherError):
        raise result.exception
    return result


def run(desk: Path, *words: str) -> str:
    """What it prints."""
    result = publisher(desk, *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def read(desk: Path, *words: str) -> Any:
    """The same as JSON."""
    return json.loads(run(desk, *words, "--json"))


def table(desk: Path, text: str, name: str = "people.csv") -> str:
    (desk / name).write_text(text)
    return str(desk / name)


def people(desk: Path) -> dict[str, str]:
    return {row["email"]: row["state"] for row in read(desk, "subscribers", "list")["subscribers"]}


def test_each_system_moves_in(desk: Path) -> None:
    """Its export is known by its columns; a dry run first; who left or failed there is not mailed here."""
    found = {}
    for path in sorted(DATA.iterdir()):
        dry = read(desk, "subscribers", "import", str(path), "--dry-run")
        found[path.name.split("_")[0]] = read(desk, "subscribers", "import", str(path))
        assert dry == found[path.name.split("_")[0]] | {"dry_run": True}
    assert {name: report["format"] for name, report in found.items()} == {
        "cleaned": "mailchimp", "email": "substack", "ghost.csv": "ghost", "listmonk.csv": "listmonk",
        "nonsubscribed": "mailchimp", "subscribed": "mailchimp", "substack.csv": "substack", "unsubscribed": "mailchimp",
    }
    names = ("added", "updated", "unchanged", "left", "suppressed", "skipped", "duplicates", "invalid")
    for report in found.values():
        assert report["read"] == sum(report[name] for name in names)
    assert found["cleaned"]["suppressed"] == 1
    assert [(row["line"], row["email"]) for row in found["listmonk.csv"]["rows"] if row["result"] == "invalid"] == [
        (6, "ed@example.org"),
    ]
    states = people(desk)
    assert states["ada@example.org"] == "active"
    assert states["cy@example.org"] == "unsubscribed"  # of Substack's list, which came first
    assert not {"fi@example.org", "gu@example.org"} & set(states)
    barred = {row["email"]: row["reason"] for row in read(desk, "suppressions", "list")["suppressions"]}
    assert barred == {"fi@example.org": "bounce", "di@example.org": "operator", "ed@example.org": "complaint"}


def test_import_speaks_plainly(desk: Path) -> None:
    """Rows with line, address and reason; counts; what to do about those that wait."""
    file = table(desk, "email;status\njo@example.org;confirmed\nal@example.org;\nnobody;\n")
    told = run(desk, "subscribers", "import", file).splitlines()
    assert told[0].split("\t")[:3] == ["4", "invalid", "nobody"]
    assert told[1:3] == [f"{file}: a table, 3 rows", "2 added, 1 invalid"]
    assert "--ask" in told[3]
    assert "--confirmed" in told[3]
    assert "a dry run: nothing was stored" in run(desk, "subscribers", "import", file, "--dry-run")
    asked = run(desk, "subscribers", "import", file, "--ask")
    assert "1 mail that ask" in asked or "1 mail that asks" in asked
    assert publisher(desk, "subscribers", "import", file, "--ask", "--confirmed").exit_code == 2
    with pytest.raises(NotFoundError, match="no newsletter is called 'mars'; known: daily, sea"):
        run(desk, "subscribers", "import", file, "--newsletter", "mars")
    assert run(desk, "subscribers", "import", file, "--newsletter", "sea", "--confirmed").splitlines()[2] == "2 added, 1 invalid"


def test_import_refuses_what_it_cannot_read(desk: Path) -> None:
    """In one line, before the store is opened."""
    for text, words in (
        ("name\nAda\n", "Found: name"), ("PK\x03\x04", "unpack it"), ("", "is empty"),
    ):
        with pytest.raises(PublisherError, match=words):
            run(desk, "subscribers", "import", table(desk, text))
    with pytest.raises(PublisherError, match="No such file"):
        run(desk, "subscribers", "import", str(desk / "none.csv"))
    assert not (desk / "store").exists()


def test_an_export_comes_back_without_loss(tmp_path: Path) -> None:
    """Everything that readers chose and where they stand, whatever their names hold; and it is the same again."""
    old, new = _desk(tmp_path / "old"), _desk(tmp_path / "new")
    file = table(old, "email,name,newsletter,frequency,weekday,sections,timezone,time,language,status,tags,plain_text\n"
        'Jo@example.org,"=1+1, ""Jo"" ö",daily,weekly,sun,"world-news,sport",Asia/Tokyo,05:45,ja,confirmed,"vip,Sea crew",yes\n'
        "jo@example.org,,sea,,,,,,,unsubscribed,,\n@al@example.org,,,,,,,,,,,\nal@example.org,'Al,,,,,,,,pending,,\n"
        "bo@example.org,-Bo,sea,,,,Pacific/Apia,,,confirmed,,\ncy@example.org,,,,,,,,,confirmed,,\n")  # fmt: skip
    run(old, "subscribers", "import", file)
    run(old, "suppressions", "add", "cy@example.org", "--reason", "complaint")
    run(old, "subscribers", "export", str(new / "moved.csv"))
    report = read(new, "subscribers", "import", str(new / "moved.csv"))
    assert (report["added"], report["left"], report["suppressed"], report["invalid"]) == (3, 1, 1, 0)

    def facts(desk: Path) -> list[dict[str, Any]]:
        rows = read(desk, "subscribers", "list")["subscribers"]
        for row in rows:
            row.pop("confirmed_at")
        return [row for row in rows if row["email"] != "cy@example.org"]

    assert facts(new) == facts(old)
    assert facts(new)[0]["name"] == '=1+1, "Jo" ö'
    assert facts(new)[0]["tags"] == ["vip", "Sea crew"]
    first, second = (
        [{**row, "confirmed_from": ""} for row in csv.DictReader(io.StringIO(run(desk, "subscribers", "export")))]
        for desk in (old, new)
    )
    assert [row for row in first if row["email"] != "cy@example.org"] == second
    assert next(row for row in first if row["email"] == "cy@example.org")["status"] == "complained"
    assert "complaint" in run(new, "suppressions", "list")


def test_exports_are_chosen_and_private(desk: Path) -> None:
    """By state, newsletter and tag; as JSON with the record of consent; a file is its owner's alone."""
    run(desk, "subscribers", "add", "jo@example.org", "--confirmed")
    run(desk, "subscribers", "add", "al@example.org", "--newsletter", "sea")
    run(desk, "subscribers", "tag", "al@example.org", "--add", "crew")
    for words, email in (
        (("--state", "pending"), "al"), (("--newsletter", "daily"), "jo"), (("--tag", "CREW"), "al"),
    ):
        rows = list(csv.DictReader(io.StringIO(run(desk, "subscribers", "export", *words))))
        assert [row["email"] for row in rows] == [f"{email}@example.org"]
        listed = read(desk, "subscribers", "list", *words)["subscribers"]
        assert [row["email"] for row in listed] == [f"{email}@example.org"]
    told = json.loads(run(desk, "subscribers", "export", "--format", "json", "-"))["subscribers"]
    assert [(row["email"], row["consents"][0]["action"]) for row in told] == [
        ("jo@example.org", "operator"), ("al@example.org", "asked"),
    ]
    file = desk / "out.csv"
    assert run(desk, "subscribers", "export", str(file)).startswith("2 subscriptions in ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in desk.iterdir()) == ["out.csv", "publisher.toml", "store"]
    for nowhere in (desk / "nothing" / "out.csv", desk / "store"):
        with pytest.raises(PublisherError, match="cannot write"):
            run(desk, "subscribers", "export", str(nowhere))
    (desk / "link.csv").symlink_to(file)
    os.mkfifo(desk / "pipe")
    with ThreadPoolExecutor(1) as pool:
        arrived = pool.submit((desk / "pipe").read_text)
        run(desk, "subscribers", "export", str(desk / "pipe"))
        assert arrived.result(timeout=60) == file.read_text()
    assert stat.S_ISFIFO((desk / "pipe").stat().st_mode)
    run(desk, "subscribers", "export", str(desk / "link.csv"), "--state", "unsubscribed")
    assert (desk / "link.csv").is_symlink()
    assert len(file.read_text().splitlines()) == 1
    assert read(desk, "subscribers", "list", "--state", "unsubscribed") == {"subscribers": []}


def test_spreadsheets_get_no_formulas_where_that_is_asked_for(desk: Path) -> None:
    """Else names are written as they are."""
    run(desk, "subscribers", "add", "jo@example.org", "--name", "=HYPERLINK(1)", "--confirmed")
    assert ",=HYPERLINK(1)," in run(desk, "subscribers", "export")
    guarded = run(desk, "subscribers", "export", "--for-spreadsheets")
    assert guarded.startswith("\ufeff")
    assert ",'=HYPERLINK(1)," in guarded


def test_one_reader_is_shown_whole(desk: Path) -> None:
    """Subscriptions, record, suppression and its history, deliveries; also of whom only the list knows."""
    run(desk, "subscribers", "add", "jo@example.org", "--name", "Jo", "--confirmed")
    run(desk, "suppressions", "add", "jo@example.org", "--note", "wrote to us")
    assert run(desk, "subscribers", "show", "JO@example.org").startswith("nothing is sent to jo@example.org: operator")
    assert "released; it stood there since" in run(desk, "suppressions", "release", "jo@example.org", "--note", "a\nmistake")
    facts = read(desk, "subscribers", "show", "jo@example.org")
    assert facts["suppression"] is None
    assert facts["releases"][0]["release_note"] == "a mistake"
    assert facts["subscriptions"][0]["consents"][0]["action"] == "operator"
    told = run(desk, "subscribers", "show", "jo@example.org")
    assert "(operator): a mistake" in told
    assert "added by the operator" in told
    with pytest.raises(NotFoundError, match="nobody with the address"):
        run(desk, "subscribers", "show", "x@example.org")


def test_readers_are_searched_and_tagged(desk: Path) -> None:
    """Tags are plain words; a person who is not there, or a word that is none, changes nothing for anybody."""
    run(desk, "subscribers", "add", "jo@example.org", "--name", "Jo Ash", "--confirmed")
    run(desk, "subscribers", "add", "al@example.org", "--confirmed")
    told = run(desk, "subscribers", "tag", "jo@example.org", "al@example.org", "--add", "VIP", "--add", "sea  crew")
    assert told.splitlines() == ["jo@example.org: VIP, sea crew", "al@example.org: VIP, sea crew"]
    assert run(desk, "subscribers", "tag", "JO@example.org", "--remove", "vip", "--add", "vip ").strip() == "JO@example.org: sea crew, vip"
    assert run(desk, "subscribers", "tag", "al@example.org", "--remove", "VIP", "--remove", "Sea crew").strip() == "al@example.org: no tags"
    with pytest.raises(NotFoundError, match="no tag was changed"):
        run(desk, "subscribers", "tag", "al@example.org", "x@example.org", "--add", "new")
    with pytest.raises(PublisherError, match="is no tag"):
        run(desk, "subscribers", "tag", "al@example.org", "--add", "a,b")
    assert publisher(desk, "subscribers", "tag", "al@example.org").exit_code == 2
    assert [row["email"] for row in read(desk, "subscribers", "search", "ASH")["subscribers"]] == ["jo@example.org"]
    assert [row["email"] for row in read(desk, "subscribers", "search", "crew")["subscribers"]] == ["jo@example.org"]
    found = read(desk, "subscribers", "search", "example", "--limit", "1")
    assert (len(found["subscribers"]), found["more"]) == (1, True)
    assert "nobody found" in run(desk, "subscribers", "search", "nobody")


def test_erasing_leaves_nothing_but_a_mark(desk: Path) -> None:
    """No address stays in the store; the list tells that somebody was erased; nobody unknown is erased."""
    run(desk, "subscribers", "add", "jo.secret@example.org", "--name", "Jo Secret", "--confirmed")
    run(desk, "suppressions", "add", "al.secret@example.org")
    for who in ("Jo.Secret@example.org", "al.secret@example.org"):
        assert "erased" in run(desk, "subscribers", "erase", who)
    assert people(desk) == {}
    rows = read(desk, "suppressions", "list")["suppressions"]
    assert [(row["email"], row["reason"]) for row in rows] == [(None, row["reason"]) for row in rows]
    assert sorted(row["reason"] for row in rows) == ["erased", "operator"]
    assert "(erased)" in run(desk, "suppressions", "list")
    with sqlite3.connect(desk / "store/publisher.db") as store:
        kept = "\n".join(store.iterdump()).casefold()
        assert ".secret" not in kept
        assert "jo secret" not in kept
    for who in ("x@example.org", "jo.secret@example.org"):
        with pytest.raises(NotFoundError, match="nobody with the address"):
            run(desk, "subscribers", "erase", who)
    with pytest.raises(PublisherError, match="only their own fresh subscription"):
        run(desk, "suppressions", "release", "jo.secret@example.org", "--note", "a mistake")
    report = read(desk, "subscribers", "import", table(desk, "email,status\njo.secret@example.org,confirmed\n"))
    assert report["left"] == 1
    moved = run(desk, "suppressions", "export")
    assert read(desk, "suppressions", "import", table(desk, moved, "out.csv"))["unchanged"] == 2


def test_the_suppression_list_at_the_command_line(desk: Path) -> None:
    """Added, chosen, exported, imported, released; all addresses are checked before any is put there."""
    with pytest.raises(PublisherError, match="is no mail address"):
        run(desk, "suppressions", "add", "jo@example.org", "nobody")
    assert read(desk, "suppressions", "list") == {"suppressions": []}
    run(desk, "suppressions", "add", "Jo@example.org", "al@example.org", "--reason", "bounce", "--note", "by phone")
    run(desk, "suppressions", "add", "bo@example.org")
    assert [row["email"] for row in read(desk, "suppressions", "list", "--reason", "bounce")["suppressions"]] == [
        "al@example.org", "jo@example.org",
    ]
    assert run(desk, "suppressions", "list", "--reason", "operator").split("\t")[:3] == ["bo@example.org", "operator", ""]
    with pytest.raises(PublisherError, match="suppression list"):
        run(desk, "subscribers", "add", "JO@example.org", "--confirmed")
    moved = run(desk, "suppressions", "export")
    assert Counter(row["reason"] for row in csv.DictReader(io.StringIO(moved))) == {"bounce": 2, "operator": 1}
    assert json.loads(run(desk, "suppressions", "export", "--format", "json")) == read(desk, "suppressions", "list")
    for email in ("jo@example.org", "al@example.org", "bo@example.org"):
        assert read(desk, "suppressions", "release", email, "--note", "moved")["released"]
    with pytest.raises(NotFoundError, match="not on the suppression list"):
        run(desk, "suppressions", "release", "jo@example.org", "--note", "again")
    for words in (("--note", " "), ()):
        assert publisher(desk, "suppressions", "release", "jo@example.org", *words).exit_code == 2
    assert read(desk, "suppressions", "import", table(desk, moved), "--dry-run")["added"] == 3
    assert read(desk, "suppressions", "import", table(desk, moved))["added"] == 3
    assert run(desk, "suppressions", "export") == moved
    told = run(desk, "suppressions", "import", table(desk, "cy@example.org\nnobody\n", "bare.txt"), "--reason", "complaint")
    assert "1 added, 1 invalid" in told


def test_a_long_list_is_cut_off_by_its_reader_without_a_word(desk: Path) -> None:
    """As `head` does; the others see every row."""
    rows = "".join(f"reader{n}@example.org,confirmed\n" for n in range(1500))
    run(desk, "subscribers", "import", table(desk, f"email,status\n{rows}"))
    command = [str(PROGRAM), "--config", str(desk / "publisher.toml"), "subscribers", "list"]
    whole = subprocess.run(command, capture_output=True, check=True, text=True)
    assert len(whole.stdout.splitlines()) == 1500
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as cut:
        assert cut.stdout is not None
        assert cut.stderr is not None
        assert cut.stdout.readline().startswith("reader0@")
        cut.stdout.close()
        assert cut.stderr.read() == ""


def _kill_at(command: list[str], store: Path, people: int) -> bool:
    """Runs the command, and kills it once so many are known; whether it was still at work."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        with sqlite3.connect(store) as look:
            while running.poll() is None and look.execute("SELECT count(*) FROM subscribers").fetchone()[0] < people:
                time.sleep(0.002)
        os.kill(running.pid, signal.SIGKILL)
        return running.wait() == -signal.SIGKILL


def test_an_import_killed_again_and_again_ends_as_if_it_never_was(tmp_path: Path) -> None:
    """Nobody is lost or doubled, no record either, and what was counted before is unchanged the next time."""
    chance = random.Random(5)
    status = ("confirmed", "confirmed", "", "unsubscribed", "bounced", "complained")
    rows = "".join(
        f"reader{n}@example.org,Reader {n},{chance.choice(('daily', 'sea', ''))},{chance.choice(status)}\n" for n in range(9000)
    )
    killed, calm = _desk(tmp_path / "killed"), _desk(tmp_path / "calm")
    file = table(tmp_path, f"email,name,newsletter,status\n{rows}")
    command = [str(PROGRAM), "--config", str(killed / "publisher.toml"), "subscribers", "import", file, "--ask"]
    run(killed, "subscribers", "list")
    for known in (1, 1500, 4000):
        assert _kill_at(command, killed / "store/publisher.db", known)
    read(killed, "subscribers", "import", file, "--ask")
    again = read(killed, "subscribers", "import", file, "--ask")
    assert (again["added"], again["updated"], again["asked"], again["left"]) == (0, 0, 0, 0)
    read(calm, "subscribers", "import", file, "--ask")
    assert _state(killed) == _state(calm)


def _state(desk: Path) -> dict[str, list[Any]]:
    """All that an import leaves in a store, times and ids apart."""
    person = "JOIN subscribers p ON p.id = s.subscriber_id"
    queries = {
        "people": "SELECT email, email_key, name, language, timezone, tags FROM subscribers",
        "subscriptions": f"SELECT p.email, s.newsletter, s.frequency, s.state, s.generation, s.welcome_after FROM subscriptions s {person}",
        "consents": f"SELECT p.email, s.newsletter, c.action, c.origin FROM consents c JOIN subscriptions s ON s.id = c.subscription_id {person}",
        "notices": f"SELECT p.email, n.kind, n.state FROM notices n JOIN subscriptions s ON s.id = n.subscription_id {person}",
        "suppressions": "SELECT email_key, reason, note FROM suppressions",
    }
    with sqlite3.connect(desk / "store/publisher.db") as store:
        return {name: sorted(store.execute(query).fetchall()) for name, query in queries.items()}


def test_only_who_agreed_is_mailed_and_only_news(desk: Path) -> None:
    """No welcome, nothing that was live before; not who waits, left, bounced or was kept out since."""
    (desk / "publisher.toml").write_text(
        f'{CONFIG}[mail]\ntransport = "maildir"\ndirectory = "mail"\n[[source]]\npath = "in"\nsettle = "0s"\n'
    )
    (desk / "in").mkdir()
    (desk / "in/old.md").write_text("# An old story\n\nIt was live before anybody came.\n")
    run(desk, "ingest")
    rows = "".join(f"{who}@example.org,{status}\n" for who, status in (
        ("jo", "confirmed"), ("al", ""), ("bo", "unsubscribed"), ("cy", "bounced"), ("di", "confirmed"),
    ))
    run(desk, "subscribers", "import", table(desk, f"email,status\n{rows}"))
    run(desk, "digest", "send", "daily", "--now")
    assert _mailed(desk) == []
    (desk / "in/new.md").write_text("# A new story\n\nIt came afterwards.\n")
    run(desk, "ingest")
    run(desk, "suppressions", "add", "di@example.org")
    run(desk, "digest", "send", "daily", "--now")
    (message,) = _mailed(desk)
    assert "To: jo@example.org" in message
    assert "A new story" in message
    assert "An old story" not in message


def _mailed(desk: Path) -> list[str]:
    return [path.read_text() for path in (desk / "mail").rglob("*") if path.is_file()]
