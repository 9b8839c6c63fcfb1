"""The HTTP face as one ASGI application: files in front, pages that act behind.

    request | file of the output folder? -> prepared bytes | route -> page | old address of an article -> where it is
            | nothing -> the page for lost readers

A route is asked only where no file answers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from publisher import log, urls
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import StoreError
from publisher.store.engine import Store
from publisher.templating import Templates
from publisher.web import (
    feeds,
    gone,
    health,
    hub,
    inbox,
    links,
    moved,
    personal,
    preferences,
    push,
    subscribe,
)
from publisher.web.face import SECURITY, Face, face_of, message, not_found
from publisher.web.files import FileFront
from publisher.web.forms import ForeignFormError
from publisher.web.limits import Pace, TooLargeError
from publisher.web.prepared import Headers

_log = log.get("web")


def build_app(
    store: Store, settings: Settings, templates: Templates, keys: Keys, *, ready: Callable[[], str | None]
) -> ASGIApp:
    """The application; `ready` tells why the service is not ready, or None."""
    routes = [
        *health.ROUTES, *subscribe.ROUTES, *links.ROUTES, *preferences.ROUTES, *personal.ROUTES, *push.ROUTES,
        *hub.ROUTES, *inbox.ROUTES, *feeds.ROUTES,
    ]
    pages = Starlette(
        routes=routes,
        exception_handlers={
            404: _lost, HTTPException: _refused, TooLargeError: _too_large, ForeignFormError: _foreign,
            StoreError: _out_of_order, Exception: _failed,
        },
    )
    # No address of ours but a folder's has a closing slash, and a redirect would carry a token along.
    pages.router.redirect_slashes = False
    pages.state.face = Face(store, settings, templates, keys, ready)
    pages.state.pace = Pace(settings.subscribing.per_network)
    pages.state.deliveries = push.gate()
    pages.state.hub_pace = hub.pace()
    pages.state.gauges = health.KeptGauges()
    pages.state.feeds = feeds.Made()
    files = FileFront(settings.path(settings.output.directory), pages, announce=partial(_announced, settings))
    return moved.NumberFront(files, store, settings.site.url)


async def _lost(request: Request, _error: Exception) -> Response:
    face = face_of(request)
    known = await gone.answer_for(request) or await moved.answer_for(request, face.store, face.settings.site.url)
    return known or await not_found(request)


def _announced(settings: Settings, name: str) -> Headers:
    """The links of a feed to its hubs and to itself, for a hub and its subscribers (WebSub, section 4)."""
    if not settings.hubs or name.rpartition("/")[2] not in urls.FEED_FILES:
        return []
    links = [f'<{hub}>; rel="hub"' for hub in settings.hubs]
    own = urls.absolute(settings.site.url, f"/{name}")
    return [(b"link", ", ".join((*links, f'<{own}>; rel="self"')).encode())]


async def _refused(_request: Request, error: Exception) -> Response:
    """What Starlette refuses itself: a method that a page does not know, a form that is none."""
    assert isinstance(error, HTTPException)
    headers = {**SECURITY, **(error.headers or {})}
    return PlainTextResponse(f"{error.detail}\n", status_code=error.status_code, headers=headers)


async def _too_large(request: Request, _error: Exception) -> Response:
    answer = await message(request, "Too large", "That is more than this form takes.", status=413)
    answer.headers["Connection"] = "close"  # the rest of it is not read
    return answer


async def _foreign(request: Request, _error: Exception) -> Response:
    text = "Another site sent this form. Open the link in your message, and use the page that it leads to."
    return await message(request, "Not from here", text, status=403)


async def _out_of_order(_request: Request, error: Exception) -> Response:
    """The database does not answer, which passes: RFC 9110 section 15.6.4."""
    _log.warning("store", why=str(error))
    headers = {**SECURITY, "Retry-After": "30"}
    return PlainTextResponse("This is out of order for a moment. Please try again.\n", status_code=503, headers=headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    """Starlette raises the error again after this answer, so that it is logged."""
    return PlainTextResponse("Something went wrong here. Please try again later.\n", status_code=500, headers=SECURITY)
