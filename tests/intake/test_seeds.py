"""The sample articles that ship with the project: each is extracted perfectly."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from publisher.intake.extract import extract
from publisher.model import ArticleStatus, Extracted

ROOT = Path(__file__).parents[2]
SEEDS = sorted((ROOT / "seeds").iterdir())
EXPECTED: dict[str, dict[str, Any]] = json.loads((ROOT / "tests/data/seeds.expected.json").read_text(encoding="utf-8"))
#: Words of the pages around the sample articles, none of which an article of ours uses.
FURNITURE = re.compile(
    r"leave a reply|back to |share this|read more|see also|also like|related:|lesen sie auch|comments|©|photo:|filed under|tags:"
    r"|subscribe|sign up|log in|follow us|all rights|previous article|print this|nach oben|kommentare|drucken|شارك|التعليقات|اقرأ"
    r"|most read|privacy|cookies|advertise|tweet|search",
    re.IGNORECASE,
)


def made(path: Path) -> Extracted:
    return extract(path.read_bytes(), path.name, now=datetime(2026, 11, 22, tzinfo=UTC), zone=ZoneInfo("Europe/London"))


def test_there_are_enough_of_each_format() -> None:
    """At least six scrapes, five Markdown documents and three pages; each has an expectation."""
    endings = [path.suffix for path in SEEDS]
    assert endings.count(".txt") >= 6
    assert endings.count(".md") >= 5
    assert endings.count(".html") >= 3
    assert sorted(EXPECTED) == [path.name for path in SEEDS]


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_every_sample_is_extracted_perfectly(path: Path) -> None:
    """Title, section, standfirst, people, date, picture, related stories and the body's bounds are what was written."""
    found, want = made(path), EXPECTED[path.name]
    blocks = found.content_text.split("\n\n")
    got = {name: getattr(found, name) for name in ("title", "section", "standfirst", "language", "caption", "credit")}
    got |= {"authors": list(found.authors), "tags": list(found.tags), "related": [story.title for story in found.related]}
    got["published_at"] = found.published_at.astimezone(UTC).isoformat() if found.published_at else None
    got |= {"blocks": len(blocks), "begins": blocks[0][:40], "ends": blocks[-1][-40:]}
    assert got == want


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_no_sample_keeps_its_page(path: Path) -> None:
    """Nothing of the page around it is in the body, and no field of the article is in it a second time."""
    found = made(path)
    assert not FURNITURE.search(found.content_text)
    assert "<script" not in found.content_html
    for field in (found.title, found.standfirst, found.caption):
        assert not field or field not in found.content_text
    assert found.status is ArticleStatus.SCHEDULED
    assert found.section
    assert 100 <= len(found.content_text.split()) <= 400


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_no_sample_is_dated_ahead(path: Path) -> None:
    """Every sample is of the autumn of 2026, so a first run publishes all of them at once."""
    found = made(path).published_at
    assert found is None or datetime(2026, 10, 1, tzinfo=UTC) <= found < datetime(2026, 11, 21, tzinfo=UTC)
