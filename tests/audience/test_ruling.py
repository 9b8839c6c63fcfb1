"""The rules for adding and importing, as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from publisher.audience.ruling import Known, Ruling, Word, left_before, rule, weightier
from publisher.model import SubscriptionState

ACTIVE, PENDING, GONE = SubscriptionState.ACTIVE, SubscriptionState.PENDING, SubscriptionState.UNSUBSCRIBED
NOTHING = Known()
R, W = Ruling, Word


@pytest.mark.parametrize(
    ("known", "confirmed", "ask", "unsaid", "left", "barred"),
    [
        (NOTHING, R.ACTIVATE, R.ASK, R.WAIT, R.END, R.BAR),
        (Known(state=PENDING), R.ACTIVATE, R.ASK, R.WAIT, R.END, R.BAR),
        (Known(state=PENDING, left=True), R.LEFT_BEFORE, R.LEFT_BEFORE, R.LEFT_BEFORE, R.END, R.BAR),
        (Known(state=ACTIVE), R.KEEP, R.KEEP, R.KEEP, R.END, R.BAR),
        (Known(state=ACTIVE, own=True), R.KEEP, R.KEEP, R.KEEP, R.KEEP, R.BAR),
        (Known(state=GONE, left=True), R.LEFT_BEFORE, R.LEFT_BEFORE, R.LEFT_BEFORE, R.LEFT_BEFORE, R.BAR),
        (Known(state=GONE, left=True, own=True), R.LEFT_BEFORE, R.LEFT_BEFORE, R.LEFT_BEFORE, R.LEFT_BEFORE, R.BAR),
        (Known("unsubscribed"), R.LEFT_BEFORE, R.LEFT_BEFORE, R.LEFT_BEFORE, R.END, R.BAR),
        (Known("erased"), R.LEFT_BEFORE, R.LEFT_BEFORE, R.LEFT_BEFORE, R.END, R.BAR),
        (Known("unsubscribed", ACTIVE), R.KEEP, R.KEEP, R.KEEP, R.END, R.BAR),
        (Known("bounce"), *[R.SUPPRESSED] * 5),
        (Known("complaint", ACTIVE, own=True), *[R.SUPPRESSED] * 5),
        (Known("operator", GONE, left=True), *[R.SUPPRESSED] * 5),
    ],
)  # fmt: skip
def test_what_is_to_be_done(
    known: Known, confirmed: Ruling, ask: Ruling, unsaid: Ruling, left: Ruling, barred: Ruling
) -> None:
    """For each word, by what is known of the address."""
    assert [rule(word, known) for word in (W.CONFIRMED, W.ASK, W.UNSAID, W.LEFT, W.BARRED)] == [
        confirmed, ask, unsaid, left, barred,
    ]


def test_I11_no_word_brings_back_who_left_or_is_suppressed() -> None:
    """Whatever else is known."""
    for word, reason, state, left, own in product(
        Word, (None, "unsubscribed", "erased", "bounce", "complaint", "operator"), (None, *SubscriptionState),
        (True, False), (True, False),
    ):
        found = rule(word, Known(reason, state, left, own))
        if reason not in (None, "unsubscribed", "erased"):
            assert found == R.SUPPRESSED
        if (left or reason) and state != ACTIVE:
            assert found not in (R.ACTIVATE, R.ASK, R.WAIT)


def test_who_left_is_known_by_what_remains_of_them() -> None:
    """By the state, by a confirmation that once was, or by the record."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert left_before(GONE, None, ())
    assert left_before(PENDING, at, ("operator",))
    assert left_before(PENDING, None, ("asked", "left", "asked"))
    assert not left_before(PENDING, None, ("asked",))
    assert not left_before(ACTIVE, at, ("operator", "left", "confirmed"))


def test_a_suppression_gives_way_to_a_weightier_one_only() -> None:
    """What a fresh confirmation lifts gives way to what it does not."""
    assert weightier("bounce", "unsubscribed")
    assert weightier("operator", "erased")
    assert not weightier("unsubscribed", "bounce")
    assert not weightier("complaint", "bounce")
    assert not weightier("erased", "unsubscribed")
