"""The keys of links, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from publisher import tokens
from publisher.cli.main import app
from publisher.crypto import load_keys


def run(root: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["--config", str(root / "publisher.toml"), *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_rotating_and_revoking(tmp_path: Path) -> None:
    """Counts are told; links to unsubscribe work on, those to preferences end with a revocation."""
    (tmp_path / "publisher.toml").write_text('[store]\nurl = "sqlite:///kept/publisher.db"\n')
    path = tmp_path / "kept/keys.json"
    first = load_keys(path)
    assert "Restart the service" in run(tmp_path, "keys", "rotate")
    preferences = tokens.make(first, tokens.PREFERENCES, 1)
    assert tokens.valid(load_keys(path), tokens.PREFERENCES, preferences)
    told = json.loads(run(tmp_path, "keys", "rotate", "--revoke", "--json"))
    assert told == {"file": str(path), "keys": 1, "revoked": 2}
    assert not tokens.valid(load_keys(path), tokens.PREFERENCES, preferences)
    assert tokens.valid(load_keys(path), tokens.UNSUBSCRIBE, tokens.make(first, tokens.UNSUBSCRIBE, 1))
