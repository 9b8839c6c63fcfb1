"""Subscribing: the page with the feeds and the form, and what becomes of the form.

    POST | body, honeypot, pace | check -> the same page with what is wrong | ask (double opt-in) -> "check your mail"

All of it works without scripts.
"""

from __future__ import annotations

import time
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publisher.audience import optin
from publisher.audience.wanted import WEEKDAYS, Answers, WantedError, check, zones
from publisher.model import Frequency
from publisher.store import articles
from publisher.web.access import inbox_allowed
from publisher.web.face import Face, face_of, message, now, page
from publisher.web.forms import field, fields_of, form
from publisher.web.limits import client

#: Shown beside the button, and recorded with the consent.
WORDING = (
    "Send me {title} by email. I will confirm this by a link in a first message, and can leave at any time by a link "
    "in every message."
)
#: A field that people do not see and programs fill in.
HONEYPOT = "website"

_REGIONS = frozenset(
    ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)
_FREQUENCIES = {"daily": "Every day", "weekly": "Once a week", "immediate": "As it happens"}


async def show(request: Request) -> Response:
    """GET: the form with its defaults, and the feeds."""
    face = face_of(request)
    letters = face.settings.newsletter
    asked = request.query_params.get("newsletter", "")
    letter = face.settings.find_newsletter(asked) or (letters[0] if letters else None)
    answers = Answers(
        email="", newsletter=letter.name if letter else "", timezone=face.settings.site.timezone,
        time=letter.time.strftime("%H:%M") if letter else "", weekday=str(letter.weekday) if letter else "",
        frequency=letter.frequencies[0].value if letter else "",
    )
    return await _form_page(request, answers, {})


async def take(request: Request) -> Response:
    """POST: one answer for everybody whose form is in order, whether or not the address is known."""
    face = face_of(request)
    if not face.settings.newsletter:
        return await message(request, "No newsletter", "There is no newsletter to subscribe to here.", status=404)
    fields = await form(request)
    if field(fields, HONEYPOT):
        return await _check_mail(request)
    wait = request.app.state.pace.wait(client(request), time.monotonic())
    if wait:
        return await _slow_down(request, wait)
    answers = Answers(
        email=field(fields, "email"), name=field(fields, "name"), newsletter=field(fields, "newsletter"),
        frequency=field(fields, "frequency"), weekday=field(fields, "weekday"), time=field(fields, "time"),
        sections=fields_of(fields, "sections"), timezone=field(fields, "timezone"),
        language=field(fields, "language"),
    )
    try:
        wanted = check(answers, face.settings.newsletter, face.settings.site)
    except WantedError as error:
        return await _form_page(request, answers, error.faults)
    await optin.ask(
        face.store, face.settings, wanted, now=now(), origin=f"web form, {client(request)}",
        wording=_wording(face),
    )
    return await _check_mail(request)


ROUTES = [Route("/subscribe", show, methods=["GET"]), Route("/subscribe", take, methods=["POST"])]


async def _form_page(request: Request, answers: Answers, faults: dict[str, str]) -> Response:
    face = face_of(request)
    async with face.store.read() as tx:
        known = await articles.sections(tx)
    return await page(
        request, "subscribe", title="Subscribe", path="/subscribe", status=400 if faults else 200, faults=faults,
        answers=answers,
        letters=[{"name": n.name, "title": n.title or face.settings.site.title} for n in face.settings.newsletter],
        frequencies=_frequencies(face), weekly=_weekly(face), weekdays=list(enumerate(WEEKDAYS)), zones=_zone_groups(),
        offered=_offered(face, known), wording=_wording(face), honeypot=HONEYPOT,
    )


async def _check_mail(request: Request) -> Response:
    inbox = inbox_allowed(face_of(request).settings, request)
    return await page(request, "check_mail", title="Check your mail", inbox=inbox)


async def _slow_down(request: Request, wait: int) -> Response:
    answer = await message(
        request, "Too many at once", "Too many forms came from your network. Please try again in a few minutes.",
        status=429,
    )
    answer.headers["Retry-After"] = str(wait)
    return answer


def _wording(face: Face) -> str:
    """What stands beside the button: with one newsletter its name, with several no name, for the form has a choice."""
    letters = face.settings.newsletter
    title = (letters[0].title or face.settings.site.title) if len(letters) == 1 else "this newsletter"
    return WORDING.format(title=title)


def _frequencies(face: Face) -> list[tuple[str, str]]:
    offered = dict.fromkeys(f.value for letter in face.settings.newsletter for f in letter.frequencies)
    return [(value, _FREQUENCIES[value]) for value in offered]


def _weekly(face: Face) -> bool:
    return any(Frequency.WEEKLY in letter.frequencies for letter in face.settings.newsletter)


def _offered(face: Face, known: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """(slug, name) of the sections that any newsletter offers."""
    letters = face.settings.newsletter
    if any(not letter.sections for letter in letters):
        return known
    wanted = {slug for letter in letters for slug in letter.sections}
    return [(slug, name) for slug, name in known if slug in wanted]


@cache
def _zone_groups() -> list[tuple[str, list[str]]]:
    """Zones that people live in, by region."""
    groups: dict[str, list[str]] = {}
    for zone in sorted(zones()):
        region = zone.partition("/")[0]
        if region in _REGIONS:
            groups.setdefault(region, []).append(zone)
    return [*groups.items(), ("Other", ["UTC"])]
