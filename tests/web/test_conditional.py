"""Content codings and conditional requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.web.conditional import CODINGS, Conditions, coding_for, http_date, http_seconds, status_for

TAG = '"abc-br"'
NOON = 1772366400
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0, br;q=0", "identity"),
        ("*", "br"),
        ("*;q=0", None),
        ("identity;q=0", None),
        ("identity;q=0, gzip", "gzip"),
        ("*;q=0, identity", "identity"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0, gzip;q=0, br;q=0", None),
        ("deflate", "identity"),
        ("gzip;q=2", "identity"),
        ("gzip;q=x, br;q=0.001", "br"),
        (",,;q=1,", "identity"),
    ],
)
def test_coding_follows_the_clients_weights(header: str | None, coding: str | None) -> None:
    """The best liked coding wins; q=0 refuses; what is malformed is passed over."""
    assert coding_for(header) == coding


@given(st.text())
def test_any_header_gives_an_answer(header: str) -> None:
    """No header, however odd, is an error."""
    assert coding_for(header) in (*CODINGS, None)
    conditions = Conditions(header, header, header, header)
    assert status_for(conditions, TAG, NOON) in (200, 304, 412)


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        (Conditions(), 200),
        (Conditions(if_none_match=TAG), 304),
        (Conditions(if_none_match=f"W/{TAG}"), 304),
        (Conditions(if_none_match='"x", W/"y,z" , ' + TAG), 304),
        (Conditions(if_none_match="*"), 304),
        (Conditions(if_none_match='"abc-gz"'), 200),
        (Conditions(if_none_match="abc-br"), 200),
        (Conditions(if_none_match='"other"', if_modified_since=DATE), 200),
        (Conditions(if_none_match=TAG, if_modified_since="Sun, 01 Mar 2020 12:00:00 GMT"), 304),
        (Conditions(if_modified_since=DATE), 304),
        (Conditions(if_modified_since="Sun, 01 Mar 2026 11:59:59 GMT"), 200),
        (Conditions(if_modified_since="Mon, 02 Mar 2026 12:00:00 GMT"), 304),
        (Conditions(if_modified_since="Sunday, 01-Mar-26 12:00:00 GMT"), 304),
        (Conditions(if_modified_since="Sun Mar  1 12:00:00 2026"), 304),
        (Conditions(if_modified_since="yesterday"), 200),
        (Conditions(if_match=TAG), 200),
        (Conditions(if_match=f"W/{TAG}"), 412),
        (Conditions(if_match='"other"'), 412),
        (Conditions(if_match="*"), 200),
        (Conditions(if_unmodified_since="Sun, 01 Mar 2026 11:00:00 GMT"), 412),
        (Conditions(if_unmodified_since=DATE, if_none_match=TAG), 304),
    ],
)
def test_conditions_in_their_order_of_precedence(conditions: Conditions, status: int) -> None:
    """Entity tags win over dates; If-None-Match compares weakly, If-Match strongly."""
    assert status_for(conditions, TAG, NOON) == status


@given(st.integers(min_value=0, max_value=4_000_000_000))
def test_dates_survive_the_round_trip(seconds: int) -> None:
    """An HTTP date means the second that it was made from."""
    assert http_seconds(http_date(seconds)) == seconds
