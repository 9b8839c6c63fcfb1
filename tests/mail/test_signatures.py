"""A thousand signed messages of mixed content, as readers get them, judged by dkimpy; and what breaks a signature."""

from __future__ import annotations

import random
from collections.abc import Callable

import dkim as judge
import pytest

from publisher import slots
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail import address, message
from publisher.mail.compose import Content, compile_message, fill
from publisher.mail.dkim import OVERSIGNED
from publisher.mail.message import Envelope
from tests.mail.conftest import NOON, html_part, text_part
from tests.mail.test_dkim import SIGNER, record

NAMES = (
    "", "Jo", "Jo Öst", "Ælfgifu Þórsdóttir", "Ада Береза", "Αδα Μπερν", "עדה ברן", "آدا بيرن", "अदा बर्न", "艾達 伯恩",
    "アダ・バーン", "에이다 번", "เอดา เบิร์น", 'Ада "Ace" \\ Byrne', "=?utf-8?q?no?=", "a, b; <c@d>", "👩‍🚀 🚀" * 20, "x" * 300,
    "Ада\u202e", "Zoë\u0308", "1", "(a comment)", "@", ".",
)
WORDS = (
    "harbour", "Brücke", "l’été", "niño", "Żółć", "паром", "πλοίο", "מעבורת", "عبّارة", "नौका", "渡輪", "フェリー", "나룻배", "⛴️", ".", "..",
    ".dot", "From ", "=", "=3D", "==", "=\r\n", "\t", "  ", "--", "-- ", "--=_publisher-parts", "a" * 200, "ü" * 90, "\u2028", "\x0b", "",
)
URLS = ("https://news.example.org/articles/" + "x" * 40, "https://news.example.org/a?b=c&d=%20e")


def some_text(dice: random.Random) -> str:
    lines = []
    for _ in range(dice.randrange(12)):
        words = dice.choices((*WORDS, *URLS, slots.EMAIL, slots.UNSUBSCRIBE_URL), k=dice.randrange(25))
        lines.append(dice.choice((" ", "", "  ")).join(words))
    return dice.choice(("", "\n", ".", "\n\n\n")) + dice.choice(("\n", "\r\n", "\n.\n")).join(lines) + dice.choice(("", "\n" * 5, " "))


def content(dice: random.Random) -> Content:
    """Both parts, text alone, or empty parts."""
    html = dice.choice((some_text(dice), some_text(dice) + html_part(), "", "<p>"))
    text = dice.choice((some_text(dice), some_text(dice) + text_part(), ""))
    return Content(" ".join(dice.choices(WORDS, k=dice.randrange(1, 9))), html, text)


@pytest.fixture
def press(settings: Callable[..., Settings], keys: Keys) -> Callable[..., bytes]:
    """Makes a signed message."""
    chosen = settings(reply_to="Desk <desk@example.org>")

    def make(what: Content, name: str, *, notice: bool = False) -> bytes:
        frame = (
            message.notice_frame(chosen, SIGNER) if notice
            else message.digest_frame(chosen, "daily", language="en", signer=SIGNER)
        )
        envelope = Envelope(address.mailbox("jo.öst@example.net" if "Ö" in name else "jo@example.net", name), 7, "<d7@example.org>", NOON)
        return fill(compile_message(what, frame), message.letter(chosen, keys, envelope), NOON)

    return make


def holds(raw: bytes) -> bool:
    return bool(judge.verify(raw, dnsfunc=record))


def test_a_thousand_signatures_hold(press: Callable[..., bytes]) -> None:
    """Languages, dots at line starts, long lines, empty parts, text alone, names of every script; digests and notices."""
    dice = random.Random(20261122)
    for number in range(1000):
        what, name = content(dice), NAMES[number % len(NAMES)]
        assert holds(press(what, name, notice=number % 5 == 0)), (number, what, name)


def test_a_changed_message_fails(press: Callable[..., bytes]) -> None:
    """A changed subject, any changed byte of the body, one more and one less."""
    dice = random.Random(7)
    for _ in range(20):
        what = content(dice)
        raw = press(Content(what.subject, what.html, what.text + "\n."), dice.choice(NAMES))
        head, _, body = raw.partition(b"\r\n\r\n")
        assert not holds(raw.replace(b"\r\nSubject: ", b"\r\nSubject: Re: ", 1))
        at = dice.choice([at for at, byte in enumerate(body) if byte not in b"\r\n"])
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        assert not holds(head + b"\r\n\r\n" + changed)
        assert not holds(head + b"\r\n\r\n" + body[:at] + body[at + 1 :])
        assert not holds(head + b"\r\n\r\n" + body + b"x\r\n")


@pytest.mark.parametrize(("name", "first"), [(name, first) for name in OVERSIGNED for first in (True, False)])
def test_an_added_second_header_fails(press: Callable[..., bytes], name: str, first: bool) -> None:
    """Above or below the one that is there, and where there is none."""
    raw = press(Content("News", html_part(), text_part()), "Jo")
    assert holds(raw)
    line = name.title().encode() + b": another <a@example.com>\r\n"
    signature, _, rest = raw.partition(b"\r\nFrom:")
    forged = signature + b"\r\n" + line + b"From:" + rest if first else raw.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n", 1)
    assert not holds(forged)
