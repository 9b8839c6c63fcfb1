"""Planners that die, and planners that meet: I2, I3 and I4 on both databases."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from publisher.config import Settings
from publisher.digest.plan import plan
from publisher.model import ArticleStatus
from publisher.outgoing import DeliveryState
from publisher.store import articles, audience
from publisher.store.engine import Store
from publisher.store.mail_schema import subscriptions
from publisher.templating import Templates
from tests.faults import killed
from tests.ledger import list_deliveries

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Round:
    """A day of a publication, again and again: each time the planner dies a statement later."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.number = 0
        self.new: list[int] = []
        self.got: dict[str, list[str]] = defaultdict(list)

    async def run(self) -> bool:
        """One day; False once the planner came to its end."""
        self.number += 1
        world, name = self.world, str(self.number)
        async with world.store.write() as tx:
            for reader in self.new[:-1]:  # after two days
                await audience.unsubscribe(tx, reader, world.now)
        self.new = [*self.new[-1:], await world.subscribe(f"new{name}@example.org", welcome=True)]
        async with world.store.write() as tx:
            await tx.execute(update(subscriptions).where(subscriptions.c.id == self.paused).values(
                paused_until=world.now + HOUR / 2, next_due_at=world.now + HOUR / 2))
        await world.publish(f"Early {name}")
        world.now += 40 * MINUTE
        await world.publish(f"Late {name}")
        gone = await world.publish(f"Gone {name}")
        world.now += 21 * MINUTE
        alive = await self.die()
        async with world.store.write() as tx:
            await articles.set_status(tx, gone.id, ArticleStatus.WITHDRAWN, world.now)
        alive = await self.die() or alive
        await self.send()
        world.now += 22 * HOUR + 59 * MINUTE
        return alive

    async def die(self) -> bool:
        """A planner that dies, one that does not, and one with nothing left to do; False where the first lived."""
        with killed(self.world.store, self.number) as left:
            await self.world.plan()
        await self.world.plan()
        assert (await self.world.plan()).planned == 0
        return left[0] <= 0

    async def send(self) -> None:
        claims = await self.world.claim()
        late = [claim for claim in claims if claim.email == "late@example.org" and self.number % 2]
        await self.world.settle(late, DeliveryState.DEFERRED, wait=30 * HOUR)
        taken = [claim for claim in claims if claim not in late]
        await self.world.settle(taken, DeliveryState.ACCEPTED)
        for email, titles in await self.world.stories(taken):
            self.got[email] += titles

    async def begin(self) -> None:
        self.paused = await self.world.subscribe("paused@example.org")
        for email in ("all@example.org", "late@example.org"):
            await self.world.subscribe(email)
        await self.world.plan()


async def test_I3_I4_a_planner_killed_before_any_statement_loses_and_repeats_nothing(
    any_store: Store, world_type: Callable[..., Any], settings: Settings
) -> None:
    """New readers, a pause that ends, an edition to replace, a withdrawal: at each statement, on both databases."""
    days = Round(world_type(any_store, settings, Templates()))
    await days.begin()
    while await days.run():
        pass
    last = days.number
    assert last > 40, "the planner has that many statements"
    if last % 2:  # what was put off on the last day comes on one more
        await days.run()
        last += 1
    wanted = {f"{word} {day}" for day in range(1, last + 1) for word in ("Early", "Late")}
    for email in ("all@example.org", "late@example.org"):
        assert sorted(days.got[email]) == sorted(wanted)
    assert sorted(days.got["paused@example.org"]) == sorted(title for title in wanted if title.startswith("Late"))
    for day in range(1, last):
        mine = days.got[f"new{day}@example.org"]
        assert len(set(mine)) == len(mine)
        assert {f"Early {day + 1}", f"Late {day + 1}"} <= set(mine)
    async with any_store.read() as tx:
        rows = await list_deliveries(tx, limit=100_000)
    assert len({(row.subscription_id, row.period) for row in rows}) == len(rows)
    assert len({row.message_id for row in rows}) == len(rows)


async def test_I3_I4_planners_that_meet_page_by_page_plan_each_edition_once(
    any_store: Store, world_type: Callable[..., Any], settings: Settings
) -> None:
    """Three of them in small pages, while readers come back to other places and leave."""
    world = world_type(any_store, settings, Templates())
    readers = [await world.subscribe(f"r{n}@example.org", sections=("news",) if n % 2 else ()) for n in range(24)]
    await world.plan()
    for day in range(3):
        await world.publish(f"News {day}")
        world.now += 25 * HOUR if day else 2 * HOUR
        reports = await asyncio.gather(*(
            plan(world.store, world.settings, world.templates, now=world.now, batch=size) for size in (2, 3, 5)
        ))
        assert sum(report.planned for report in reports) == len(readers)
        assert [titles for _, titles in await world.stories(await world.send())] == [[f"News {day}"]] * len(readers)
