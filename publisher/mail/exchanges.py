"""Which receiving domains share their mail servers (the only code that knows dnspython; RFC 5321 section 5.1).

    a domain | asked already? its group, at once : itself, and the DNS is asked meanwhile | best MX -> its operator

No message waits for the DNS, and where none answers every domain stands for itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

#: Questions on their way at once, and waiting for that.
_AT_ONCE = 8
_WAITING = 1000
#: Domains of which the answer is kept.
_KEPT = 20_000
#: Seconds for a question, and how long its answer is kept at least, at most, and where there was none.
_PATIENCE = 5.0
_SHORTEST, _LONGEST, _UNKNOWN = 300.0, 86_400.0, 300.0
#: So many questions in a row without any answer: there is no DNS here, for a while (in seconds).
_SILENCE, _PAUSE = 5, 300.0
#: Names that are nobody's (RFC 2606, RFC 6761).
_RESERVED = frozenset(("test", "invalid", "localhost", "example", "local", "onion", "internal"))
#: Second labels under which two-letter domains register names.
_SECOND = frozenset(("ac", "co", "com", "edu", "go", "gob", "gov", "mil", "ne", "net", "nom", "or", "org"))


@dataclass(slots=True)
class Exchanges:
    """What the DNS says of receiving domains. Made outside of any loop; `close` after each run."""

    #: "host:port" of a DNS server; empty: the system's.
    resolver: str = ""
    #: Domain -> (group, kept until, by the monotonic clock).
    _known: OrderedDict[str, tuple[str, float]] = field(default_factory=OrderedDict)
    _asking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _gate: asyncio.Semaphore | None = None
    _silent: int = 0
    _paused_until: float = 0.0

    def __call__(self, domain: str) -> str:
        """The name of the group whose mail servers the domain uses, or the domain itself; never waits."""
        found = self._known.get(domain)
        now = time.monotonic()
        if found is None or found[1] < now:
            self._ask(domain, now)
        return domain if found is None else found[0]

    async def close(self) -> None:
        """Asks no more, for now."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        self._asking.clear()
        self._gate = None

    async def settled(self) -> None:
        """Waits until every question that was asked is answered, or is given up."""
        while self._asking:
            await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _ask(self, domain: str, now: float) -> None:
        if domain in self._asking or len(self._asking) >= _WAITING or now < self._paused_until or not _real(domain):
            return
        self._gate = self._gate or asyncio.Semaphore(_AT_ONCE)
        task = asyncio.create_task(self._learn(domain, self._gate))
        self._asking[domain] = task
        task.add_done_callback(lambda _: self._asking.pop(domain, None))

    async def _learn(self, domain: str, gate: asyncio.Semaphore) -> None:
        async with gate:
            if time.monotonic() < self._paused_until:
                return
            group, seconds = await self._answer(domain)
        old = self._known.get(domain)
        if not group:  # no answer: what was known stays
            group, seconds = old[0] if old else domain, _UNKNOWN
        self._known[domain] = (group, time.monotonic() + seconds)
        self._known.move_to_end(domain)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)

    async def _answer(self, domain: str) -> tuple[str, float]:
        """The group and for how many seconds that holds; no group where nobody answers."""
        try:
            answer = await _resolver(self.resolver).resolve(
                f"{domain}.", dns.rdatatype.MX, raise_on_no_answer=False, lifetime=_PATIENCE
            )
        except dns.resolver.NXDOMAIN:
            self._silent = 0
            return domain, _UNKNOWN
        except (dns.exception.DNSException, OSError):
            self._silent += 1
            if self._silent >= _SILENCE:
                self._silent, self._paused_until = 0, time.monotonic() + _PAUSE
            return "", _UNKNOWN
        self._silent = 0
        hosts = sorted((rr.preference, rr.exchange.to_text(omit_final_dot=True).lower()) for rr in answer.rrset or ())
        seconds = answer.rrset.ttl if answer.rrset is not None else _UNKNOWN
        best = hosts[0][1] if hosts else ""
        return operator(best) if best.strip(".") else domain, min(_LONGEST, max(_SHORTEST, seconds))


def operator(host: str) -> str:
    """Who runs a mail server, by its name: its last two labels, or three below such as "co.uk"."""
    labels = host.split(".")
    three = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND
    return ".".join(labels[-3:] if three else labels[-2:])


@lru_cache(_KEPT)
def _real(domain: str) -> bool:
    """Whether the DNS can know of it."""
    labels = domain.split(".")
    if len(labels) < 2 or "" in labels or domain.startswith("[") or labels[-1] in _RESERVED:
        return False
    return not (labels[-2] == "example" and labels[-1] in ("com", "net", "org"))


def _resolver(server: str) -> dns.asyncresolver.Resolver:
    """Asks `server`, or the system's servers. Raises DNSException where it has none."""
    if not server:
        return dns.asyncresolver.Resolver()
    host, _, port = server.rpartition(":")
    found = dns.asyncresolver.Resolver(configure=False)
    found.nameservers, found.port = [host.strip("[]")], int(port)
    return found
