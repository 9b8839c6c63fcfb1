"""The development inbox: what was sent, read as its readers would. See `access` for who may."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from publisher.errors import NotFoundError
from publisher.mail.inbox import list_messages, read_message
from publisher.templating import safe
from publisher.web.access import inbox_allowed
from publisher.web.face import SECURITY, face_of, not_found, page

# The HTML part stands in a frame without scripts and without an origin; links open in a tab of their own.
_FRAME = "allow-popups allow-popups-to-escape-sandbox"
_FRAME_HEADERS = {
    **SECURITY,
    "Content-Security-Policy": (
        f"sandbox {_FRAME}; default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; "
        "font-src https: data:; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}
_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")
_TOP = re.compile(r"<head\b[^>]*>", re.IGNORECASE)

Page = Callable[[Request], Awaitable[Response]]


def _guarded(shown: Page) -> Page:
    """`shown` for those who may see it; for all others there is no such page."""

    async def guard(request: Request) -> Response:
        if not inbox_allowed(face_of(request).settings, request):
            return await not_found(request)
        try:
            return await shown(request)
        except NotFoundError:
            return await not_found(request)

    return guard


async def door(_request: Request) -> Response:
    """GET /inbox: the list stands under its closing slash."""
    return RedirectResponse("/inbox/", headers=SECURITY)


async def index(request: Request) -> Response:
    """GET /inbox/: the newest messages first."""
    entries = await list_messages(face_of(request).settings.inbox)
    return await page(request, "inbox", title="Development inbox", entries=entries)


async def one(request: Request) -> Response:
    """GET /inbox/NAME: a message with its parts and headers."""
    found = await read_message(face_of(request).settings.inbox, _name(request))
    head = found.raw.partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]
    return await page(
        request, "inbox_message", title=found.entry.subject or "(no subject)", entry=found.entry,
        has_html=bool(found.html), text=linked(found.text), head=head.decode("utf-8", "replace"), frame=_FRAME,
    )


async def body(request: Request) -> Response:
    """GET /inbox/NAME/html: the HTML part alone, for the frame."""
    found = await read_message(face_of(request).settings.inbox, _name(request))
    tab = '<base target="_blank">'
    content, times = _TOP.subn(lambda match: match[0] + tab, found.html, count=1)
    return HTMLResponse(content if times else tab + content, headers=_FRAME_HEADERS)


async def raw(request: Request) -> Response:
    """GET /inbox/NAME/raw: the bytes as they were sent."""
    found = await read_message(face_of(request).settings.inbox, _name(request))
    return PlainTextResponse(found.raw, headers=SECURITY)


def linked(text: str) -> str:
    """Plain text as HTML in which the web addresses are links."""
    pieces: list[str] = []
    end = 0
    for match in _URL.finditer(text):
        url = html.escape(match[0])
        pieces += [html.escape(text[end : match.start()]), f'<a href="{url}" rel="noreferrer">{url}</a>']
        end = match.end()
    return safe("".join([*pieces, html.escape(text[end:])]))


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name


ROUTES = [
    Route("/inbox", _guarded(door)),
    Route("/inbox/", _guarded(index)),
    Route("/inbox/{name}", _guarded(one)),
    Route("/inbox/{name}/html", _guarded(body)),
    Route("/inbox/{name}/raw", _guarded(raw)),
]
