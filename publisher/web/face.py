"""What every page of the application needs, and how a page becomes an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from publisher.config import Settings
from publisher.crypto import Keys
from publisher.site.pages import frame, local, section_links
from publisher.store import articles
from publisher.store.engine import Store
from publisher.templating import Templates

#: No scripts, nothing from elsewhere, no frame around it, forms to ourselves only.
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A token in the address must not travel on.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Face:
    """What the pages work with."""

    store: Store
    settings: Settings
    templates: Templates
    keys: Keys
    #: Why the service is not ready, or None.
    ready: Callable[[], str | None]


def face_of(request: Request) -> Face:
    """The face that `build_app` gave to the application."""
    return cast("Face", request.app.state.face)


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


async def page(
    request: Request, name: str, *, title: str, path: str = "", status: int = 200,
    headers: Mapping[str, str] = SECURITY, **context: Any,
) -> Response:
    """The page of template `site/<name>.html`, as a rule with the headers of SECURITY; never cached.

    `path` is the address under which search engines may keep it; without one they may not.
    """
    face = face_of(request)
    site = face.settings.site
    async with face.store.read() as tx:
        sections = await articles.sections(tx)
    base = frame(site, title=title, path=path, sections=section_links(site, sections), robots="" if path else "noindex")
    more = {"heading": title, "at": partial(local, site)}
    html = face.templates.render(f"site/{name}.html", {**base, **more, **context})
    return HTMLResponse(html, status_code=status, headers=dict(headers))


async def message(request: Request, title: str, text: str, *, status: int, subscribe: bool = False) -> Response:
    """A page that says one thing; `subscribe` adds the way to the form."""
    return await page(request, "message", title=title, status=status, text=text, subscribe=subscribe)


async def not_found(request: Request) -> Response:
    """The page for an address that leads nowhere."""
    return await message(
        request, "Page not found", "There is nothing at this address. It may have moved, or been mistyped.", status=404
    )
