"""Looking at the next edition, which sends and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from publisher.digest.preview import Preview, preview
from publisher.errors import NotFoundError
from publisher.settings import Newsletter
from tests.ledger import list_deliveries


async def show(world: Any, email: str = "", newsletter: str = "daily") -> Preview:
    found = world.settings.find_newsletter(newsletter)
    return await preview(world.store, world.settings, world.templates, found, for_email=email, at=world.now)


async def test_before_the_first_edition_the_newest_ten_are_shown(world: Any) -> None:
    """An editor sees what a first edition would look like."""
    for n in range(12):
        await world.publish(f"Story {n}")
    found = await show(world)
    assert (found.subject, found.stories) == ("Story 11", 10)
    assert "Story 2" in found.html
    assert "Story 1<" not in found.html


async def test_afterwards_it_shows_what_is_new_since_the_last_edition(world: Any) -> None:
    """And says with 0 stories that nothing is, showing the newest all the same."""
    await world.subscribe()
    await world.plan()
    await world.publish("Sent")
    world.now += timedelta(hours=2)
    await world.plan()
    found = await show(world)
    assert (found.subject, found.stories) == ("Sent", 0)
    await world.publish("New")
    found = await show(world)
    assert (found.subject, found.stories) == ("New", 1)
    assert "Sent" not in found.html


async def test_for_a_reader_it_shows_their_own_window_and_sections(world: Any) -> None:
    """What was accepted is not in it, what they did not choose neither."""
    await world.subscribe("arts@example.org", sections=("arts",))
    await world.publish("Arts", section="Arts")
    await world.publish("News", section="News")
    found = await show(world, "Arts@Example.org")
    assert (found.subject, found.stories) == ("Arts", 1)
    assert "News" not in found.html


async def test_for_a_new_reader_it_shows_the_welcome_edition(world: Any) -> None:
    """With its greeting, and the backfill too."""
    await world.publish("Old", backfill=True)
    await world.subscribe("new@example.org", welcome=True)
    found = await show(world, "new@example.org")
    assert (found.subject, found.stories) == ("Old", 1)
    assert "Welcome to The Daily Courier" in found.text


async def test_a_preview_writes_nothing(world: Any) -> None:
    """No delivery, and the plan afterwards is what it would have been."""
    await world.subscribe()
    await world.plan()
    await world.publish("News")
    world.now += timedelta(hours=2)
    await show(world, "reader@example.org")
    async with world.store.read() as tx:
        assert await list_deliveries(tx) == []
    assert (await world.plan()).planned == 1


async def test_nothing_to_show_is_said_plainly(make_world: Callable[..., Any], make_settings: Callable[..., Any]) -> None:
    """An unknown reader, and a store without articles."""
    world = make_world(make_settings(Newsletter(name="daily"), Newsletter(name="other")))
    with pytest.raises(NotFoundError, match="no live article"):
        await show(world)
    await world.publish("News")
    await world.subscribe("known@example.org")
    for email, newsletter in (("unknown@example.org", "daily"), ("known@example.org", "other")):
        with pytest.raises(NotFoundError, match="no subscription"):
            await show(world, email, newsletter)
