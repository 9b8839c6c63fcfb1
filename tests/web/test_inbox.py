"""The development inbox: what it shows, and to whom."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from publisher.config import Settings
from publisher.mail_settings import Mail
from publisher.settings import Web
from publisher.templating import Templates
from publisher.web.app import build_app
from publisher.web.inbox import linked
from publisher.web.server import listening

OLD, NEW = f"1000.M{'0' * 20}.eml", f"1001.M{'1' * 20}.eml"


def fill(settings: Settings) -> None:
    """Two messages, the second with HTML that tries things."""
    settings.inbox.mkdir(parents=True, exist_ok=True)
    for name, subject in ((OLD, "The first"), (NEW, "The <second>")):
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, "Courier <c@example.org>", "jo@example.org"
        message.set_content("Read http://127.0.0.1:8000/articles/tide.\n<b>plain</b>\n")
        message.add_alternative("<html><head></head><body><h1>Tide</h1><script>steal()</script></body></html>", "html")
        (settings.inbox / name).write_bytes(message.as_bytes())


async def test_messages_are_listed_newest_first_and_shown_in_all_their_parts(web: Any) -> None:
    """The list; then headers, text with links, the HTML in a sealed frame, and the raw bytes."""
    assert "No message yet" in (await web.client.get("/inbox/")).text
    fill(web.settings)
    index = (await web.client.get("/inbox/")).text
    assert index.index("The &lt;second&gt;") < index.index("The first")
    shown = (await web.client.get(f"/inbox/{NEW}")).text
    assert "Subject: The &lt;second&gt;" in shown
    assert "&lt;b&gt;plain&lt;/b&gt;" in shown
    assert '<a href="http://127.0.0.1:8000/articles/tide" rel="noreferrer">' in shown
    assert "steal()" not in shown
    raw = await web.client.get(f"/inbox/{NEW}/raw")
    assert raw.content == (web.settings.inbox / NEW).read_bytes()
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_html_part_is_sealed(web: Any) -> None:
    """No scripts and no origin, by the frame's attribute and by the part's own policy; links open in a new tab."""
    fill(web.settings)
    shown = (await web.client.get(f"/inbox/{NEW}")).text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    part = await web.client.get(f"/inbox/{NEW}/html")
    policy = part.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "script-src" not in policy
    assert part.headers["x-frame-options"] == "SAMEORIGIN"
    assert '<head><base target="_blank">' in part.text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8000"])
async def test_a_loopback_name_is_let_in(web: Any, host: str) -> None:
    """Any name of this machine's loopback, with any port."""
    assert (await web.client.get("/inbox/", headers={"Host": host})).status_code == 200


async def test_everyone_else_finds_nothing_there(web: Any) -> None:
    """Another Host (DNS rebinding) or any header of a proxy: 404, on every page of it."""
    fill(web.settings)
    hosts = [
        "news.example.org", "127.0.0.1.example.org", "localhost.example.org", "127.0.0.1@example.org", "[::1].example",
        "localhost:", "localhost:8000:1", "127.1", "2130706433", "0.0.0.0", "127.0.0.1, example.org", "",
    ]
    between = [
        "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server",
        "X-Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP",
    ]
    cases = [{"Host": host} for host in hosts] + [{name: "127.0.0.1"} for name in between]
    for headers in cases:
        for path in ("/inbox/", f"/inbox/{NEW}", f"/inbox/{NEW}/html", f"/inbox/{NEW}/raw", "/inbox"):
            answer = await web.client.get(path, headers=headers)
            assert answer.status_code == 404, (headers, path)
            assert "The &lt;" not in answer.text


async def test_names_that_are_no_message_are_404(web: Any) -> None:
    """Only the names that the mailer gives lead to a file."""
    fill(web.settings)
    (web.settings.inbox / "notes.eml").write_text("secret")
    for name in ("notes.eml", "..%2f..%2fsecret.txt", "%2e%2e", f"{NEW}x", f"9.M{'2' * 20}.eml", "a%00b"):
        for tail in ("", "/html", "/raw"):
            assert (await web.client.get(f"/inbox/{name}{tail}")).status_code == 404


@pytest.mark.parametrize(
    "change", [{"mail": Mail(transport="maildir")}, {"mail": Mail(transport="smtp")}, {"web": Web(host="0.0.0.0")}]
)
async def test_there_is_no_inbox_in_earnest(web: Any, change: dict[str, Any]) -> None:
    """With another transport, or bound to more than the loopback, there is no such page."""
    settings = web.settings.model_copy(update=change)
    fill(settings)
    app = build_app(web.store, settings, Templates(), web.keys, ready=lambda: None)
    async with listening(app, "127.0.0.1", 0) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        assert (await client.get("/inbox/")).status_code == 404


def test_plain_text_becomes_harmless_html() -> None:
    """Addresses become links without the full stop after them; everything else is escaped."""
    assert linked('<i> & https://example.org/a?b=1&c"x".') == (
        '&lt;i&gt; &amp; <a href="https://example.org/a?b=1&amp;c" rel="noreferrer">https://example.org/a?b=1&amp;c</a>'
        "&quot;x&quot;."
    )
    assert linked("(http://127.0.0.1/a).").endswith("</a>).")
    assert linked("javascript:alert(1)") == "javascript:alert(1)"
