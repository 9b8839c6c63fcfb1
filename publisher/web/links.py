"""The links in mail: confirming and leaving. A GET shows a button and changes nothing (I9); a POST acts."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publisher import tokens
from publisher.address import masked
from publisher.audience import optin
from publisher.audience.optin import LinkState
from publisher.crypto import Keys
from publisher.model import Reader
from publisher.web.access import inbox_allowed
from publisher.web.face import Face, face_of, message, now, page
from publisher.web.forms import own_form
from publisher.web.limits import body, client

#: Shown beside the button, and recorded with the consent.
WORDING = "Yes, send me {title} by email."


async def confirm_page(request: Request) -> Response:
    """GET /confirm/TOKEN: one button."""
    face = face_of(request)
    state, reader = await optin.look(face.store, face.settings, face.keys, _token(request), now())
    return await _confirm_answer(request, state, reader, acted=False)


async def confirm(request: Request) -> Response:
    """POST /confirm/TOKEN: the subscription is active from now on; a second click is told so."""
    face = face_of(request)
    await own_form(request)
    state, reader = await optin.look(face.store, face.settings, face.keys, _token(request), now())
    if state == LinkState.GOOD:
        state, reader = await optin.confirm(
            face.store, face.settings, face.keys, _token(request), now=now(), origin=f"web, {client(request)}",
            wording=WORDING.format(title=_title(face, reader)),
        )
    return await _confirm_answer(request, state, reader, acted=True)


async def leave_page(request: Request) -> Response:
    """GET /u/TOKEN: one button; scanners that follow every link change nothing."""
    face = face_of(request)
    reader = await optin.leaving(face.store, face.keys, _token(request))
    if reader is None:
        return await _bad_link(request)
    return await page(
        request, "unsubscribe", title="Unsubscribe", preferences=_preferences(face, _token(request), reader),
        **_who(face, reader),
    )


async def leave(request: Request) -> Response:
    """POST /u/TOKEN, from our button or as a mail client's one-click (RFC 8058): at once, without another question."""
    face = face_of(request)
    await body(request)
    reader = await optin.leave(
        face.store, face.keys, _token(request), now=now(), origin=f"web, {client(request)}"
    )
    if reader is None:
        return await _bad_link(request)
    return await page(
        request, "unsubscribed", title="You are unsubscribed", token=_token(request), wording=optin.BACK,
        **_who(face, reader),
    )


async def come_back(request: Request) -> Response:
    """POST /u/TOKEN/back: the way back of who has just left, by a fresh double opt-in."""
    await own_form(request)
    face = face_of(request)
    known = await optin.ask_back(
        face.store, face.settings, face.keys, _token(request), now=now(), origin=f"goodbye page, {client(request)}"
    )
    if not known:
        return await _bad_link(request)
    return await page(request, "check_mail", title="Check your mail", inbox=inbox_allowed(face.settings, request))


ROUTES = [
    Route("/confirm/{token}", confirm_page, methods=["GET"]),
    Route("/confirm/{token}", confirm, methods=["POST"]),
    Route("/u/{token}", leave_page, methods=["GET"]),
    Route("/u/{token}", leave, methods=["POST"]),
    Route("/u/{token}/back", come_back, methods=["POST"]),
]


async def _confirm_answer(request: Request, state: LinkState, reader: Reader | None, *, acted: bool) -> Response:
    face = face_of(request)
    if reader is None:
        return await _bad_link(request)
    if state == LinkState.EXPIRED:
        return await message(
            request, "This link has expired", "Nobody pressed its button in time. Please subscribe again.", status=404,
            subscribe=True,
        )
    who = _who(face, reader)
    if state == LinkState.DONE or acted:
        return await page(request, "confirmed", title="You are subscribed", again=state == LinkState.DONE, **who)
    return await page(
        request, "confirm", title="One more click", wording=WORDING.format(title=who["newsletter"]), **who
    )


async def _bad_link(request: Request) -> Response:
    return await message(
        request, "This link does not work",
        "It is incomplete, or not valid any more. Please open it again from the newest message that you have.",
        status=404, subscribe=True,
    )


def _preferences(face: Face, token: str, reader: Reader) -> str:
    """The token of the reader's preferences, where the link was made by a key that is good for them; else nothing."""
    if not reader.subscriber.email or not tokens.valid(Keys(face.keys.secrets), tokens.UNSUBSCRIBE, token):
        return ""
    return tokens.make(face.keys, tokens.PREFERENCES, reader.subscription.id)


def _token(request: Request) -> str:
    token: str = request.path_params["token"]
    return token


def _title(face: Face, reader: Reader | None) -> str:
    found = face.settings.find_newsletter(reader.subscription.newsletter) if reader else None
    return found.title if found and found.title else face.settings.site.title


def _who(face: Face, reader: Reader) -> dict[str, Any]:
    return {"newsletter": _title(face, reader), "email": masked(reader.subscriber.email)}
