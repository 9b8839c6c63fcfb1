"""What readers do, in a real browser: join, choose, pause, leave, be erased; without scripts; by keyboard; with axe."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]
EMAIL = "new.reader@example.org"
SECOND = """
[[newsletter]]
name = "weekend"
title = "The Weekend Test"
frequencies = ["weekly"]
"""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium, headless."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        await running.close()


class Inbox:
    """The development inbox: hands out each message once."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.seen: set[Path] = set()

    def link(self, path: str) -> str:
        """The link to this path in the next message that has one."""
        return str(self.site.wait(lambda: self._found(path), f"a message with a link to {path}"))

    def copies(self, link: str) -> int:
        """How many messages have this link."""
        return sum(link in _text(mail) for mail in self._mails())

    def _mails(self) -> list[Path]:
        return sorted((self.site.root / "var/inbox").glob("*.eml"))

    def _found(self, path: str) -> str:
        for mail in self._mails():
            found = re.search(re.escape(self.site.url + path) + r"[A-Za-z0-9_-]{20}", _text(mail))
            if found and mail not in self.seen:
                self.seen.add(mail)
                return str(found[0])
        return ""


def _text(mail: Path) -> str:
    return mail.read_bytes().replace(b"=\r\n", b"").decode("ascii", "replace")


def started(site: Any) -> Inbox:
    """The service runs, with two newsletters and the sample articles."""
    site.configure(SECOND)
    site.done("ingest")
    site.start()
    return Inbox(site)


def readers(site: Any) -> dict[str, Any]:
    """The reader's subscriptions, by newsletter, as they lie in the store."""
    rows = _store(site, "SELECT newsletter, state, local_time AS time, timezone FROM subscriptions AS s"
                        " JOIN subscribers AS p ON s.subscriber_id = p.id WHERE email = ?", EMAIL)
    return {row["newsletter"]: row for row in rows}


def _store(site: Any, statement: str, *values: str) -> list[sqlite3.Row]:
    with contextlib.closing(sqlite3.connect(site.root / "var/publisher.db", timeout=30)) as connection, connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(statement, values).fetchall()


async def press(page: Page, label: str, scope: str = "main") -> None:
    """Presses the first button of this label."""
    await page.locator(f'{scope} button:text-is("{label}")').first.click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_reader_joins_chooses_pauses_leaves_and_is_erased(site: Any, browser: Browser, scripts: bool) -> None:
    """The whole life of a subscription, every step in the browser, every link from real mail."""
    inbox = started(site)
    context = await browser.new_context(java_script_enabled=scripts, timezone_id="Asia/Kathmandu")
    page = await context.new_page()
    await page.goto(f"{site.url}/subscribe")
    # A browser may know its zone by an older name.
    expected = {"Asia/Kathmandu", "Asia/Katmandu"} if scripts else {"Europe/London"}
    assert await page.input_value("#timezone") in expected
    await page.fill("#email", EMAIL)
    await page.select_option("#newsletter", "daily")
    await page.fill("#time", "06:30")
    await press(page, "Subscribe")
    assert "Check your mail" in await page.inner_text("h1")
    await page.goto(inbox.link("/confirm/"))
    assert readers(site)["daily"]["state"] == "pending"
    await press(page, "Confirm my subscription")
    row = readers(site)["daily"]
    assert (row["state"], row["time"], row["timezone"] in expected) == ("active", "06:30", True)

    preferences = inbox.link("/preferences/")  # in the welcome edition
    await page.goto(preferences)
    await page.fill("#time-daily", "19:45")
    await press(page, "Save", "section[aria-labelledby=h-daily]")
    assert "Saved" in await page.inner_text(".said")
    assert readers(site)["daily"]["time"] == "19:45"
    await page.select_option("#timezone", "America/St_Johns")
    await page.check("input[name=plain_text]")
    await press(page, "Save", "section[aria-labelledby=h-all]")
    assert readers(site)["daily"]["timezone"] == "America/St_Johns"
    assert await page.is_checked("input[name=plain_text]")
    await press(page, "Subscribe", "section[aria-labelledby=h-weekend]")
    assert readers(site)["weekend"]["state"] == "active"

    day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    await page.fill("#until-daily", day)
    await press(page, "Pause", "section[aria-labelledby=h-daily]")
    assert "pauses until" in await page.inner_text(".said")
    await press(page, "End the pause now")
    assert "comes again" in await page.inner_text(".said")
    await press(page, "Send me the last one again", "section[aria-labelledby=h-daily]")
    assert "on its way to you again" in await page.inner_text(".said")
    site.wait(lambda: inbox.copies(preferences) == 2, "the last one again")

    await page.goto(preferences)
    await press(page, "Unsubscribe", "section[aria-labelledby=h-weekend]")
    assert readers(site)["weekend"]["state"] == "unsubscribed"
    await press(page, "Erase everything about me")
    link = inbox.link("/erase/")
    await page.goto(link)
    assert readers(site)["daily"]["state"] == "active"
    await press(page, "Erase me")
    assert "You are erased" in await page.inner_text("h1")
    assert readers(site) == {}
    await page.goto(preferences)
    assert "does not work" in await page.inner_text("h1")
    await context.close()


async def test_one_leaves_by_the_link_in_a_digest_and_comes_back(site: Any, browser: Browser) -> None:
    """The button, goodbye, the way back, and a fresh confirmation."""
    inbox = started(site)
    site.done("subscribers", "add", EMAIL, "--confirmed")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(inbox.link("/u/"))
    await press(page, "Unsubscribe")
    assert readers(site)["daily"]["state"] == "unsubscribed"
    await press(page, "Come back")
    assert readers(site)["daily"]["state"] == "pending"
    await page.goto(inbox.link("/confirm/"))
    await press(page, "Confirm my subscription")
    assert readers(site)["daily"]["state"] == "active"
    await context.close()


async def test_everything_by_keyboard_alone(site: Any, browser: Browser) -> None:
    """Tab, letters, space and enter reach every control on the way, and show where one is."""
    inbox = started(site)
    context = await browser.new_context(java_script_enabled=True)
    page = await context.new_page()
    await page.goto(f"{site.url}/subscribe")
    await _tab_to(page, "#email")
    await page.keyboard.type(EMAIL)
    await _tab_to(page, "main form button")
    assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=Check your mail")
    await page.goto(inbox.link("/confirm/"))
    await _tab_to(page, "main form button")
    await page.keyboard.press("Space")
    await page.wait_for_selector("text=You are subscribed")
    await page.goto(inbox.link("/preferences/"))
    await _tab_to(page, "#frequency-daily", page_has="#frequency-daily")
    await _tab_to(page, "input[name=plain_text]")
    await page.keyboard.press("Space")
    await _tab_to(page, "section[aria-labelledby=h-all] button[value=choose-for-all]")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".said")
    assert await page.is_checked("input[name=plain_text]")
    await _tab_to(page, "section[aria-labelledby=h-daily] button[value=leave]")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=no longer comes to you")
    assert readers(site)["daily"]["state"] == "unsubscribed"
    await context.close()


async def _tab_to(page: Page, selector: str, page_has: str = "") -> None:
    """Presses Tab until the first element of `selector` has the focus; fails where it never gets it."""
    if page_has and not await page.locator(page_has).count():
        return  # a newsletter with one frequency offers no choice
    for _ in range(150):
        await page.keyboard.press("Tab")
        if await page.evaluate("s => document.activeElement === document.querySelector(s)", selector):
            return
    raise AssertionError(f"{selector} is not reached by Tab")


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: npm install --no-package-lock --prefix tests/e2e")
async def test_axe_finds_nothing_on_any_page(site: Any, browser: Browser) -> None:
    """Every page that readers meet, on a phone in the dark and at a desk in the light."""
    inbox = started(site)
    axe = AXE.read_text(encoding="utf-8")
    pages = [await (await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme,  # type: ignore[arg-type]  # one of the names that Playwright knows
    )).new_page() for width, scheme in ((360, "dark"), (1200, "light"))]

    async def look(address: str) -> None:
        """Judges the page that `address` leads to, without changing anything."""
        for page in pages:
            await page.goto(address)
            await judge(page)

    async def judge(page: Page) -> None:
        await page.evaluate(axe)
        found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]
        assert told == [], f"{page.url}: {json.dumps(told, indent=1)}"
        width = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], page.url

    page = pages[0]
    await look(f"{site.url}/subscribe")
    await look(f"{site.url}/subscribe/embed")
    for typed in ("nonsense", "ann@gmial.com"):
        await page.goto(f"{site.url}/subscribe")
        await page.fill("#email", typed)
        await press(page, "Subscribe")
        await judge(page)
    await page.fill("#email", EMAIL)
    await press(page, "Subscribe")
    await judge(page)
    confirm = inbox.link("/confirm/")
    await look(confirm)
    await press(page, "Confirm my subscription")
    await judge(page)
    preferences = inbox.link("/preferences/")
    await look(preferences)
    await press(page, "Save")
    await judge(page)
    await press(page, "Pause")  # without a day: a fault
    await judge(page)
    for label, path in (("Get my data", "/export/"), ("Change my address", "/address/")):
        await page.goto(preferences)
        await press(page, label)
        link = inbox.link(path)
        await look(link)
        _let_time_pass(site)
    await press(page, "Send a link there")  # without an address: a fault
    await judge(page)
    await page.fill("#email", "new.one@example.org")
    await press(page, "Send a link there")
    await judge(page)
    await look(inbox.link("/new-address/"))
    await press(page, "Yes, write to me here")
    await judge(page)
    _let_time_pass(site)
    await page.goto(preferences)
    await press(page, "Erase everything about me")
    await look(inbox.link("/erase/"))
    leave = preferences.replace("/preferences/", "/u/")
    await look(leave)  # this link does not work
    await page.goto(preferences)
    await press(page, "Unsubscribe from everything")
    await judge(page)
    site.done("subscribers", "add", "other@example.org", "--confirmed")
    await look(inbox.link("/u/"))
    await press(page, "Unsubscribe")
    await judge(page)


def _let_time_pass(site: Any) -> None:
    """Makes the notices so far old, so that the next link may be asked for."""
    _store(site, "UPDATE notices SET created_at = datetime(created_at, '-1 hour') || '.000000'")
