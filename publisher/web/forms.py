"""Forms: reading one within its limits."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Message

from publisher.web.limits import body

_FIELDS = 100


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
