"""Headers: nothing that a title or a name holds breaks out, and everything reads back."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import MessageError
from publisher.mail import address, headers
from publisher.mail.address import Mailbox
from publisher.text import one_line

HOSTILE = [
    "Plain title", "", " ", "Prices up 5 % – “a shock”", "Заголовок на русском языке, довольно длинный, чтобы его свернуть",
    "a\r\nBcc: x@y.org", "a\nb\rc\0d", "=?utf-8?q?a=0ABcc=3A_x=40y?=", "=?utf-8?b?Zm9v?= tail", "x" * 10_000, "ü" * 5_000,
    "word " * 2_000, "👩‍👩‍👧‍👦" * 200, "\u2028line\u2029para", "a?= b", "tab\there", "a" * 69, "a" * 70, "a " + "b" * 77, "=", "?=",
]


def read(raw: bytes, name: str) -> str:
    return str(message_from_bytes(raw + b"\r\n", policy=policy.default)[name])


def lines(raw: bytes) -> list[bytes]:
    assert raw.endswith(b"\r\n")
    return raw[:-2].split(b"\r\n")


def sound(raw: bytes) -> None:
    """One field of printable ASCII, folded at 78."""
    first, *rest = lines(raw)
    assert all(0x20 <= byte <= 0x7E for line in (first, *rest) for byte in line)
    assert all(line.startswith(b" ") for line in rest)
    assert all(len(line) <= headers.WIDTH for line in (first, *rest))


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_titles_read_back(title: str) -> None:
    """What a title holds stays inside its header and reads back to the same text."""
    raw = headers.text("Subject", title)
    sound(raw)
    assert read(raw, "Subject") == one_line(title)


@given(st.text(max_size=400))
def test_any_title_reads_back(title: str) -> None:
    """Any text at all makes one sound header that Python's parser reads back."""
    raw = headers.text("Subject", title)
    sound(raw)
    assert read(raw, "Subject") == one_line(title)


def read_mailbox(raw: bytes) -> tuple[str, str]:
    """Name and address, the name decoded apart: Python's structured parser puts spaces between encoded words."""
    parsed = message_from_bytes(raw + b"\r\n", policy=policy.default)["To"]
    assert len(parsed.addresses) == 1
    name, found = parseaddr(b"".join(lines(raw)).decode().removeprefix("To: "))
    assert found == parsed.addresses[0].addr_spec
    return str(make_header(decode_header(name))), found


@given(st.text(max_size=200) | st.text(st.characters(codec="utf-8"), min_size=60, max_size=200))
def test_any_name_reads_back(name: str) -> None:
    """Any display name leaves exactly one address, and reads back."""
    raw = headers.mailboxes("To", address.mailbox("a.b@example.org", name))
    sound(raw)
    assert read_mailbox(raw) == (one_line(name), "a.b@example.org")


@pytest.mark.parametrize("name", ['Anna "Ann" O\'Neil, Jr. <boss@evil.org>', "a" * 200, "Müller, Jörg", "\\", 'x"y', "=?utf-8?q?x?="])
def test_names_are_never_addresses(name: str) -> None:
    """Commas, quotes and angle brackets in a name stay in the name."""
    assert read_mailbox(headers.mailboxes("To", address.mailbox("a@b.org", name))) == (name, "a@b.org")


def test_encoded_words_hold_whole_characters() -> None:
    """No encoded word is longer than 75 characters or cuts a character in two (RFC 2047 section 5)."""
    for title in ("ж" * 300, "€" * 300 + "abc" * 100):
        for word in headers.text("Subject", title).removeprefix(b"Subject:").split():
            assert len(word) <= 75
            assert "�" not in read(b"Subject: " + word + b"\r\n", "Subject")


def test_unsubscribe_urls_are_never_encoded() -> None:
    """A long URL stays as it is on its line."""
    url = "<https://example.org/u/" + "x" * 120 + ">"
    assert headers.plain("List-Unsubscribe", url) == b"List-Unsubscribe: " + url.encode() + b"\r\n"
    with pytest.raises(ValueError, match="printable"):
        headers.plain("List-Unsubscribe", "<https://example.org/ä>")


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("Anna@Example.ORG", "Anna@example.org"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@straße.de", "a@xn--strae-oqa.de"),
        ("a@例え.jp", "a@xn--r8jz45g.jp"),
        ("a@ｅｘａｍｐｌｅ.org", "a@example.org"),
        ("a+tag@localhost", "a+tag@localhost"),
        ("ünï@example.org", "ünï@example.org"),
    ],
)
def test_addresses(email: str, expected: str) -> None:
    """Domains become A-labels and the local part stays as it is."""
    assert address.mailbox(email).address == expected
    assert address.mailbox(email).needs_utf8 is not expected.isascii()


@pytest.mark.parametrize(
    "email",
    ["", "nobody", "@b", "a@", "a b@c", "a@b>,<c@d", "a\r\nRCPT TO:<x@y>@z.org", "a>@b.org", "a@b c", "a@-b.org", "a@b..org",
     "a@[127.0.0.1]", "x" * 255 + "@b.org", "a\u200b@b.org", "a@\U0001f600.org"],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    """Nothing that could end a command or a header passes as an address, and the error does not repeat it."""
    with pytest.raises(MessageError) as caught:
        address.mailbox(email)
    assert not email or email not in str(caught.value)


def test_setting_with_name() -> None:
    """The sender's setting may carry a name, quoted or not."""
    assert address.parse('"Courier, The" <a@b.org>') == Mailbox("Courier, The", "a@b.org")
    assert address.parse("Courier <a@b.org>") == Mailbox("Courier", "a@b.org")
    assert address.parse("a@b.org") == Mailbox("", "a@b.org")
