"""The WebSub hub's door: POST takes what subscribers ask, GET tells people what this is (W3C WebSub, section 5).

    POST /hub | url-encoded form | not too often? | accept -> 202; 4xx or 5xx with the reason
"""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from publisher import urls
from publisher.web.face import SECURITY, face_of, message, not_found, now
from publisher.web.limits import Pace, body, client
from publisher.websub.accept import accept
from publisher.websub.ask import AskError, fields_of

#: Requests of one client within ten minutes: each has the hub ask an address that the client named.
_PER_CLIENT = 2_000
_FORM = "application/x-www-form-urlencoded"
_WORDS = (
    "Programs subscribe here (WebSub): this hub pushes each feed of this site the moment that it changes. "
    "A feed names this address itself; a feed reader needs to be given the feed alone."
)


async def door(request: Request) -> Response:
    """GET: what this is."""
    if not face_of(request).settings.hub.enabled:
        return await not_found(request)
    return await message(request, "WebSub hub", _WORDS, status=200)


async def take(request: Request) -> Response:
    """POST: a request to subscribe or to unsubscribe; 202 says that the callback will be asked."""
    face = face_of(request)
    try:
        await accept(face.store, face.settings, face.keys, await _fields(request), now=now())
    except AskError as error:
        more = {"Retry-After": str(error.wait)} if error.wait else {}
        return PlainTextResponse(f"{error}\n", status_code=error.status, headers={**SECURITY, **more})
    return PlainTextResponse("The callback will be asked whether it meant this.\n", status_code=202, headers=SECURITY)


async def _fields(request: Request) -> dict[str, str]:
    """The form of somebody who may be heard now. Raises AskError."""
    if not face_of(request).settings.hub.enabled:
        raise AskError(404, "This site runs no hub.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise AskError(415, f"The body must be a form, as {_FORM}.")
    pace: Pace = request.app.state.hub_pace
    if wait := pace.wait(client(request), time.monotonic()):
        raise AskError(429, "Too many requests from here.", wait)
    return fields_of(await body(request))


def pace() -> Pace:
    """Counts the requests of each client."""
    return Pace(_PER_CLIENT)


ROUTES = [Route(urls.HUB_PATH, door, methods=["GET"]), Route(urls.HUB_PATH, take, methods=["POST"])]
