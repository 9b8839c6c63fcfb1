"""Which answers to commands in one piece are answers: a table."""

from __future__ import annotations

import pytest

from publisher.mail.envelope import mixed_up


@pytest.mark.parametrize(
    ("codes", "lost"),
    [
        ([250, 250, 354], False), ([250, 250], False), ([250, 550, 503], False), ([250, 450, 354], False), ([250, 250, 554], False),
        ([550, 503, 503], False), ([421], False), ([250, 421], False), ([452, 503, 503], False),
        ([354, 250, 250], True), ([250, 354, 250], True), ([250, 250, 250], True), ([250, 503, 354], True), ([250, 250, 503], True),
        ([550, 250, 354], True), ([550, 550, 354], True), ([503, 503, 503], True), ([250, 500], True),
    ],
)
def test_answers_out_of_order(codes: list[int], lost: bool) -> None:
    """A refusal is believed only where all the answers fit a server that keeps count of its commands."""
    assert mixed_up([(code, b"") for code in codes]) is lost
