"""Pages of our own writing in the shapes of many systems: what is found is what an editor would take from them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from publisher.intake.extract import extract
from publisher.model import Extracted
from publisher.text import one_line

DATA = Path(__file__).parents[1] / "data/html_labelled"
PAGES = sorted(DATA.glob("*.html"))
FIELDS = ("title", "authors", "date", "standfirst", "section", "tags", "canonical", "image", "caption", "credit")


def made(path: Path) -> Extracted:
    return extract(path.read_bytes(), path.name, now=datetime(2026, 11, 22, tzinfo=UTC), zone=ZoneInfo("UTC"))


def fields(found: Extracted) -> dict[str, Any]:
    """What was found, in the words of the labels."""
    names = ("title", "standfirst", "section", "image", "credit", "encoding")
    return {name: getattr(found, name) for name in names} | {
        "authors": list(found.authors),
        "tags": list(found.tags),
        "canonical": found.source_url,
        "caption": found.caption.rstrip("."),
        "date": found.published_at.astimezone(UTC).isoformat() if found.published_at else "",
    }


def differences(want: dict[str, Any], found: Extracted) -> dict[str, object]:
    """What is not as wanted, by the name of the label."""
    got, body = fields(found), one_line(found.content_text)
    wrong: dict[str, object] = {name: got[name] for name in (*FIELDS, "encoding") if name in want and got[name] != want[name]}
    lost = {
        "must": [piece for piece in want["must"] if piece not in body],
        "must_not": [piece for piece in want["must_not"] if piece in body],
        "html": [piece for piece in want.get("html", ()) if piece not in found.content_html],
        "links": [link for link in want.get("links", ()) if f'href="{link}"' not in found.content_html],
    }
    return wrong | {name: pieces for name, pieces in lost.items() if pieces}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_gives_what_its_label_says(path: Path) -> None:
    """Fields, body, structure and encoding are those of the label, less what is known to be missed."""
    want = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    wrong = differences(want, made(path))
    print(f"known: {want['known']}, wrong: {wrong}")
    assert {name: value for name, value in wrong.items() if name not in want["known"]} == {}


def test_every_page_has_a_label() -> None:
    """Twelve pages, each with a label that has all fields; what is known to be missed are names of the label."""
    assert len(PAGES) == 12
    assert [path.stem for path in PAGES] == sorted(path.stem for path in DATA.glob("*.json"))
    for path in PAGES:
        want = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert set(FIELDS) | {"must", "must_not", "known"} <= set(want)
        assert set(want["known"]) < set(want)
