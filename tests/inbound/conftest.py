"""What the tests of the way back share: settings with an `[inbound]`, readers with deliveries, reports about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from publisher import return_path
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.inbound_settings import Inbound
from publisher.incoming import Letter
from publisher.mail_settings import Mail
from publisher.model import Frequency
from publisher.outgoing import DeliveryState, NewDelivery, NewVariant
from publisher.settings import Newsletter, Site
from publisher.store import audience, bounce_view, editions
from publisher.store.engine import Store, Tx
from publisher.store.mail_schema import deliveries, subscriptions
from tests.mail.conftest import html_part, text_part

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOMAIN = "bounces.example.org"
#: Domains of the tests' own, and long enough ago that nothing of a test is older.
DAY = timedelta(days=1)


@pytest.fixture
def keys() -> Keys:
    return Keys((b"k" * 32,))


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Makes settings; its arguments are keys of [inbound]."""

    def make(mail: dict[str, Any] | None = None, **inbound: Any) -> Settings:
        chosen = {"sender": "The Example Courier <digest@example.org>", "transport": "smtp", "group_by_mx": False, "timeout": "5s"}
        return Settings(
            site=Site(url="https://news.example.org", postal_address="1 Mill Lane"), root=tmp_path,
            mail=Mail.model_validate(chosen | (mail or {})),
            inbound=Inbound.model_validate({"bounce_domain": DOMAIN, "lmtp": "127.0.0.1:1"} | inbound),
            newsletter=(Newsletter(name="daily", title="The Daily Courier"), Newsletter(name="weekly")),
        )

    return make


@dataclass
class Reader:
    """A reader with one delivery for each day asked for, accepted."""

    email: str
    person: int
    subscription: int
    deliveries: list[int]
    keys: Keys

    def path(self, number: int = -1) -> str:
        """The return path of that delivery."""
        return return_path.bounce_address(self.keys, DOMAIN, "delivery", self.deliveries[number], self.email.casefold())


async def plant(
    store: Store, keys: Keys, email: str, count: int = 1, state: DeliveryState = DeliveryState.ACCEPTED, newsletter: str = "daily",
) -> Reader:
    """A confirmed reader with so many deliveries, a day apart."""
    async with store.write() as tx:
        person, subscription = await subscribed(tx, email, newsletter)
        for number in range(count):
            at = NOON + number * DAY
            edition = await editions.edition(tx, newsletter, at.date(), "scheduled", number, at)
            variant = await editions.variant(tx, edition, NewVariant(f"v{number}", "en", "News", "<p>x</p>", "x", ()))
            new = NewDelivery(
                subscription_id=subscription, subscriber_id=person, period=f"D:{at.date()}", from_seq=0, to_seq=9,
                message_id=f"<{uuid4().hex}@example.org>", next_due_at=None, due_at=None, expect_from_seq=0, expect_generation=0,
            )
            assert await editions.plan(tx, edition, variant, [new], at) == 1
            mine = deliveries.c.subscription_id == subscription
            values = {"state": state, "finished_at": None if state == DeliveryState.QUEUED else at}
            await tx.execute(update(deliveries).where(mine).values(**values))
            await tx.execute(update(subscriptions).where(subscriptions.c.id == subscription).values(from_seq=0))
        ids = list((await tx.execute(select(deliveries.c.id).where(deliveries.c.subscription_id == subscription).order_by(deliveries.c.id))).scalars())
    return Reader(email, person, subscription, ids, keys)


async def planted(store: Store, emails: list[str]) -> list[int]:
    """Readers with one digest each that is due; their subscriptions."""
    async with store.write() as tx:
        edition = await editions.edition(tx, "daily", NOON.date(), "scheduled", 1, NOON)
        variant = await editions.variant(tx, edition, NewVariant("v", "en", "News – for you", html_part(), text_part(), ()))
        people = [await subscribed(tx, email) for email in emails]
        new = [
            NewDelivery(
                subscription_id=subscription, subscriber_id=person, period="D:2026-11-22", from_seq=0, to_seq=9,
                message_id=f"<d{subscription}@example.org>", next_due_at=None, due_at=None, expect_from_seq=0, expect_generation=0,
            )
            for person, subscription in people
        ]
        assert await editions.plan(tx, edition, variant, new, NOON) == len(emails)
    return [subscription for _, subscription in people]


async def subscribed(tx: Tx, email: str, newsletter: str = "daily") -> tuple[int, int]:
    person, _ = await audience.add_subscriber(
        tx, email=email, email_key=email.casefold(), name="Jo", language="", timezone="UTC", now=NOON
    )
    subscription, _ = await audience.subscribe(
        tx, subscriber_id=person.id, newsletter=newsletter, frequency=Frequency.DAILY, weekday=0, local_time=time(7), sections=(),
    )
    await audience.confirm(tx, subscription.id, NOON, welcome=False)
    return person.id, subscription.id


def dsn(
    to: str, about: str, *, status: str = "5.1.1", code: str = "550", words: str = "no such user here", action: str = "failed",
    serial: str = "", original: str = "",
) -> bytes:
    """A delivery status notification (RFC 3464) as Postfix writes them, in our own words."""
    diagnostic = f"smtp; {code} {status} <{about}>: {words}"
    return "\r\n".join([
        "Return-Path: <>", "From: MAILER-DAEMON@mx.example.net (Mail Delivery System)", f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender", "Auto-Submitted: auto-replied", f"Message-ID: <{serial or uuid4().hex}@mx.example.net>",
        f"Date: {format_datetime(NOON)}", "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"', "",
        "--b1", "Content-Type: text/plain; charset=us-ascii", "", "The mail system here could not hand your message over.", "",
        f"<{about}>: host mx.d.example[192.0.2.7] said: {code} {status} {words}", "",
        "--b1", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.net", "",
        f"Final-Recipient: rfc822; {about}", f"Action: {action}", f"Status: {status}", "Remote-MTA: dns; mx.d.example",
        f"Diagnostic-Code: {diagnostic}", "", "--b1", "Content-Type: message/rfc822", "",
        original or f"From: digest@example.org\r\nTo: {about}\r\nSubject: News\r\n\r\nNews.", "", "--b1--", "",
    ]).encode()


def arf(to: str, about: str, *, original: str = "", kind: str = "abuse") -> bytes:
    """A feedback report (RFC 5965)."""
    return "\r\n".join([
        "Return-Path: <>", "From: feedback@provider.example", f"To: {to}", "Subject: FW: News", f"Message-ID: <{uuid4().hex}@provider.example>",
        "MIME-Version: 1.0", 'Content-Type: multipart/report; report-type=feedback-report; boundary="b1"', "",
        "--b1", "Content-Type: text/plain", "", "This is an abuse report for a message that one of our users got.", "",
        "--b1", "Content-Type: message/feedback-report", "", f"Feedback-Type: {kind}", "User-Agent: Example/1.0", "Version: 1",
        *([f"Original-Rcpt-To: {about}"] if about else []), "Source-IP: 192.0.2.1", "",
        "--b1", "Content-Type: message/rfc822", "", original or "From: digest@example.org\r\nTo: redacted@provider.example\r\nSubject: News\r\n\r\nNews.",
        "", "--b1--", "",
    ]).encode()


def letter(content: bytes, *recipients: str, way: str = "lmtp") -> Letter:
    return Letter(content, way, recipients)


async def listed(store: Store) -> list[dict[str, Any]]:
    """All reports, the first first."""
    async with store.read() as tx:
        return (await bounce_view.listed(tx, bounce_view.Wanted(), 100_000))[::-1]


async def suppression(store: Store, email: str) -> str | None:
    async with store.read() as tx:
        return await audience.suppressed(tx, email.casefold())


Planted = Callable[..., Awaitable[Reader]]
