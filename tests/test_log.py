"""Structured logs."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from publisher import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Other tests find logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _fail() -> None:
    password = "geheim"  # noqa: F841 - must not be shown
    raise RuntimeError("broken")


@pytest.mark.parametrize("source", ["ours", "another library's"])
@pytest.mark.parametrize("terminal", [False, True])
def test_lines_are_json_or_readable(monkeypatch: pytest.MonkeyPatch, terminal: bool, source: str) -> None:
    """JSON elsewhere, words on a terminal; an exception in full, but without the values of variables."""
    out = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    log.configure()
    try:
        _fail()
    except RuntimeError:
        if source == "ours":
            log.get("mail").exception("went wrong", delivery=7)
        else:
            logging.getLogger("library").exception("went wrong")
    found = out.getvalue()
    assert "went wrong" in found
    assert "RuntimeError: broken" in found
    assert "geheim" not in found.replace('password = "geheim"', "")
    if not terminal:
        (line,) = found.splitlines()
        entry = json.loads(line)
        assert (entry["event"], entry["level"]) == ("went wrong", "error")
        if source == "ours":
            assert (entry["in"], entry["delivery"]) == ("mail", 7)


def test_level_hides_what_is_below(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other libraries speak up from a warning on."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    log.configure("warning")
    log.get("mail").info("hidden")
    logging.getLogger("library").info("hidden")
    log.get("mail").warning("shown")
    logging.getLogger("library").warning("shown too")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["shown", "shown too"]


def test_a_tick_that_takes_long_is_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler would tell every two seconds of a long send that it waits for it."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    log.configure("info")
    logging.getLogger("apscheduler.scheduler").warning("Execution of job skipped")
    assert written.getvalue() == ""
