"""Reports in the shapes of the large providers and mail systems, each with what is to be made of it beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from publisher.inbound.report import report_of
from publisher.incoming import Letter

DATA = Path(__file__).parent.parent / "data" / "inbound"
REPORTS = sorted(DATA.glob("*.eml"))


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_report_is_judged_as_expected(path: Path) -> None:
    """Class, kind, address and code; and the words that decided stand in the reason."""
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    found = report_of(Letter(path.read_bytes(), "maildir")).finding
    told = {"class": found.report_class.value, "kind": found.kind.value, "address": found.address, "code": found.code}
    assert told == {name: expected[name] for name in told}, f"by {found.rule!r}: {found.reason}"
    assert expected["evidence"].casefold() in found.reason.casefold(), found.reason


def test_there_are_enough_and_each_has_its_pair() -> None:
    """No report without an expectation, none the other way round."""
    assert {path.stem for path in REPORTS} == {path.stem for path in DATA.glob("*.json")}
    assert len(REPORTS) >= 80
