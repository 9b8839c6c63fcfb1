"""What the tests of mail share: settings, planted deliveries, and SMTP servers: a well-behaved one and a scripted one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, ClassVar

import hypothesis
import pytest

from publisher import slots
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail_settings import Mail
from publisher.model import Frequency
from publisher.outgoing import NewDelivery, NewVariant
from publisher.settings import Newsletter, Site
from publisher.store import audience, editions, outbox
from publisher.store.engine import Store, Tx
from publisher.templating import Templates

# How long one example takes depends on the machine, and says nothing about the code.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITE = "https://news.example.org"
STORIES = tuple(f"{SITE}/articles/story-{n}" for n in range(3))
ADDRESS = "Courier Ltd, 1 Mill Lane, Exampleton"

#: What a scripted server does instead of answering.
DROP, HANG = "DROP", "HANG"


def html_part() -> str:
    links = "".join(f'<p><a href="{story}">A story — with “quotes”</a></p>\n' for story in STORIES)
    return (
        f'<!DOCTYPE html>\n<html lang="en" dir="ltr"><body>{links}'
        f'<p>{slots.EMAIL} <a href="{slots.UNSUBSCRIBE_URL}">Unsubscribe</a></p><p>Courier Ltd, 1 Mill Lane<br>Exampleton</p>'
        "</body></html>\n"
    )


def text_part() -> str:
    links = "\n".join(f"{n}. A story — with “quotes”\n{story}\n" for n, story in enumerate(STORIES, 1))
    return f"{links}\n-- \nCourier Ltd\n1 Mill Lane\nExampleton\n{slots.EMAIL}\nUnsubscribe:\n{slots.UNSUBSCRIBE_URL}\n"


@pytest.fixture
def keys() -> Keys:
    return Keys((b"k" * 32,))


@pytest.fixture
def templates() -> Templates:
    return Templates()


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Makes settings; its arguments are keys of [mail]."""

    def make(**mail: object) -> Settings:
        values = {"sender": "The Example Courier <digest@example.org>", "transport": "smtp", "timeout": "5s", "group_by_mx": False, **mail}
        return Settings(
            site=Site(url=SITE, postal_address=ADDRESS), mail=Mail.model_validate(values), root=tmp_path,
            newsletter=(Newsletter(name="daily", title="The Daily Courier"),),
        )

    return make


@pytest.fixture
def plant(store: Store) -> Callable[..., Awaitable[list[int]]]:
    """Plans one digest for each address; returns the ids of the subscriptions."""

    async def plan(emails: list[str], html: str = "", subject: str = "News – for you", into: Store = store) -> list[int]:
        async with into.write() as tx:
            new = NewVariant(f"v{emails[0]}", "en", subject, html or html_part(), text_part(), ())
            edition = await editions.edition(tx, "daily", NOON.date(), "scheduled", len(emails), NOON)
            variant = await editions.variant(tx, edition, new)
            subscriptions = [await subscribed(tx, email) for email in emails]
            deliveries = [
                NewDelivery(
                    subscription_id=subscription, subscriber_id=person, period="D:2026-11-22", from_seq=0, to_seq=9,
                    message_id=f"d{subscription}.{len(email)}@example.org", next_due_at=None, due_at=None,
                    expect_from_seq=0, expect_generation=0,
                )
                for email, (person, subscription) in zip(emails, subscriptions, strict=True)
            ]
            assert await editions.plan(tx, edition, variant, deliveries, NOON) == len(emails)
        return [subscription for _, subscription in subscriptions]

    return plan


async def subscribed(tx: Tx, email: str, *, confirmed: bool = True) -> tuple[int, int]:
    person, _ = await audience.add_subscriber(
        tx, email=email, email_key=email.casefold(), name="Jo Öst", language="", timezone="UTC", now=NOON
    )
    subscription, _ = await audience.subscribe(
        tx, subscriber_id=person.id, newsletter="daily", frequency=Frequency.DAILY, weekday=0, local_time=time(7),
        sections=(),
    )
    if confirmed:
        await audience.confirm(tx, subscription.id, NOON, welcome=False)
    return person.id, subscription.id


@pytest.fixture
def ask_confirmation(store: Store) -> Callable[[str], Awaitable[int]]:
    """Adds a pending subscription and its confirmation notice; returns the subscription's id."""

    async def ask(email: str) -> int:
        async with store.write() as tx:
            _, subscription = await subscribed(tx, email, confirmed=False)
            await audience.new_generation(tx, subscription)
            await outbox.add_notice(tx, "confirm", subscription, {}, f"<n{subscription}@example.org>", NOON)
        return subscription

    return ask


@dataclass
class Scripted:
    """An SMTP server that misbehaves as it is told; it keeps what it took."""

    #: By verb (CONNECT, EHLO, MAIL, RCPT, DATA, DOT, or AFTER a reply to DOT): called with the server and the argument;
    #: returns a reply, DROP, HANG, or nothing for the usual.
    script: dict[str, Callable[[Scripted, str], str | None]] = field(default_factory=dict)
    port: int = 0
    connections: int = 0
    #: (recipient, message, Message-ID) of those that were accepted.
    taken: list[tuple[str, bytes, str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    #: Set when something hangs.
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    USUAL: ClassVar = {
        "CONNECT": "220 scripted", "EHLO": "250 scripted", "HELO": "250 scripted", "MAIL": "250 2.1.0 ok",
        "RCPT": "250 2.1.5 ok", "DATA": "354 go on", "DOT": "250 2.0.0 taken", "RSET": "250 ok", "QUIT": "221 bye",
    }

    def answer(self, verb: str, argument: str = "") -> str:
        self.seen.append(verb)
        chosen = self.script[verb](self, argument) if verb in self.script else None
        return chosen or self.USUAL.get(verb, "")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._talk(reader, writer)
        finally:
            writer.transport.abort() if self.hanging.is_set() else writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        line = "CONNECT"
        while True:
            verb, _, argument = line.partition(" ")
            verb = verb.upper()
            said = self.answer(verb, argument)
            if not await self._say(writer, said):
                return
            if verb == "QUIT":
                return
            if verb == "RCPT":
                recipient = argument.partition("<")[2].rpartition(">")[0]
            if verb == "DATA" and said.startswith("354"):
                message = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                said = self.answer("DOT", recipient)
                if said.startswith("2"):
                    ident = message.partition(b"Message-ID: <")[2].partition(b">")[0]
                    self.taken.append((recipient, message, ident.decode()))
                if not await self._say(writer, said):
                    return
                if self.answer("AFTER") == DROP:
                    return
            line = (await reader.readuntil(b"\r\n")).decode().strip()

    async def _say(self, writer: asyncio.StreamWriter, said: str) -> bool:
        if said == HANG:
            self.hanging.set()
            await asyncio.sleep(60)
        if said.endswith(DROP):
            return False
        writer.write(said.encode() + b"\r\n")
        await writer.drain()
        return True


@pytest.fixture
async def scripted() -> AsyncIterator[Callable[..., Awaitable[Scripted]]]:
    """Starts a scripted server; its arguments are the script."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            kind: type[Scripted] = Scripted, /, **script: Callable[[Scripted, str], str | None]
        ) -> Scripted:
            scripted = kind(script)
            tasks: set[asyncio.Task[Any] | None] = set()

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                tasks.add(asyncio.current_task())
                await scripted.serve(reader, writer)

            async def stop() -> None:
                server.close()
                running = [task for task in tasks if task is not None]
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

            server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1_000_000)
            stack.push_async_callback(stop)
            scripted.port = server.sockets[0].getsockname()[1]
            return scripted

        yield start


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """Always noon, so that backoff can be read off."""
    return lambda: NOON
