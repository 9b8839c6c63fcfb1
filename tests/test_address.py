"""The form of mail addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.address import masked, parse
from publisher.errors import PublisherError


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("jo@example.org", "jo@example.org"),
        ("  Jo.Smith+news@Example.ORG ", "jo.smith+news@example.org"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("jo@bücher.example", "jo@xn--bcher-kva.example"),
        ("jo@BÜCHER.example", "jo@xn--bcher-kva.example"),
        ("jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"),
        ("jo@straße.example", "jo@xn--strae-oqa.example"),
        ("jo@例え.テスト", "jo@xn--r8jz45g.xn--zckzah"),
        ("JÖRG@example.org", "jörg@example.org"),
        ("Jo\u0308rg@example.org", "jörg@example.org"),
        ("δοκιμή@παράδειγμα.δοκιμή", "δοκιμή@xn--hxajbheg2az3al.xn--jxalpdlp"),
        ("jo@localhost", "jo@localhost"),
    ],
)
def test_equal_addresses_have_equal_keys(text: str, key: str) -> None:
    """Domains compare as lower-case A-labels (ß stays ß), local parts without regard to case; given stays given."""
    found = parse(text)
    assert found.key == key
    assert found.given == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "jo", "@example.org", "jo@", "jo@@example.org", "a@b@example.org", "jo smith@example.org",
        "jo@example.org\r\nBcc: x@example.org", "jo@exam\nple.org", "jo\0@example.org", "jo\u202e@example.org",
        "jo\u200b@example.org", "jo@example..org", "jo@.example.org", "jo@example.org.", "jo@-a.example", "jo@a_b.example",
        ".jo@example.org", "jo.@example.org", "j..o@example.org", "jo@127.0.0.1", "jo@[127.0.0.1]", '"jo"@example.org',
        "Jo <jo@example.org>", "jo@example.org,ann@example.org", "jo@example.org;x", "jo@xn--a", "jo@ex\ud800ample.org",
        "a" * 65 + "@example.org", "jo@" + "a" * 64 + ".org", "jo@" + "a." * 130 + "org", "ü" * 33 + "@example.org",
        "x" * 1_000_000 + "@example.org", "jo@\u2028example.org",
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str) -> None:
    """One line, and never the whole of a long input."""
    with pytest.raises(PublisherError) as caught:
        parse(text)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


@given(st.text())
def test_no_text_gets_a_control_character_through(text: str) -> None:
    """Whatever comes in, what is taken can stand in a header, and parsing its own key changes nothing."""
    try:
        found = parse(text + "@example.org")
    except PublisherError:
        return
    assert found.given.isprintable()
    assert not any(char.isspace() for char in found.given)
    assert parse(found.key).key == found.key


def test_masking_keeps_the_address_from_others() -> None:
    """First letter and domain."""
    assert masked("jo.smith@example.org") == "j\u2026@example.org"
    assert masked("") == "\u2026"
