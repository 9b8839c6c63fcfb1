"""Where the time of a message goes: each part of the mailer by itself, on the edition of the benchmark.

    read | filled, hashed | signed | the wire | ledger -> microseconds of CPU a message
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from publisher.config import Settings
from publisher.crypto import load_keys, load_rsa, sign_rsa_sha256
from publisher.digest.plan import plan
from publisher.mail.press import Parcel, press_for
from publisher.mail.relay import transport_for
from publisher.outgoing import Claim, DeliveryState, Outcome, Reply
from publisher.store import outbox
from publisher.store.engine import Store, open_store
from publisher.store.express import open_express
from publisher.store.turn import turn
from publisher.templating import Templates

T = TypeVar("T")

#: Messages that are looked at, and how many share a commit, as they do in a run with eight connections.
_SAMPLE = 1000
_TOGETHER = 4


async def parts(url: str, root: Path, unsigned: Settings, signed: Settings) -> dict[str, float]:
    """Microseconds of CPU, of all threads, that each part takes for a message."""
    store = await open_store(url, root=root)
    try:
        await plan(store, unsigned, Templates(), now=_now(), manual=uuid4().hex, newsletter="daily")
        claims, read = await _timed(lambda: _waiting(store))
        parcels, made = await _timed(lambda: _made(store, unsigned, root, claims))
        _, made_signed = await _timed(lambda: _made(store, signed, root, claims))
        key = load_rsa(root / "dkim.pem")
        rsa = _signature(lambda: sign_rsa_sha256(key, b"x" * 2000))
        _, wire = await _timed(lambda: _sent(unsigned, parcels))
        _, ledger = await _timed(lambda: _recorded(store, claims))
    finally:
        await store.close()
    return {
        "read ahead": read, "fill": made, "hash the body, seal": made_signed - made - rsa, "sign (RSA-2048)": rsa,
        "wire, one connection": wire, f"ledger, {_TOGETHER} a commit": ledger,
    }


async def _timed(work: Callable[[], Awaitable[T]]) -> tuple[T, float]:
    begun = time.process_time()
    found = await work()
    return found, (time.process_time() - begun) / _SAMPLE * 1e6


async def _waiting(store: Store) -> list[Claim]:
    async with store.read() as tx:
        return await outbox.waiting(tx, _now(), _SAMPLE)


async def _made(store: Store, settings: Settings, root: Path, claims: list[Claim]) -> list[Parcel]:
    press = press_for(store, settings, Templates(), load_keys(root / "keys.json"))
    try:
        return [one for at in range(0, len(claims), 32) for one in await press.parcels(claims[at : at + 32], _now())]
    finally:
        press.close()


def _signature(sign: Callable[[], bytes], count: int = 500) -> float:
    begun = time.process_time()
    for _ in range(count):
        sign()
    return (time.process_time() - begun) / count * 1e6


async def _sent(settings: Settings, parcels: list[Parcel]) -> None:
    session = await transport_for(settings).open()
    for parcel in parcels:
        await session.send(parcel.sender, parcel.recipient, parcel.message)
    await session.close()


async def _recorded(store: Store, claims: list[Claim]) -> None:
    """Claimed and settled, the outcomes of some in one commit with the next claims."""
    groups = [claims[at : at + _TOGETHER] for at in range(0, len(claims), _TOGETHER)]
    express = open_express(store)
    for last, following in pairwise([[], *groups, []]):
        done = [Outcome(claim, DeliveryState.ACCEPTED, Reply(250, "2.0.0", "Ok"), _now(), _now()) for claim in last]
        await express.run(turn(store.dialect, _now(), done, (), following))
    await express.close()


def _now() -> datetime:
    return datetime.now(UTC)
