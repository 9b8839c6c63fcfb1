"""The callback of our subscriptions at hubs: GET answers a hub's question, POST takes what it pushes (W3C WebSub).

    GET  /push/TOKEN | did we ask that? -> its challenge | 404
    POST /push/TOKEN | bounded body     -> 202, whatever we make of it | 410 where nobody wants it
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from publisher.http import Limits
from publisher.intake import push_receive
from publisher.intake.push_receive import Delivery
from publisher.web.face import SECURITY, face_of, now
from publisher.web.limits import TooLargeError, body

_AT_ONCE = 3
#: Seconds that a body may take.
_PATIENCE = 30.0


async def question(request: Request) -> Response:
    """GET: the challenge, as it came, where we asked for this subscription or its end."""
    face = face_of(request)
    answer = await push_receive.question(
        face.store, face.keys, request.path_params["token"], request.query_params, now=now()
    )
    if answer is None:
        return PlainTextResponse("Nobody asked for this.\n", status_code=404, headers=SECURITY)
    return PlainTextResponse(answer, headers=SECURITY)


async def delivery(request: Request) -> Response:
    """POST: a feed, or a part of one."""
    face = face_of(request)
    token = request.path_params["token"]
    headers = request.headers
    known = await push_receive.is_known(face.store, face.keys, token)
    async with request.app.state.deliveries:
        content = await _content(request) if known else b""
        given = Delivery(content, headers.get("content-type", ""), headers.get("x-hub-signature", ""))
        status = await push_receive.delivery(face.store, face.settings, face.keys, token, given, now=now)
    more = {"Retry-After": "60"} if status == push_receive.LATER else {}
    return Response(status_code=status, headers={**SECURITY, **more})


async def _content(request: Request) -> bytes | None:
    """The body; None where it is larger than a feed may be, or does not come to its end."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await body(request, Limits().body)
    except (TooLargeError, TimeoutError):
        return None


def gate() -> asyncio.Semaphore:
    """Deliveries that are read and taken at a time: each may hold as much memory as a feed."""
    return asyncio.Semaphore(_AT_ONCE)


ROUTES = [Route("/push/{token}", question, methods=["GET"]), Route("/push/{token}", delivery, methods=["POST"])]
