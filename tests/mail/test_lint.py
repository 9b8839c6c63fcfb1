"""The lint on raw bytes: each rule of the contract, broken once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publisher.mail.lint import Rules, lint

LINK, STORY = "https://n.org/u/abc", "https://n.org/articles/one"
HTML = f'<html lang="en"><body><a href="{STORY}">One</a> <a href="{LINK}">Leave</a> 1 Mill Lane,<br>Town</body></html>'
TEXT = f"One\r\n{STORY}\r\n\r\nLeave:\r\n{LINK}\r\n1 Mill Lane, Town"
GOOD = (
    "From: N <n@n.org>\r\nTo: Jo <jo@m.org>\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n"
    "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <d1.x@n.org>\r\nMIME-Version: 1.0\r\nList-Id: N <daily.n.org>\r\n"
    f"List-Unsubscribe: <{LINK}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: daily:digest:en:norg0\r\n"
    'Content-Type: multipart/alternative; boundary="=_b"\r\n\r\n'
    "--=_b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    f"{TEXT}\r\n"
    "--=_b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    f"{HTML.replace('=', '=3D').replace('</a>', '</a>=' + chr(13) + chr(10))}\r\n"
    "--=_b--\r\n"
).encode()
RULES = Rules(links=(STORY,), postal_address="1 Mill Lane\nTown")


def test_a_good_message_passes() -> None:
    """Nothing is found where nothing is wrong."""
    assert lint(GOOD, RULES) == ()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Caf=C3=A9?=\r\n", "Caf=C3=A9?=\n", "no CRLF"),
        ("Subject: ", "Subject: \rx", "no CRLF"),
        ("Leave:", "Leave:\n", "no CRLF"),
        ("Subject: ", "Subject: é", "subject: a byte that is no printable ASCII"),
        ("Subject: ", "Subject: \x07", "subject: a byte"),
        ("Caf=C3=A9", "Caf=0ABcc=3A", "subject: a control character inside"),
        ("?q?Caf=C3=A9", "?b?Zg1CY2M=", "subject: a control character inside"),
        ("Subject: =?utf-8?q?Caf=C3=A9?=\r\n", "", "subject: missing"),
        ("Date: ", "X-Date: ", "date: missing"),
        ("To: Jo", "To: Al <al@m.org>\r\nTo: Jo", "to: 2 times"),
        ("List-Id: N", "List-Id: M <m.n.org>\r\nList-Id: N", "list-id: 2 times"),
        ("From: N <n@n.org>", "From: N <n@n.org>, M <m@n.org>", "from: not exactly one"),
        ("<d1.x@n.org>", "d1.x@n.org", "message-id: not of the form"),
        ("List-Id: N <daily.n.org>\r\n", "", "list-id: missing"),
        (f"<{LINK}>", "=?utf-8?q?=3Chttps=3A//n=2Eorg/u/abc=3E?=", "list-unsubscribe: not one web address"),
        (f"<{LINK}>", f"<{LINK}>, <{LINK}>", "list-unsubscribe: not one web address"),
        (f"List-Unsubscribe: <{LINK}>", "List-Unsubscribe: <http://n.org/u/abc>", "list-unsubscribe: not HTTPS"),
        ("=One-Click", "=1", "list-unsubscribe-post: not"),
        ("Feedback-ID: daily:digest:en:norg0", "Feedback-ID: daily:digest:d1.x:norg0", "feedback-id: a field that is unique"),
        ("Feedback-ID: daily:digest:en:norg0", "Feedback-ID: a:b:c:d:e:norg0", "feedback-id: not of the form"),
        ("--=_b--\r\n", "", "the last boundary is not closed"),
        ("Leave:\r\n", "Leave:\r\n--=_bad\r\n", "a boundary stands inside"),
        ("1 Mill Lane, Town\r\n--", "=E9 1 Mill Lane, Town\r\n--", "the text part is not what its charset"),
        ("1 Mill Lane, Town\r\n--", "1 Mill Lane, Town=x\r\n--", "the text part is not what its charset"),
        (f"One\r\n{STORY}", "One\r\nhttps://n.org/articles/one-more", "the text part lacks the story link"),
        ('href=3D"https://n.org/articles/one"', 'href=3D"https://n.org/articles/on"', "the HTML part lacks the story link"),
        (f"Leave:\r\n{LINK}", "Leave:\r\n", "the text part lacks the unsubscribe link"),
        (f'href=3D"{LINK}"', 'href=3D"#"', "the HTML part lacks the unsubscribe link"),
        ("1 Mill Lane, Town\r\n--", "1 Mill Lane\r\n--", "the text part lacks the postal address"),
        ("<br>Town", "", "the HTML part lacks the postal address"),
        ("Leave:", "=EE=80=80Leave", "the text part has an open slot"),
        ("Subject: ", "Broken line\r\nSubject: ", "a header line without a name"),
    ],
)
def test_each_rule(old: str, new: str, fault: str) -> None:
    """A message that breaks one rule is told which."""
    assert old.encode() in GOOD
    found = lint(GOOD.replace(old.encode(), new.encode(), 1), RULES)
    assert any(fault in line for line in found), found


def test_long_lines() -> None:
    """A line of more than 998 bytes is a fault."""
    assert "a line of more than 998 bytes" in lint(GOOD.replace(b"Leave:", b"x" * 999), RULES)


def test_large_html() -> None:
    """An HTML part that Gmail would clip is a fault."""
    big = GOOD.replace(b"</body>", b"<p>word word word</p>=\r\n" * 5000 + b"</body>")
    assert lint(big, RULES) == ("the HTML part is larger than 80 kB",)


def test_local_runs_may_use_http() -> None:
    """Where the site itself is not HTTPS, its unsubscribe link need not be."""
    plain = GOOD.replace(b"https://n.org/u", b"http://n.org/u")
    assert lint(plain, RULES) == ("list-unsubscribe: not HTTPS",)
    assert lint(plain, replace(RULES, https=False)) == ()


def test_notices_belong_to_no_list() -> None:
    """A notice with a list's headers is a fault."""
    assert "list-unsubscribe: in a notice" in lint(GOOD, Rules(bulk=False))


def test_mailto_beside_the_web_address() -> None:
    """One mailto may follow the web address."""
    assert lint(GOOD.replace(f"<{LINK}>".encode(), f"<{LINK}>, <mailto:u@n.org>".encode()), RULES) == ()


def test_signature_must_cover() -> None:
    """Where a signature is expected it must be there, cover each header and name the unsubscribe headers twice."""
    assert lint(GOOD, replace(RULES, signed=True)) == ("dkim-signature: missing",)
    signed = b"DKIM-Signature: v=1; h=from:to:subject; b=x\r\n" + GOOD
    found = lint(signed, RULES)
    assert "dkim-signature: does not cover date" in found
    names = "from:to:subject:date:message-id:mime-version:list-id:list-unsubscribe:list-unsubscribe-post:feedback-id:content-type"
    assert lint(f"DKIM-Signature: v=1; h={names}; b=x\r\n".encode() + GOOD, RULES) == (
        "dkim-signature: does not oversign list-unsubscribe", "dkim-signature: does not oversign list-unsubscribe-post",
    )


def test_headers_alone() -> None:
    """The quick look finds faults of the headers and leaves the body alone."""
    assert lint(GOOD.replace(b"Leave:", b"x" * 999), RULES, body=False) == ()
    assert lint(GOOD.replace(b"Subject: ", b"Subject: \x07"), RULES, body=False) != ()


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"x", b"From: a@b.org\r\n\r\n", bytes(range(256)) * 3])
def test_rubbish_has_faults(raw: bytes) -> None:
    """Whatever it is given, the lint answers."""
    assert lint(raw, RULES)
