"""The one form of an old address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher import old_addresses


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/2020/05/tide/", "", "/2020/05/tide"), ("/2020/05/tide", "utm_source=x", "/2020/05/tide"),
        ("/", "p=12&preview=1", "/?p=12"), ("/blog/", "page_id=3", "/blog?page_id=3"), ("/", "", ""), ("/", "q=p", ""),
        ("/", "p=x", ""), ("//evil.example", "", ""), ("/a\\b", "", ""), ("/a\nb", "", ""), ("x", "", ""),
        ("/" + "a" * 600, "", ""), ("/cafe\u0301", "", "/caf\u00e9"),
    ],
)
def test_address_has_one_form(path: str, query: str, expected: str) -> None:
    """Closing slashes and what a newsletter adds make no difference; a home page is no article."""
    assert old_addresses.key(path, query) == expected


def test_addresses_of_an_export_have_the_same_form() -> None:
    """Percent-encoded there, decoded at our door; each once, and what is no address not at all."""
    found = ["https://o.example/%D1%87%D0%B0%D1%81/", "http://www.o.example/час", "mailto:a@b", "urn:x", "http://[", "/x"]
    assert old_addresses.of_urls(found) == ("/час",)


@given(st.text(), st.text())
def test_form_is_its_own_form(path: str, query: str) -> None:
    """Whatever the request, and without an error."""
    found = old_addresses.key(path, query)
    assert old_addresses.key(*found.split("?", 1)) == found if "?p" in found else True
