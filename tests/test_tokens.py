"""Tokens in links."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher import tokens
from publisher.crypto import Keys

KEYS = Keys((b"n" * 32, b"o" * 32))


@given(st.integers(0, 2**40 - 1), st.text(max_size=20))
def test_token_is_short_and_names_its_row(row: int, extra: str) -> None:
    """20 characters that need no escaping in a URL."""
    token = tokens.make(KEYS, tokens.UNSUBSCRIBE, row, extra)
    assert re.fullmatch(r"[A-Za-z0-9_-]{20}", token)
    assert tokens.row_of(token) == row
    assert tokens.valid(KEYS, tokens.UNSUBSCRIBE, token, extra)


def test_token_holds_for_its_purpose_row_and_extra_alone() -> None:
    """A link to confirm is none to unsubscribe, and an older generation's is void."""
    token = tokens.make(KEYS, tokens.CONFIRM, 7, "2")
    assert not tokens.valid(KEYS, tokens.UNSUBSCRIBE, token, "2")
    assert not tokens.valid(KEYS, tokens.CONFIRM, token, "3")
    assert not tokens.valid(KEYS, tokens.CONFIRM, token)
    other = tokens.make(KEYS, tokens.CONFIRM, 8, "2")
    assert not tokens.valid(KEYS, tokens.CONFIRM, other[:7] + token[7:], "2")


def test_token_outlives_a_change_of_keys() -> None:
    """Old keys verify, the newest one makes; a stranger's key does neither."""
    old = tokens.make(Keys((b"o" * 32,)), tokens.UNSUBSCRIBE, 7)
    assert tokens.valid(KEYS, tokens.UNSUBSCRIBE, old)
    assert tokens.make(KEYS, tokens.UNSUBSCRIBE, 7) == tokens.make(Keys((b"n" * 32,)), tokens.UNSUBSCRIBE, 7)
    assert not tokens.valid(Keys((b"x" * 32,)), tokens.UNSUBSCRIBE, old)


@given(st.integers(0, 19), st.sampled_from("ABCxyz019-_"))
def test_changed_token_is_void(at: int, letter: str) -> None:
    """Every character counts."""
    token = tokens.make(KEYS, tokens.UNSUBSCRIBE, 123456)
    changed = token[:at] + letter + token[at + 1 :]
    assert tokens.valid(KEYS, tokens.UNSUBSCRIBE, changed) is (changed == token)


@pytest.mark.parametrize("token", ["", "x", "é" * 20, "A" * 19, "A" * 21, "A" * 19 + "=", "A" * 19 + "+", "A" * 20 + "\n"])
def test_what_is_no_token_names_nothing(token: str) -> None:
    """Each row has one spelling of its token."""
    assert tokens.row_of(token) is None
    assert not tokens.valid(KEYS, tokens.UNSUBSCRIBE, token)


@given(st.text(max_size=30))
def test_anything_may_be_asked(token: str) -> None:
    """No input raises."""
    assert not tokens.valid(KEYS, tokens.UNSUBSCRIBE, token)
    tokens.row_of(token)
