"""Pages in a real browser: nothing to scroll sideways, light and dark, no script, autodiscovery."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium, headless."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        await running.close()


async def test_pages_fit_every_screen_in_light_and_dark(site: Any, browser: Browser) -> None:
    """Home, an article, a section and the form fit 360 px and 1200 px; dark is dark; the digest in the inbox too."""
    site.done("ingest")
    site.done("subscribers", "add", "reader@example.org", "--confirmed")
    site.start()
    site.wait(lambda: list((site.root / "var/inbox").glob("*.eml")), "the digest")
    article = site.get("/feed.json").json()["items"][0]["url"]
    addresses = [f"{site.url}/", article, f"{site.url}/sections/news/", f"{site.url}/subscribe", f"{site.url}/inbox/"]
    for scheme, expected in (("light", True), ("dark", False)):
        for width in (360, 1200):
            context = await browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=True  # type: ignore[arg-type]  # one of the names that Playwright knows
            )
            page = await context.new_page()
            for address in addresses:
                await page.goto(address)
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)
                background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (_brightness(background) > 128) is expected, (address, scheme, background)
            await context.close()


async def test_a_reader_joins_and_leaves_without_javascript(site: Any, browser: Browser) -> None:
    """Form, confirmation mail, one button, welcome digest, and out again by the link in it."""
    site.done("ingest")
    site.start()
    inbox = site.root / "var/inbox"
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{site.url}/")
    assert await page.locator('link[rel="alternate"][type="application/rss+xml"]').count() >= 1
    await page.goto(f"{site.url}/subscribe")
    await page.fill('input[name="email"]', "new.reader@example.org")
    await page.locator("main form button").click()
    (mail,) = site.wait(lambda: list(inbox.glob("*.eml")), "the confirmation mail")
    await page.goto(_link(mail.read_bytes(), site.url, "/confirm/"))
    assert _states(site) == ["pending"]
    await page.locator("main form button").click()
    assert _states(site) == ["active"]
    digest = site.wait(lambda: set(inbox.glob("*.eml")) - {mail}, "the welcome digest").pop()
    await page.goto(_link(digest.read_bytes(), site.url, "/u/"))
    assert _states(site) == ["active"]
    await page.locator("main form button").click()
    assert _states(site) == ["unsubscribed"]


def _link(message: bytes, base: str, path: str) -> str:
    joined = message.replace(b"=\r\n", b"").decode("ascii", "replace")
    start = joined.index(base + path)
    return joined[start : start + len(base + path) + 20]


def _states(site: Any) -> list[str]:
    return [row["state"] for row in site.json("subscribers", "list")["subscribers"]]


def _brightness(colour: str) -> float:
    parts = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return sum(parts) / 3
