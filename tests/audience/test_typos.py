"""Slips of the keyboard in the domain of an address."""

from __future__ import annotations

import pytest

from publisher import address
from publisher.audience.typos import meant


@pytest.mark.parametrize(("typed", "expected"), [
    ("ann@gmial.com", "ann@gmail.com"), ("ann@gamil.com", "ann@gmail.com"), ("ann@gmai.com", "ann@gmail.com"),
    ("ann@gmaill.com", "ann@gmail.com"), ("ann@gnail.com", "ann@gmail.com"), ("ann@gmail.con", "ann@gmail.com"),
    ("ann@gmail.cm", "ann@gmail.com"), ("ann@gmail.comm", "ann@gmail.com"), ("Ann.B+x@HOTMIAL.com", "Ann.B+x@hotmail.com"),
    ("ann@hotmai.com", "ann@hotmail.com"), ("ann@yaho.com", "ann@yahoo.com"), ("ann@yahooo.com", "ann@yahoo.com"),
    ("ann@outlok.com", "ann@outlook.com"), ("ann@iclod.com", "ann@icloud.com"), ("ann@example.con", "ann@example.com"),
    ("ann@example.ogr", "ann@example.org"), ("ann@gmial.con", "ann@gmail.com"), ("ann@wbe.de", "ann@web.de"),
])
def test_a_slip_is_mended(typed: str, expected: str) -> None:
    """One letter more, less, another, or two swapped; an end that is no domain; what stands before the @ stays."""
    assert meant(address.parse(typed)) == expected


@pytest.mark.parametrize("typed", [
    "ann@gmail.com", "ann@GMAIL.com", "ann@example.org", "ann@mail.com", "ann@ymail.com", "ann@gmx.com", "ann@live.nl",
    "ann@me.com", "ann@email.com", "ann@hotmail.de", "ann@yahoo.co.jp", "ann@yahoo.ca", "ann@münchen.example",
    "ann@club.example.net", "ann@connect.example", "ann@gmail.co", "a@b.io", "ann@mail.ru", "ann@proton.me",
])
def test_what_may_well_be_meant_is_left_alone(typed: str) -> None:
    """Other providers, and domains that are near none."""
    assert meant(address.parse(typed)) == ""


def test_mending_once_is_enough() -> None:
    """What is proposed is no slip itself."""
    for domain in ("gmial.com", "hotmial.com", "gmail.con", "yaho.com", "outlok.com", "example.con"):
        assert meant(address.parse(meant(address.parse(f"ann@{domain}")))) == ""
