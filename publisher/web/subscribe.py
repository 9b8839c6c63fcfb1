"""Subscribing: the page with the feeds and the form, a small form for other sites, and what becomes of either.

    POST | body, honeypot, pace | check | slip of the keyboard? -> the same page with what is wrong, or what was meant
         | ask (double opt-in) | even time -> "check your mail"

All of it works without scripts; the one script there is guesses the time zone.
"""

from __future__ import annotations

import base64
import hashlib
import time
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publisher.audience import optin
from publisher.audience.optin import Joined
from publisher.audience.typos import meant
from publisher.audience.wanted import Answers, Wanted, WantedError, check, zones
from publisher.store import articles
from publisher.templating import safe
from publisher.text import one_line, shorten
from publisher.web import choices
from publisher.web.access import inbox_allowed
from publisher.web.face import POLICY, SECURITY, Face, face_of, message, now, page
from publisher.web.forms import field, fields_of, form
from publisher.web.limits import client, even

#: Shown beside the button, and recorded with the consent.
WORDING = (
    "Send me {title} by email. I will confirm this by a link in a first message, and can leave at any time by a link "
    "in every message."
)
#: A field that people do not see and programs fill in.
HONEYPOT = "website"
#: The address of which the reader was asked whether it is what they mean.
SURE = "sure"

#: The only page that others may put into a frame: there is nothing on it that a stranger could not do as well.
_FRAMED = {
    **{name: value for name, value in SECURITY.items() if name != "X-Frame-Options"},
    "Content-Security-Policy": POLICY.replace("frame-ancestors 'none'", "frame-ancestors *"),
}


async def show(request: Request) -> Response:
    """GET: the form with its defaults, and the feeds; or the small one."""
    face = face_of(request)
    letters = face.settings.newsletter
    asked = request.query_params.get("newsletter", "")
    letter = face.settings.find_newsletter(asked) or (letters[0] if letters else None)
    answers = Answers(
        email="", newsletter=letter.name if letter else "", timezone=face.settings.site.timezone,
        time=letter.time.strftime("%H:%M") if letter else "", weekday=str(letter.weekday) if letter else "",
        frequency=letter.frequencies[0].value if letter and not _differ(face) else "",
        language=face.settings.site.language,
    )
    return await _form_page(request, answers, {}, guess=True)


async def take(request: Request) -> Response:
    """POST: one answer for everybody whose form is in order, whether or not the address is known."""
    face = face_of(request)
    begun = time.monotonic()
    if not face.settings.newsletter:
        return await message(request, "No newsletter", "There is no newsletter to subscribe to here.", status=404)
    fields = await form(request)
    if field(fields, HONEYPOT):
        return await _check_mail(request)
    wait = request.app.state.pace.wait(client(request), begun)
    if wait:
        return await _slow_down(request, wait, "Too many forms came from your network.")
    answers = _answers(request, fields)
    try:
        wanted = check(answers, face.settings.newsletter, face.settings.site)
    except WantedError as error:
        return await _form_page(request, answers, error.faults)
    given, proposed = wanted.address.given, meant(wanted.address)
    if proposed and field(fields, SURE).strip() != given:
        fault = f"did you mean {proposed}? If {given} is right, send the form once more"
        return await _form_page(request, answers, {"email": fault}, sure=given)
    return await _ask(request, wanted, begun)


async def _ask(request: Request, wanted: Wanted, begun: float) -> Response:
    face = face_of(request)
    joined = await optin.ask(
        face.store, face.settings, wanted, now=now(), origin=_origin(request), wording=_wording(face)
    )
    if joined == Joined.CROWDED:
        return await _slow_down(request, 600, "Too many people subscribe at this moment.")
    await even(begun)
    return await _check_mail(request)


ROUTES = [
    Route(path, endpoint, methods=[method])
    for path in ("/subscribe", "/subscribe/embed") for endpoint, method in ((show, "GET"), (take, "POST"))
]


def _differ(face: Face) -> bool:
    """Whether what is right for one newsletter is wrong for another: then each has its own for whoever says nothing."""
    return len({letter.frequencies for letter in face.settings.newsletter}) > 1


def _small(request: Request) -> bool:
    return bool(request.url.path.endswith("/embed"))


def _answers(request: Request, fields: FormData) -> Answers:
    zone = field(fields, "timezone")
    if _small(request) and zone not in zones():
        zone = ""  # the script's guess; nobody sees it there, so nobody could mend it
    return Answers(
        email=field(fields, "email"), name=field(fields, "name"), newsletter=field(fields, "newsletter"),
        frequency=field(fields, "frequency"), weekday=field(fields, "weekday"), time=field(fields, "time"),
        sections=fields_of(fields, "sections"), timezone=zone, language=field(fields, "language"),
    )


def _origin(request: Request) -> str:
    """Where the wish came from: which form, on which site where it is another's, and which network."""
    host = urlsplit(request.headers.get("origin", "")).netloc
    ours = urlsplit(face_of(request).settings.site.url).netloc
    site = f" on {shorten(one_line(host), 100)}" if host not in ("", ours, request.headers.get("host")) else ""
    return f"{'small' if _small(request) else 'web'} form{site}, {client(request)}"


async def _form_page(
    request: Request, answers: Answers, faults: dict[str, str], *, guess: bool = False, sure: str = ""
) -> Response:
    """The form; `sure` is the address on which another sending insists."""
    face = face_of(request)
    letters, site = face.settings.newsletter, face.settings.site
    async with face.store.read() as tx:
        known = await articles.sections(tx)
    script = face.templates.render("site/zone.js", {})
    small = _small(request)
    return await page(
        request, "embed" if small else "subscribe", title="Subscribe", path="" if small else "/subscribe",
        status=400 if faults else 200, headers=_with_script(_FRAMED if small else SECURITY, script), faults=faults,
        answers=answers, letters=[{"name": n.name, "title": n.title or site.title} for n in letters],
        frequencies=choices.frequencies(letters), differ=_differ(face), weekly=choices.weekly(letters),
        weekdays=choices.DAYS, zones=choices.zone_groups(), offered=choices.sections(letters, known),
        languages=choices.languages(site, answers.language), wording=_wording(face), honeypot=HONEYPOT, sure=sure,
        script=safe(script), guess=guess, sent=False,
    )


def _with_script(headers: dict[str, str], script: str) -> dict[str, str]:
    """`headers` that let this script run, known by its hash, and no other."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = headers["Content-Security-Policy"]
    return {**headers, "Content-Security-Policy": f"{policy}; script-src 'sha256-{digest}'"}


async def _check_mail(request: Request) -> Response:
    inbox = inbox_allowed(face_of(request).settings, request)
    if _small(request):
        return await page(request, "embed", title="Check your mail", headers=_FRAMED, sent=True, guess=False, faults={})
    return await page(request, "check_mail", title="Check your mail", inbox=inbox)


async def _slow_down(request: Request, wait: int, why: str) -> Response:
    answer = await message(request, "Too many at once", f"{why} Please try again in a few minutes.", status=429)
    answer.headers["Retry-After"] = str(wait)
    return answer


def _wording(face: Face) -> str:
    """What stands beside the button: with one newsletter its name, with several no name, for the form has a choice."""
    letters = face.settings.newsletter
    title = (letters[0].title or face.settings.site.title) if len(letters) == 1 else "this newsletter"
    return WORDING.format(title=title)
