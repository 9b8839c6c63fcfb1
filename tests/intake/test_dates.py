"""Dates as documents write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.intake import dates

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-05", "2026-11-04T23:00:00+00:00"),
        ("2026-07-05 07:30", "2026-07-05T05:30:00+00:00"),
        ("2026-11-05T07:30:00Z", "2026-11-05T07:30:00+00:00"),
        ("2026-11-05 07:30:00 -0500", "2026-11-05T12:30:00+00:00"),
        ("2026-11-05T07:30:00.250+01:00", "2026-11-05T06:30:00.250000+00:00"),
        ("Thu, 05 Nov 2026 07:30:00 GMT", "2026-11-05T07:30:00+00:00"),
        ("5 November 2026, 7.30 pm", "2026-11-05T18:30:00+00:00"),
        ("November 5th, 2026", "2026-11-04T23:00:00+00:00"),
        ("Donnerstag, 5. März 2026", "2026-03-04T23:00:00+00:00"),
        ("5 de octubre de 2026", "2026-10-04T22:00:00+00:00"),
        ("05.11.2026 06:00", "2026-11-05T05:00:00+00:00"),
        ("2026年11月5日", "2026-11-04T23:00:00+00:00"),
        ("2026/11/05", "2026-11-04T23:00:00+00:00"),
        ("2026-03-29 02:30", "2026-03-29T01:30:00+00:00"),
        ("Publié le 20 novembre 2026 à 18h30", "2026-11-20T17:30:00+00:00"),
        ("20 de novembro de 2026 às 18 h 30", "2026-11-20T17:30:00+00:00"),
        ("2026年11月20日18時30分", "2026-11-20T17:30:00+00:00"),
        ("20 listopada 2026, 18:30", "2026-11-20T17:30:00+00:00"),
        ("20 Kasım 2026", "2026-11-19T23:00:00+00:00"),
        ("Friday 20 November 2026 18.30 GMT", "2026-11-20T18:30:00+00:00"),
        ("November 20, 2026 6:30 p.m. GMT", "2026-11-20T18:30:00+00:00"),
        ("November 20, 2026 6:30 PM", "2026-11-20T17:30:00+00:00"),
        ("20 November 2026 6:30 PM", "2026-11-20T17:30:00+00:00"),
        ("20 Nov 2026 18:30 EST", "2026-11-20T23:30:00+00:00"),
        ("Fri Nov 20 18:30:00 2026", "2026-11-20T17:30:00+00:00"),
    ],
)
def test_dates_without_a_zone_are_the_sites(text: str, instant: str) -> None:
    """ISO 8601, RFC 2822 and dates as people write them; a date alone is midnight in the site's zone."""
    found = dates.parse(text, BERLIN)
    assert found == datetime.fromisoformat(instant)


@pytest.mark.parametrize("text", ["", "soon", "12:30", "2026-13-40", "31 February 2026", "0001-01-01", "9999-12-31", "November 2026", "5/11/26"])
def test_what_means_no_day_is_no_date(text: str) -> None:
    """Half dates, impossible ones and absurd years are none."""
    assert dates.parse(text, BERLIN) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_dates(text: str) -> None:
    """Whatever stands in a date field, the outcome is a date or None."""
    dates.parse(text, BERLIN)
