"""Any article and any name: the lint accepts the message, and two parsers read the same text back from it.

One parser is Python's, the other a minimal one of the tests' own, written from RFC 5322, 2045, 2046 and 2047 alone.
"""

from __future__ import annotations

import base64
import html as html_entities
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from dkim import rfc822_parse
from dkim.util import parse_tag_value
from hypothesis import HealthCheck, given
from hypothesis import settings as pace
from hypothesis import strategies as st

from publisher import slots
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail import address, message, quoted
from publisher.mail.compose import Content, compile_message, fill
from publisher.mail.lint import lint
from publisher.mail.message import Envelope
from publisher.text import clean, one_line
from tests.mail.conftest import NOON, html_part, text_part
from tests.mail.test_dkim import SIGNER

#: What is likely to break a message, between characters of any kind.
TRAPS = (
    ".", "..", "\n.\n", "\r\n", "\r", "\n", "\n\n", " \n", "\t\n", "=", "=20", "=\n", "=?utf-8?q?a=0ABcc=3A_x=40y?=", "--=_publisher-parts",
    "--=_publisher-parts--", "From ", "\nBcc: x@example.com\n", "\r\n\r\n", "\x00", "\x0b", "\x0c", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff",
    "\u202e", "\ue000", "\ue001", "\ue000unsubscribe\ue001", "\ud800", "a" * 80, "ü" * 40, "😀" * 20, "<", ">", "&", '"', "\\", "(", ",", ";", ":", "@",
)
TEXT = st.lists(st.one_of(st.text(max_size=12), st.sampled_from(TRAPS)), max_size=25).map("".join)
#: Of fewer letters, and long: what lines are broken by.
LONG = st.text(alphabet=" .=aü\n", max_size=400)
ANY = st.one_of(TEXT, LONG)
calm = pace(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
#: The names of the headers that a digest has.
OURS = {
    "dkim-signature", "from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "list-id", "list-unsubscribe",
    "list-unsubscribe-post", "feedback-id", "precedence", "content-type",
}


def unquoted(raw: bytes) -> bytes:
    """RFC 2045 section 6.7."""
    soft = re.sub(rb"=\r\n", b"", raw)
    return re.sub(rb"=([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), soft)


def words(value: str) -> str:
    """A header's text, RFC 2047: encoded words, and no space between two of them."""
    joined = re.sub(r"(\?=)\s+(=\?)", r"\1\2", value)

    def decoded(found: re.Match[str]) -> str:
        kind, data = found[1].lower(), found[2]
        raw = base64.b64decode(data) if kind == "b" else unquoted(data.replace("_", " ").encode())
        return raw.decode()

    return re.sub(r"=\?utf-8\?([bqBQ])\?([^?]*)\?=", decoded, joined)


def plainly(raw: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """(name in lower case, unfolded value) of each header, and the texts of the parts."""
    head, _, body = raw.partition(b"\r\n\r\n")
    found = []
    for line in re.split(rb"\r\n(?![ \t])", head):
        name, _, value = line.partition(b":")
        found.append((name.decode().lower(), value.decode().replace("\r\n", "").strip()))
    boundary = re.search(r'boundary="([^"]*)"', dict(found)["content-type"])
    if boundary is None:
        return found, [unquoted(body).decode()]
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())
    assert pieces[-1] == b"--\r\n"
    return found, [unquoted(piece.partition(b"\r\n\r\n")[2]).decode() for piece in pieces[1:-1]]


def pythons(raw: bytes) -> tuple[EmailMessage, list[str]]:
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    parts = list(parsed.iter_parts()) or [parsed]
    assert not [fault for part in (parsed, *parts) for fault in part.defects]
    return parsed, [part.get_payload(decode=True).decode() for part in parts]  # type: ignore[union-attr]  # bytes: decoded


def as_sent(text: str) -> str:
    """Line ends are the wire's, and the last one is there (the one before a boundary is the boundary's)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def read(text: str) -> str:
    assert "\r" not in text.replace("\r\n", "")
    return text.replace("\r\n", "\n").rstrip("\n")


@pytest.fixture
def chosen(settings: Callable[..., Settings]) -> Settings:
    return settings()


@calm
@given(title=ANY, name=ANY, said=ANY, inside=ANY)
def test_any_article_and_any_name(chosen: Settings, keys: Keys, title: str, name: str, said: str, inside: str) -> None:
    """The lint accepts, both parsers read the text back, and no header holds anything of the article but the subject."""
    mark = "zqarticlezq"
    title, said, inside = clean(title), clean(f"{mark}{said}"), clean(f"{mark}{inside}")
    text = f"{said}\n{text_part()}{inside}"
    html = html_part().replace("</body>", f"<p>{html_entities.escape(inside)}</p></body>") + html_entities.escape(said)
    recipient = address.mailbox("jo@example.net", name)
    content = Content(title, html, text)
    frame = message.digest_frame(chosen, "daily", language="en", signer=SIGNER)
    letter = message.letter(chosen, keys, Envelope(recipient, 7, "<d7@example.org>", NOON))
    raw = fill(compile_message(content, frame), letter, NOON)

    assert lint(raw, message.digest_rules(chosen, content, recipient)) == ()
    assert not re.search(rb"(?m)^\.", raw)
    escaped = {slot: html_entities.escape(value) for slot, value in letter.values.items()}
    wanted = [as_sent(slots.fill(text, letter.values)), as_sent(slots.fill(html, escaped))]
    headers, parts = plainly(raw)
    assert [read(part) for part in parts] == wanted
    parsed, parts = pythons(raw)
    assert [read(part) for part in parts] == wanted

    assert {key for key, _ in headers} == OURS == {key.lower() for key in parsed}
    assert len(headers) == len(OURS)
    assert [key.decode().lower() for key, _ in rfc822_parse(raw)[0]] == [key for key, _ in headers]
    assert words(dict(headers)["subject"]) == one_line(title)
    assert str(parsed["Subject"]) == one_line(title)
    assert [box.addr_spec for box in parsed["To"].addresses] == ["jo@example.net"]
    assert dict(headers)["to"].endswith("<jo@example.net>") or not one_line(name)
    signed = parse_tag_value(dict(headers)["dkim-signature"].encode())
    assert signed[b"d"] == b"example.org"
    assert not [key for key, value in headers if mark in words(value)]


@calm
@given(st.lists(st.one_of(ANY.map(clean), st.sampled_from((slots.EMAIL, slots.UNSUBSCRIBE_URL))), max_size=9), ANY, ANY)
def test_slots_at_any_place_with_any_value(texts: list[str], one: str, other: str) -> None:
    """What is filled in reads back exactly, whatever its length; no line is too long, none begins with a dot."""
    values = {slots.EMAIL: clean(one), slots.UNSUBSCRIBE_URL: clean(other)}
    text = "".join(texts)
    holed = quoted.encode(text)
    raw = holed.pieces[0]
    for hole, piece in zip(holed.holes, holed.pieces[1:], strict=True):
        raw += quoted.value(values[hole]) + piece
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"(?m)^\.", raw)
    for line in raw.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.endswith((b" ", b"\t"))
        assert re.fullmatch(rb"(?:[\t -<>-~]|=[0-9A-F]{2})*=?", line)
    wanted = as_sent(slots.fill(text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n", values))
    assert read(unquoted(raw).decode()) == wanted
