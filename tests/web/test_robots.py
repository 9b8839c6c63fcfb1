"""What search engines are asked to leave alone."""

from __future__ import annotations

from publisher.feeds import directory
from publisher.web import feeds, links, personal, preferences, push


def test_every_page_of_one_person_alone_is_closed_to_robots() -> None:
    """Whatever has a token in its address, today and when a page is added."""
    routes = [*links.ROUTES, *preferences.ROUTES, *personal.ROUTES, *push.ROUTES, *feeds.ROUTES]
    personal_paths = {route.path.partition("{token}")[0] for route in routes if "{token}" in route.path}
    assert personal_paths
    assert personal_paths <= set(directory._CLOSED)
