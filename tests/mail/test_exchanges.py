"""Domains with the same mail servers, asked of a DNS server of the tests' own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail import exchanges
from publisher.mail.deliver import deliver
from publisher.mail.exchanges import Exchanges, operator
from publisher.mail.pace import Pace
from publisher.store.engine import Store
from publisher.templating import Templates
from tests.mail.conftest import NOON, Scripted


class Dns(asyncio.DatagramProtocol):
    """Answers MX questions from a table; says nothing where it is told to be silent."""

    def __init__(self) -> None:
        self.zone: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.silent = False
        self.port = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text(omit_final_dot=True)
        self.asked.append(name)
        if self.silent:
            return
        answer = dns.message.make_response(question, recursion_available=True)
        if name not in self.zone:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif self.zone[name]:
            answer.answer.append(dns.rrset.from_text(f"{name}.", 600, "IN", "MX", *self.zone[name]))
        self.transport.sendto(answer.to_wire(), addr)


@pytest.fixture
async def server() -> AsyncIterator[Dns]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(Dns, ("127.0.0.1", 0))
    server.port = transport.get_extra_info("sockname")[1]
    yield server
    transport.close()


async def asked(found: Exchanges, *domains: str) -> list[str]:
    for domain in domains:
        found(domain)
    await found.settled()
    return [found(domain) for domain in domains]


async def test_domains_with_the_same_servers_are_a_group(server: Dns) -> None:
    """By the best of their exchanges; nobody waits for the first answer, and each is asked of once."""
    server.zone = {
        "a.org": ["20 backup.elsewhere.net.", "5 aspmx.l.bigmail.com."], "b.org": ["10 alt1.bigmail.com."],
        "c.org": ["0 ."], "d.org": [], "e.org": ["1 mx.e.org."],
    }
    found = Exchanges(f"127.0.0.1:{server.port}")
    assert found("a.org") == "a.org"
    names = ("a.org", "b.org", "c.org", "d.org", "e.org", "unknown.org")
    assert await asked(found, *names) == ["bigmail.com", "bigmail.com", "c.org", "d.org", "e.org", "unknown.org"]
    assert sorted(server.asked) == sorted(names)
    await found.close()


@pytest.mark.parametrize(
    "domain", ["example.com", "mail.example.org", "m.example", "a.test", "b.invalid", "localhost", "[127.0.0.1]"]
)
async def test_reserved_names_are_asked_of_nobody(server: Dns, domain: str) -> None:
    """They are nobody's."""
    found = Exchanges(f"127.0.0.1:{server.port}")
    assert await asked(found, domain) == [domain]
    assert server.asked == []


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("gmail-smtp-in.l.google.com", "google.com"), ("mx.post.co.uk", "post.co.uk"), ("mx.de", "mx.de"),
        ("a.b.com.au", "b.com.au"), ("co.uk", "co.uk"), ("mx1.mail.ch", "mail.ch"), ("host", "host"),
    ],
)
def test_operator(host: str, name: str) -> None:
    """The name that a registry gave out, as a rule."""
    assert operator(host) == name


async def test_where_no_dns_answers_every_domain_stands_for_itself(
    server: Dns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Questions are given up in silence; after a few in a row no more are asked for a while."""
    monkeypatch.setattr(exchanges, "_PATIENCE", 0.05)
    server.silent = True
    found = Exchanges(f"127.0.0.1:{server.port}")
    names = [f"d{number}.org" for number in range(40)]
    assert await asked(found, *names) == names
    assert len(set(server.asked)) <= 16
    before = len(server.asked)
    assert await asked(found, "later.org") == ["later.org"]
    assert len(server.asked) == before


async def test_questions_are_bounded(server: Dns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Domains beyond what may wait are asked of when they come again; what is kept is bounded too."""
    monkeypatch.setattr(exchanges, "_WAITING", 10)
    monkeypatch.setattr(exchanges, "_KEPT", 5)
    found = Exchanges(f"127.0.0.1:{server.port}")
    for number in range(100):
        found(f"d{number}.org")
    await found.settled()
    assert len(server.asked) == 10
    assert len(found._known) == 5


async def test_one_servers_domains_share_a_stop(
    store: Store, templates: Templates, keys: Keys, server: Dns,
    scripted: Callable[..., Awaitable[Scripted]], settings: Callable[..., Settings],
    plant: Callable[..., Awaitable[list[int]]],
) -> None:
    """Once a server says "slow down" for one of its domains, the other gets nothing; a third has servers of its own."""
    server.zone = {"a.org": ["1 mx.big.net."], "b.org": ["1 mx2.big.net."], "c.org": ["1 mx.c.org."]}
    smtp = await scripted(RCPT=lambda _, said: "421 4.7.28 slow down" if said.endswith("@a.org>") else None)
    chosen = settings(port=smtp.port, connections=1, group_by_mx=True, resolver=f"127.0.0.1:{server.port}")
    pace = Pace()

    async def run() -> int:
        report = await deliver(
            store, chosen, templates, keys, now=lambda: NOON, stop=asyncio.Event(), pace=pace
        )
        return report.accepted

    await plant(["r1@c.org"])
    assert await run() == 1
    assert isinstance(pace.group_of, Exchanges)
    await asked(pace.group_of, "a.org", "b.org", "c.org")
    await plant(["r1@a.org"])
    assert await run() == 0
    await plant(["r1@b.org", "r2@c.org"])
    assert await run() == 1
    assert [to for to, *_ in smtp.taken] == ["r1@c.org", "r2@c.org"]
