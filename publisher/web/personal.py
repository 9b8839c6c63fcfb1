"""What a forwarded digest must not allow, by fresh links: one's data, erasure, another address. GETs change nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publisher import address
from publisher.address import masked
from publisher.audience import personal
from publisher.audience.personal import Moved
from publisher.errors import PublisherError, StoreError
from publisher.web.face import SECURITY, face_of, message, now, page
from publisher.web.forms import field, own_form
from publisher.web.limits import client, even

#: Shown beside the button that confirms a new address, and recorded.
WORDING = "Yes, {email} is mine: write to me there."

_TITLES = {
    "export": "Your data", "erase": "Erase everything about me", "address": "Another address",
    "new-address": "Is this your new address?",
}
Page = Callable[[Request], Awaitable[Response]]


def _door(kind: str) -> Page:
    async def show(request: Request) -> Response:
        return await _show(request, kind)

    return show


async def _show(request: Request, kind: str, *, email: str = "", fault: str = "") -> Response:
    """The page of a link, with one button; `email` and `fault`: what was typed, and what is wrong with it."""
    face = face_of(request)
    found = await personal.look(face.store, face.keys, kind.replace("-", "_"), _token(request), now())
    if found is None:
        return await _void(request)
    return await page(
        request, kind.replace("-", "_"), title=_TITLES[kind], status=400 if fault else 200, email=masked(found.email),
        new_email=found.new_email, typed=email, fault=fault, wording=WORDING.format(email=found.new_email),
    )


async def export(request: Request) -> Response:
    """POST /export/TOKEN: all that is known of the reader, as a file of JSON."""
    await own_form(request)
    face = face_of(request)
    found = await personal.export(face.store, face.keys, _token(request), now())
    if found is None:
        return await _void(request)
    content = json.dumps(found, ensure_ascii=False, indent=2, default=_instant).encode()
    more = {"Content-Type": "application/json", "Content-Disposition": 'attachment; filename="my-data.json"'}
    return Response(content, headers={**SECURITY, **more})


async def erase(request: Request) -> Response:
    """POST /erase/TOKEN: the reader is no more."""
    await own_form(request)
    face = face_of(request)
    try:
        done = await personal.erase_me(face.store, face.keys, _token(request), now())
    except StoreError:
        raise
    except PublisherError:
        text = "A message to you is on its way at this moment. Please press the button again in a few minutes."
        return await message(request, "Not yet", text, status=503)
    if not done:
        return await _void(request)
    text = "Your name, your address and your choices are gone, and nothing more comes to you."
    return await message(request, "You are erased", text, status=200)


async def change_address(request: Request) -> Response:
    """POST /address/TOKEN: a link goes to the new address."""
    fields = await own_form(request)
    face, begun = face_of(request), time.monotonic()
    typed = field(fields, "email")
    try:
        new = address.parse(typed)
    except PublisherError as error:
        return await _show(request, "address", email=typed, fault=str(error))
    done = await personal.change_address(face.store, face.settings, face.keys, _token(request), new, now())
    if not done:
        return await _void(request)
    await even(begun)
    text = "A message is on its way to the new address. Open the link in it within an hour, and it is yours here too."
    return await message(request, "Check your new mail", text, status=200)


async def move(request: Request) -> Response:
    """POST /new-address/TOKEN: the new address is the reader's from now on."""
    await own_form(request)
    face = face_of(request)
    found = await personal.look(face.store, face.keys, "new_address", _token(request), now())
    done, email = await personal.move(
        face.store, face.settings, face.keys, _token(request), now=now(), origin=f"web, {client(request)}",
        wording=WORDING.format(email="" if found is None else found.new_email),
    )
    if done == Moved.VOID:
        return await _void(request)
    if done == Moved.TAKEN:
        text = f"{masked(email)} has subscriptions of its own already, so nothing was changed. Use those instead."
        return await message(request, "Already here", text, status=409)
    text = f"From now on everything comes to {masked(email)}. The old address was told."
    return await message(request, "Your address is changed", text, status=200)


ROUTES = [
    Route(f"/{kind}/{{token}}", endpoint, methods=[method])
    for kind, act in (
        ("export", export), ("erase", erase), ("address", change_address), ("new-address", move),
    )
    for endpoint, method in ((_door(kind), "GET"), (act, "POST"))
]


async def _void(request: Request) -> Response:
    text = "It works once, and for an hour. Ask for a fresh one by the preferences link in any message that you got."
    return await message(request, "This link has ended", text, status=404)


def _token(request: Request) -> str:
    token: str = request.path_params["token"]
    return token


def _instant(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
