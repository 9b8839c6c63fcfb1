"""Lines that say who wrote a text, and when."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from publisher.intake import byline, plain

BERLIN = ZoneInfo("Europe/Berlin")
BODY = (
    "The ferry crossed the river again on Sunday, after a winter in which nobody had seen the other bank for fog.\n\n"
    "Its captain said that the engine had been repaired with a part of a sewing machine, and that it sang now.\n\n"
)


@pytest.mark.parametrize(
    ("line", "instant"),
    [
        ("22.11.26", "2026-11-21T23:00:00+00:00"),
        ("Saalbrück, 22.11.26", "2026-11-21T23:00:00+00:00"),
        ("22.7.26, 12:30 Uhr", "2026-07-22T10:30:00+00:00"),
        ("Actualizado el 22/11/26 a las 10:15", "2026-11-22T09:15:00+00:00"),
        ("11/22/26", "2026-11-21T23:00:00+00:00"),
        ("Published 22 November 2026, 06:40", "2026-11-22T05:40:00+00:00"),
        ("Publié le 22 novembre 2026 à 9:05", "2026-11-22T08:05:00+00:00"),
        ("8 de marzo de 2026", "2026-03-07T23:00:00+00:00"),
        ("Опубліковано 4 жовтня 2026, 18:20", "2026-10-04T16:20:00+00:00"),
        ("نشر في 14 سبتمبر 2026، الساعة 09:30", "2026-09-14T07:30:00+00:00"),
        ("2026年3月15日 09:43", "2026-03-15T08:43:00+00:00"),
    ],
)
def test_a_date_line_is_in_the_sites_zone(line: str, instant: str) -> None:
    """In the six languages and in figures, with two for the year too; a date without a zone is in the site's."""
    found = byline.date(line, BERLIN)
    assert found is not None
    assert found.astimezone(ZoneInfo("UTC")).isoformat() == instant


@pytest.mark.parametrize(
    "line",
    ["04/05/26", "Version 10.11.12.26", "Call 040-12-34-56", "The bridge of 22.11.26 was never built by anyone", "99.99.26"],
)
def test_figures_that_may_mean_something_else_are_no_date(line: str) -> None:
    """Where two orders are possible, in longer chains of figures, in sentences, and for days that there are not."""
    assert byline.date(line, BERLIN) is None


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("— Jane Doe", ("Jane Doe",)),
        ("– Оксана Гнатів", ("Оксана Гнатів",)),
        ("-- By Ann Other and Ben Some", ("Ann Other", "Ben Some")),
        ("— and so it went on.", ()),
        ("- Item", ()),
        ("Jane Doe", ()),
    ],
)
def test_a_signature_is_a_name_behind_a_dash(line: str, names: tuple[str, ...]) -> None:
    """Anything else behind a dash is none, nor is a name alone."""
    assert byline.signature(line) == names


@pytest.mark.parametrize("signed", ["— Jane Doe", "Jane Doe", "By Jane Doe", "Jane Doe, science editor"])
def test_who_signs_below_the_body_is_its_author(signed: str) -> None:
    """With a dash, a label, an office or nothing but the name; the line is no part of the body."""
    page = plain.parse(f"Ferry crosses the river again\n\n{BODY}{signed}\n\nLeave a Reply\n", BERLIN)
    assert page is not None
    assert page.authors == ("Jane Doe",)
    assert not any("Jane" in paragraph for paragraph in page.body)


def test_a_byline_above_the_body_counts_before_a_name_below() -> None:
    """A name alone below the body is then the page's."""
    page = plain.parse(f"Ferry crosses the river again\n\nBy Ann Other\n\n{BODY}Jane Doe\n\nLeave a Reply\n", BERLIN)
    assert page is not None
    assert page.authors == ("Ann Other",)
