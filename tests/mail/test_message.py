"""Whole messages: both parts, slots, and the rule that any text makes one that the lint accepts."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as pace
from hypothesis import strategies as st

from publisher import slots, tokens
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail import address, compose, message, quoted
from publisher.mail.compose import Content, compile_message, fill
from publisher.mail.lint import lint
from publisher.mail.message import Envelope
from publisher.text import clean, one_line
from tests.mail.conftest import NOON, SITE, STORIES, html_part, text_part

CONTENT = Content("News – for you", html_part(), text_part())


def parse(raw: bytes) -> EmailMessage:
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def parts(parsed: EmailMessage) -> tuple[str, str]:
    text, html = (str(part.get_content()).replace("\r\n", "\n") for part in parsed.iter_parts())
    return text, html


def digest(settings: Settings, keys: Keys, content: Content = CONTENT, email: str = "jo@example.org", name: str = "Jo Öst") -> bytes:
    envelope = Envelope(address.mailbox(email, name), 7, "<d7@example.org>", NOON)
    compiled = compile_message(content, message.digest_frame(settings, "daily", language="en"))
    return fill(compiled, message.letter(settings, keys, envelope), NOON)


def test_digest_headers(settings: Callable[..., Settings], keys: Keys) -> None:
    """A digest has the headers that Google, Yahoo and RFC 8058 ask for, and its own Message-ID and date."""
    parsed = parse(digest(settings(reply_to="Desk <desk@example.org>"), keys))
    token = tokens.make(keys, tokens.UNSUBSCRIBE, 7)
    assert parsed["From"] == "The Example Courier <digest@example.org>"
    assert parsed["To"] == "Jo Öst <jo@example.org>"
    assert parsed["Subject"] == "News – for you"
    assert parsed["Message-ID"] == "<d7@example.org>"
    assert parsed["Date"].datetime == NOON
    assert parsed["Reply-To"] == "Desk <desk@example.org>"
    assert parsed["List-Unsubscribe"] == f"<{SITE}/u/{token}>"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed["List-Id"] == "The Daily Courier <daily.example.org>"
    assert parsed["Feedback-ID"] == "daily:digest:en:exampleorg"
    assert parsed["Precedence"] == "bulk"
    assert parsed["Auto-Submitted"] == "auto-generated"


def test_both_parts_hold_all_links(settings: Callable[..., Settings], keys: Keys) -> None:
    """The message is multipart/alternative, text first; each part has the stories and the way out, values escaped in HTML."""
    raw = digest(settings(), keys, email="o'neil&co@example.org")
    parsed = parse(raw)
    assert parsed.get_content_type() == "multipart/alternative"
    text, html = parts(parsed)
    link = f"{SITE}/u/{tokens.make(keys, tokens.UNSUBSCRIBE, 7)}"
    for wanted in (*STORIES, link):
        assert wanted in text.split("\n")
        assert f'href="{wanted}"' in html
    assert "o'neil&co@example.org" in text
    assert "o&#x27;neil&amp;co@example.org" in html
    assert lint(raw, message.digest_rules(settings(), CONTENT, address.mailbox("jo@example.org"))) == ()


def test_same_letter_same_bytes(settings: Callable[..., Settings], keys: Keys) -> None:
    """I6: a second attempt is the same message to the byte."""
    assert digest(settings(), keys) == digest(settings(), keys)


def test_open_slot_is_an_error(settings: Callable[..., Settings], keys: Keys) -> None:
    """A slot that nobody fills stops the message."""
    with pytest.raises(KeyError):
        digest(settings(), keys, Content("s", f"{slots.OPEN}shoe{slots.CLOSE}", "t"))


def test_text_only(settings: Callable[..., Settings], keys: Keys) -> None:
    """A variant without HTML makes a plain message that passes."""
    content = Content("s", "", text_part())
    raw = digest(settings(), keys, content)
    assert parse(raw).get_content_type() == "text/plain"
    assert lint(raw, message.digest_rules(settings(), content, address.mailbox("a@b.org"))) == ()


def test_utf8_address(settings: Callable[..., Settings], keys: Keys) -> None:
    """An address beyond ASCII stands in To alone, as UTF-8 (RFC 6532), and passes only where that is expected."""
    raw = digest(settings(), keys, email="jörg@example.org")
    assert "\r\nTo: =?utf-8?b?Sm8gw5ZzdA==?= <jörg@example.org>\r\n".encode() in raw
    rules = message.digest_rules(settings(), CONTENT, address.mailbox("jörg@example.org"))
    assert lint(raw, rules) == ()
    assert lint(raw, message.for_recipient(rules, address.mailbox("a@b.org"))) != ()


TEXT = st.text(max_size=300)


@pace(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=TEXT, name=TEXT, said=TEXT)
def test_any_text_passes_the_lint(settings: Callable[..., Settings], keys: Keys, title: str, name: str, said: str) -> None:
    """Any title, name and story make a message that the lint accepts and that Python's parser reads back."""
    said = clean(said)
    content = Content(clean(title), html_part().replace("</body>", f"<p>{said.replace('<', '&lt;')}</p></body>"), f"{said}\n{text_part()}")
    raw = digest(settings(), keys, content, name=name)
    assert lint(raw, message.digest_rules(settings(), content, address.mailbox("jo@example.org"))) == ()
    parsed = parse(raw)
    assert parsed["Subject"] == one_line(title)
    assert parsed["To"].addresses[0].addr_spec == "jo@example.org"
    text, html = parts(parsed)
    assert said.rstrip("\n").replace("\n", "") in text.replace("\n", "")
    assert said.replace("<", "&lt;").replace("\n", "") in html.replace("\n", "")
    assert {key.lower() for key in parsed} <= {
        "from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "list-id", "list-unsubscribe",
        "list-unsubscribe-post", "feedback-id", "precedence", "content-type",
    }


@given(st.text(max_size=500))
def test_quoted_printable_reads_back(text: str) -> None:
    """The body is CRLF, at most 76 characters a line, with no space at a line's end, and reads back."""
    text = clean(text)
    raw = b"".join(quoted.encode(clean(text)).pieces)
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert all(len(line) <= 76 and not line.endswith((b" ", b"\t")) for line in raw.split(b"\r\n"))
    read = message_from_bytes(b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n" + raw)
    payload = read.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().replace("\r\n", "\n").rstrip("\n") == text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    assert compose.BOUNDARY.encode() not in raw


def test_sample_is_for_nobodys_ledger(settings: Callable[..., Settings], keys: Keys) -> None:
    """A preview is a whole message; its unsubscribe link belongs to no subscription."""
    sample = message.sample(settings(), keys, "daily", CONTENT, email="", now=NOON)
    link = f"{SITE}/u/{tokens.make(keys, tokens.UNSUBSCRIBE, 0)}"
    assert link in sample.html
    assert link in sample.text
    assert parse(sample.message)["List-Unsubscribe"] == f"<{link}>"
    assert slots.OPEN not in sample.html + sample.text
