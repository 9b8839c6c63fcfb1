"""The key of signatures, from its making to a judge's verdict."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dkim
import pytest
from typer.testing import CliRunner

from publisher import config
from publisher.cli.main import app
from publisher.errors import PublisherError
from publisher.mail import address, compose
from publisher.mail.press import signer_of

SENDER = '[mail]\nsender = "The Courier <digest@news.example.org>"\n'
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/publisher.toml").write_text(SENDER)
    return tmp_path


def run(project: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["--config", str(project / "config/publisher.toml"), *words])
    if isinstance(result.exception, PublisherError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def made(project: Path, *words: str) -> Any:
    return json.loads(run(project, "dkim", *words, "--json"))


def test_message_signed_with_the_new_key_verifies_with_the_printed_record(project: Path) -> None:
    """An independent judge asks for the name that was printed, and gets the strings that were printed."""
    told = run(project, "dkim", "keygen")
    found = made(project, "record")
    name, value = found["record"]["name"], found["record"]["value"]
    assert name == "s1._domainkey.news.example.org"
    assert "".join(found["record"]["strings"]) == value
    assert max(map(len, found["record"]["strings"])) <= 255
    assert f"  name   {name}\n  type   TXT\n  value  {value}\n" in told
    lines = told.partition("[mail.dkim]")[2]
    (project / "config/publisher.toml").write_text(f"{SENDER}[mail.dkim]{lines}")
    settings = config.load(project / "config/publisher.toml")
    assert "The configuration names this key already." in run(project, "dkim", "record")
    origin = address.parse(settings.mail.sender)
    letter = compose.Letter(address.mailbox("reader@example.net"), NOW, "1@news.example.org", {})
    frame = compose.Frame(origin, signer=signer_of(settings))
    message = compose.fill(compose.compile_message(compose.Content("News", "", "The news.\n"), frame), letter, NOW)
    asked = []

    def dns(wanted: bytes, **_more: Any) -> bytes:
        asked.append(wanted.decode().rstrip("."))
        return str(value).encode()

    assert dkim.verify(message, dnsfunc=dns)
    assert asked == [name]
    assert not dkim.verify(message.replace(b"News", b"Fake"), dnsfunc=dns)


def test_private_key_is_its_owners_and_is_never_replaced_unasked(project: Path) -> None:
    """Mode 0600 whatever the umask; `--force` makes a new one."""
    first = made(project, "keygen")
    key = project / "config/dkim.pem"
    assert first["key_file"] == str(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    with pytest.raises(PublisherError, match="is there already: `dkim record` prints its record"):
        run(project, "dkim", "keygen")
    assert key.read_bytes() == before
    assert made(project, "keygen", "--force")["record"] != first["record"]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [path.name for path in (project / "config").iterdir() if path.name.startswith(".")] == []


def test_domain_selector_and_file_may_be_named(project: Path) -> None:
    """A domain beyond ASCII stands in A-labels; what is no domain or selector is refused before a key is made."""
    found = made(project, "keygen", "--domain", "Bücher.example", "--selector", "k2026", "--out", str(project / "k.pem"))
    assert found["record"]["name"] == "k2026._domainkey.xn--bcher-kva.example"
    for words in (("--domain", "no domain"), ("--selector", "no selector"), ("--selector", "ä")):
        with pytest.raises(PublisherError, match="is no"):
            run(project, "dkim", "keygen", "--out", str(project / "other.pem"), *words)
    assert not (project / "other.pem").exists()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_key_that_is_open_to_others_is_refused_with_the_remedy(project: Path, mode: int) -> None:
    """By the service before it starts, too."""
    run(project, "dkim", "keygen")
    key = project / "config/dkim.pem"
    key.chmod(mode)
    keys = 'domain = "news.example.org"\nselector = "s1"\nkey_file = "config/dkim.pem"\n'
    (project / "config/publisher.toml").write_text(f"{SENDER}[mail.dkim]\n{keys}")
    for words in (("dkim", "record"), ("run",)):
        with pytest.raises(PublisherError, match=f"run: chmod 600 {key}"):
            run(project, *words)
