"""Forms: reading one within its limits, and telling a page of ours from another's."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Message

from publisher.web.face import face_of
from publisher.web.limits import body

_FIELDS = 200


class ForeignFormError(Exception):
    """The form was sent by a page of another site."""


async def own_form(request: Request) -> FormData:
    """As `form`, where a page of ours sent it; raises ForeignFormError where a browser says that another site's did.

    The token in its address is what a forger lacks; this is the second lock. Our pages send no referrer, so that a
    browser calls their origin "null": it is `Sec-Fetch-Site` that tells (W3C Fetch Metadata), and older browsers'
    `Origin` where it names a site.
    """
    told = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "null")
    if told in ("cross-site", "same-site") or (not told and origin != "null" and not _ours(request, origin)):
        raise ForeignFormError
    return await form(request)


def _ours(request: Request, origin: str) -> bool:
    host = urlsplit(origin).netloc.lower()
    known = urlsplit(face_of(request).settings.site.url).netloc.lower()
    return bool(host) and host in (known, request.headers.get("host", "").lower())


async def form(request: Request) -> FormData:
    """The fields of a form, url-encoded or multipart; files are refused. Raises TooLargeError."""
    content = await body(request)

    async def replay() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    return await Request(request.scope, replay).form(max_files=0, max_fields=_FIELDS)


def field(fields: FormData, name: str) -> str:
    """The value of a field, or nothing."""
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""


def fields_of(fields: FormData, name: str) -> tuple[str, ...]:
    """All values of a field that may come more than once."""
    return tuple(value for value in fields.getlist(name) if isinstance(value, str))
