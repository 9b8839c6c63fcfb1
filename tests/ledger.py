"""What tests of the ledger share: claims and outcomes, handed in the way the sender does; all that stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update

from publisher.outgoing import Claim, Delivery, DeliveryState, Outcome
from publisher.store import ledger_view, outbox, selection
from publisher.store.engine import Store, Tx
from publisher.store.express import open_express, run_in
from publisher.store.mail_schema import subscriptions
from publisher.store.selection import Selection
from publisher.store.turn import turn


async def claim(store: Store, now: datetime, want: int) -> list[Claim]:
    """Up to `want` committed claims."""
    express = open_express(store)
    claims: list[Claim] = []
    try:
        while len(claims) < want:
            async with store.read() as tx:
                found = await outbox.waiting(tx, now, want - len(claims))
            done = await express.run(turn(store.dialect, now, wanted=found))
            async with store.write() as tx:
                weeded = await outbox.weed(tx, done.refused, now)
            claims += done.taken
            if not done.taken and not weeded:
                break
    finally:
        await express.close()
    return claims


async def settle(store: Store, now: datetime, outcomes: Sequence[Outcome] = (), unsent: Sequence[Claim] = ()) -> None:
    """Records outcomes, and gives claims back."""
    express = open_express(store)
    try:
        await express.run(turn(store.dialect, now, outcomes, unsent))
    finally:
        await express.close()


async def claim_in(tx: Tx, now: datetime, want: int) -> list[Claim]:
    """Up to `want` claims inside a transaction that the test commits."""
    found = await outbox.waiting(tx, now, want)
    done = await run_in(tx, turn(tx.dialect.name, now, wanted=found))
    await outbox.weed(tx, done.refused, now)
    return list(done.taken)


async def settle_in(tx: Tx, now: datetime, outcomes: Sequence[Outcome]) -> None:
    """Records outcomes inside a transaction that the test commits."""
    await run_in(tx, turn(tx.dialect.name, now, outcomes))


async def set_due(
    tx: Tx, subscription_id: int, next_due_at: datetime, *, last_due_at: datetime | None = None
) -> None:
    """A subscription's next due instant, and, where a slot was passed, its instant."""
    passed = {} if last_due_at is None else {"last_due_at": last_due_at}
    changed = update(subscriptions).where(subscriptions.c.id == subscription_id)
    await tx.execute(changed.values(next_due_at=next_due_at, **passed))


async def list_deliveries(
    tx: Tx, *, state: DeliveryState | None = None, domain: str = "", edition: int | None = None, limit: int = 1000
) -> list[Delivery]:
    """Deliveries, the newest first: of one state, one receiving domain, one edition."""
    chosen = Selection(states=() if state is None else (state,), domain=domain, edition=edition)
    return await ledger_view.listed(tx, chosen, limit)


async def list_notices(tx: Tx, *, state: DeliveryState | None = None, limit: int = 1000) -> list[Delivery]:
    """Transactional mail, the newest first."""
    chosen = Selection(states=() if state is None else (state,), notices=True)
    return await ledger_view.listed(tx, chosen, limit)


async def counts_of_all(tx: Tx) -> dict[str, int]:
    """Number of deliveries in each state, the ended ones too."""
    found = await selection.count_by_state(tx, Selection())
    return {state.value: number for state, number in found.items()}
