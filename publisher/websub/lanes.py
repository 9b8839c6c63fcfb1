r"""Work with strangers, side by side and bounded: a slow one keeps nobody waiting (I12).

    quick lane: who answers soon | slow lane: who took long the last time, and who takes long now
                \_ not done within the patience: moves over, and its place is free; no place there: cut off

Whoever is slow is known after once, so the quick lane stays quick however many they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Outcome = TypeVar("Outcome")


@dataclass(slots=True)
class Lanes(Generic[Outcome]):
    """Pieces of work by number, and the outcomes that are not written down yet."""

    #: Set whenever there is something to do: an outcome, a free place.
    wake: asyncio.Event
    quick_places: int
    slow_places: int
    #: Seconds after which work is slow.
    patience: float = 2.0
    quick: set[int] = field(default_factory=set)
    slow: set[int] = field(default_factory=set)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def busy(self) -> set[int]:
        """Numbers of what is under way, or has an outcome that is not written down."""
        return self.quick | self.slow | self.outcomes.keys()

    def free(self, *, slow: bool) -> int:
        """Free places in a lane."""
        return self.slow_places - len(self.slow) if slow else self.quick_places - len(self.quick)

    def start(
        self, number: int, work: Coroutine[Any, Any, Outcome], failed: Callable[[str], Outcome], *, slow: bool = False
    ) -> None:
        """Begins; `failed` gives the outcome, by its reason, where the work is cut off or breaks."""
        (self.slow if slow else self.quick).add(number)
        inner = asyncio.create_task(work)
        task = asyncio.create_task(self._run(number, inner, failed))
        self.tasks.add(task)
        task.add_done_callback(lambda _: self._leave(number, task, inner))

    def _leave(self, number: int, task: asyncio.Task[None], inner: asyncio.Task[Outcome]) -> None:
        inner.cancel()
        self.tasks.discard(task)
        self.quick.discard(number)
        self.slow.discard(number)
        self.wake.set()

    async def _run(self, number: int, inner: asyncio.Task[Outcome], failed: Callable[[str], Outcome]) -> None:
        try:
            outcome = await self._watched(number, inner)
            self.outcomes[number] = failed("it is slow, as many are") if outcome is None else outcome
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one stranger, it stops no other (I12)
            self.outcomes[number] = failed(f"{type(error).__name__}: {error}")

    async def _watched(self, number: int, inner: asyncio.Task[Outcome]) -> Outcome | None:
        """The outcome; None where it took long and the slow lane is full."""
        if number in self.quick:
            done, _ = await asyncio.wait({inner}, timeout=self.patience)
            if not done:
                if not self.free(slow=True):
                    return None
                self.quick.discard(number)
                self.slow.add(number)
                self.wake.set()
        return await inner

    async def stop(self) -> None:
        """Ends what is under way; its outcomes are not known."""
        tasks = tuple(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
