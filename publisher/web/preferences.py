"""Preferences, by the link in every digest. A GET shows and changes nothing (I9); a POST does one thing, named by `do`.

    GET  | token -> all that the reader has here
    POST | token, a page of ours | do -> the same page, with what was done or what is wrong
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publisher import urls
from publisher.address import masked
from publisher.audience import mine, own_feed, personal
from publisher.audience.mine import Again, Mine
from publisher.audience.optin import Joined
from publisher.audience.wanted import Answers, WantedError
from publisher.digest.words import day
from publisher.model import Subscription, SubscriptionState
from publisher.settings import Newsletter
from publisher.store import articles
from publisher.web import choices, forms
from publisher.web.face import Face, face_of, message, now, page
from publisher.web.limits import client

#: Shown beside the button that adds a newsletter, and recorded with the consent.
WORDING = "Send me {title} by email as well."


@dataclass(frozen=True, slots=True)
class Said:
    """What the page says of a change."""

    text: str = ""
    #: By field.
    faults: Mapping[str, str] = field(default_factory=dict)
    #: The newsletter whose fields they are; empty: those of all.
    newsletter: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that is asked for."""

    face: Face
    token: str
    fields: FormData
    #: As named in the form; it need not be one of ours.
    newsletter: str
    #: The one of this name, where there is one.
    letter: Newsletter | None
    origin: str

    def value(self, name: str) -> str:
        """A field."""
        return forms.field(self.fields, name)

    @property
    def title(self) -> str:
        """The newsletter as readers see it."""
        return (self.letter.title if self.letter else "") or self.face.settings.site.title


#: Of a wish to have one more newsletter.
_JOINED = {
    Joined.ADDED: "{title} comes to you from now on.",
    Joined.ALREADY: "{title} comes to you already.",
    Joined.ASKED: "You left {title} once: open the link in the message on its way to you, and it comes again.",
    Joined.WAITING: "You were asked by mail lately: open the link in the newest of these messages. No further one goes "
    "out for now; if you find none that works, try again tomorrow.",
    Joined.CROWDED: "Too many people subscribe at this moment, so no message was sent. Please try again in an hour.",
    Joined.SUPPRESSED: "Nothing was changed: nothing is sent to your address at present. Please write to us.",
}
_NOT_HERE = Said("Nothing was changed: this newsletter does not come to you.")


async def show(request: Request) -> Response:
    """GET /preferences/TOKEN."""
    face = face_of(request)
    return await _page(request, await mine.mine(face.store, face.keys, request.path_params["token"]), Said())


async def change(request: Request) -> Response:
    """POST /preferences/TOKEN."""
    fields = await forms.own_form(request)
    face, token = face_of(request), request.path_params["token"]
    if await mine.mine(face.store, face.keys, token) is None:
        return await _page(request, None, Said())
    name = forms.field(fields, "newsletter")
    asked = Asked(
        face, token, fields, name, face.settings.find_newsletter(name), f"preferences, {client(request)}"
    )
    act = _ACTS.get(forms.field(fields, "do"))
    try:
        said = await act(asked) if act is not None else Said("Nothing was changed.")
    except WantedError as error:
        said = Said(faults=error.faults, newsletter=name)
    return await _page(request, await mine.mine(face.store, face.keys, token), said, fields if said.faults else None)


ROUTES = [
    Route("/preferences/{token}", show, methods=["GET"]), Route("/preferences/{token}", change, methods=["POST"])
]


async def _choose(it: Asked) -> Said:
    if it.letter is None:
        return _NOT_HERE
    answers = Answers(
        "", frequency=it.value("frequency"), weekday=it.value("weekday"), time=it.value("time"),
        sections=forms.fields_of(it.fields, "sections"),
    )
    done = await mine.choose(it.face.store, it.face.keys, it.token, it.letter, answers)
    return Said(f"Saved: {it.title} comes as you chose.") if done else _NOT_HERE


async def _choose_for_all(it: Asked) -> Said:
    answers = Answers("", timezone=it.value("timezone"), language=it.value("language"))
    await mine.choose_for_all(
        it.face.store, it.face.settings, it.face.keys, it.token, answers, plain_text=bool(it.value("plain_text"))
    )
    return Said("Saved, for everything that comes to you.")


async def _pause(it: Asked) -> Said:
    if it.letter is None:
        return _NOT_HERE
    end = await mine.pause(
        it.face.store, it.face.settings, it.face.keys, it.token, it.letter, it.value("until"), now()
    )
    if end is None:
        return _NOT_HERE
    return Said(f"{it.title} pauses until {day(end.date())}. What is published meanwhile is not sent later.")


async def _resume(it: Asked) -> Said:
    done = await mine.resume(it.face.store, it.face.keys, it.token, it.newsletter, now())
    return Said(f"{it.title} comes again from now on.") if done else Said("Nothing was changed: there is no pause.")


async def _join(it: Asked) -> Said:
    if it.letter is None:
        return _NOT_HERE
    joined = await mine.join(
        it.face.store, it.face.settings, it.face.keys, it.token, it.letter, now=now(), origin=it.origin,
        wording=WORDING.format(title=it.title),
    )
    return _NOT_HERE if joined is None else Said(_JOINED[joined].format(title=it.title))


async def _leave(it: Asked) -> Said:
    if not it.newsletter:
        return _NOT_HERE
    done = await mine.leave(it.face.store, it.face.keys, it.token, it.newsletter, now=now(), origin=it.origin)
    return Said(f"{it.title} no longer comes to you.") if done else _NOT_HERE


async def _leave_all(it: Asked) -> Said:
    await mine.leave(it.face.store, it.face.keys, it.token, "", now=now(), origin=it.origin)
    return Said("Nothing comes to you any more. No further question, no further mail.")


async def _again(it: Asked) -> Said:
    said = {
        Again.SENT: "The last one is on its way to you again.",
        Again.WAIT: "It was sent again a short while ago. Please look into your spam folder, or try later.",
        Again.NONE: "There is none to send again yet, or what stood in it was withdrawn.",
    }
    done = await mine.again(it.face.store, it.face.settings, it.face.keys, it.token, it.newsletter, now())
    return Said(said[done])


def _ask(kind: str) -> Callable[[Asked], Awaitable[Said]]:
    async def ask(it: Asked) -> Said:
        done = await personal.ask(it.face.store, it.face.settings, it.face.keys, it.token, kind, now())
        if done:
            return Said("A message with a link is on its way to you. The link works once, and for an hour.")
        return Said("Such a message was sent a short while ago. Please look into your mail, or try later.")

    return ask


async def _feed(it: Asked) -> Said:
    """Opens the reader's own feed; asked for again, at another address."""
    found = await mine.mine(it.face.store, it.face.keys, it.token)
    if found is None:
        return _NOT_HERE
    await own_feed.address(it.face.store, it.face.keys, found.person.id, renew=True)
    return Said("Your own feed has this address from now on, and no other.")


async def _end_feed(it: Asked) -> Said:
    found = await mine.mine(it.face.store, it.face.keys, it.token)
    ended = found is not None and await own_feed.end(it.face.store, found.person.id)
    return Said("Your own feed has ended." if ended else "Nothing was changed: there is no feed of your own.")


_ACTS: dict[str, Callable[[Asked], Awaitable[Said]]] = {
    "choose": _choose, "choose-for-all": _choose_for_all, "pause": _pause, "resume": _resume, "join": _join,
    "leave": _leave, "leave-all": _leave_all, "again": _again, "export": _ask("export"), "erase": _ask("erase"),
    "address": _ask("address"), "feed": _feed, "end-feed": _end_feed,
}


async def _page(request: Request, found: Mine | None, said: Said, typed: FormData | None = None) -> Response:
    face = face_of(request)
    if found is None:
        return await message(
            request, "This link does not work",
            "It may be incomplete, or older than a change of keys. Use the link in the newest message that you got.",
            status=404, subscribe=True,
        )
    async with face.store.read() as tx:
        known = await articles.sections(tx)
        feed = await own_feed.current(tx, face.keys, found.person.id)
    settings, person = face.settings, found.person
    wanted = {name: forms.field(typed, name) for name in ("timezone", "language")} if typed else {}
    mine_too = [name for name in found.subscriptions if settings.find_newsletter(name) is None]
    letters = [_letter(face, found, letter, known, said, typed) for letter in settings.newsletter]
    tomorrow = now().astimezone(_zone(face, person.timezone)).date() + timedelta(days=1)
    return await page(
        request, "preferences", title="Your preferences", status=400 if said.faults else 200,
        feed=urls.absolute(settings.site.url, f"/feed/{feed}") if feed else "",
        email=masked(person.email), said=said, letters=letters,
        ended=[name for name in mine_too if _comes(found.subscriptions[name])], active=found.active,
        weekdays=choices.DAYS, zones=choices.zone_groups(), timezone=wanted.get("timezone") or person.timezone,
        languages=choices.languages(settings.site, person.language), plain_text=person.plain_text,
        language=wanted.get("language") or person.language or settings.site.language, tomorrow=tomorrow.isoformat(),
    )


def _letter(
    face: Face, found: Mine, letter: Newsletter, known: list[tuple[str, str]], said: Said, typed: FormData | None
) -> dict[str, Any]:
    """A newsletter as the page shows it: with what was typed, where that was wrong."""
    one = found.subscriptions.get(letter.name)
    mended = typed if typed is not None and said.newsletter == letter.name and "frequency" in typed else None
    chosen = {
        "frequency": one.frequency.value, "weekday": str(one.weekday), "time": one.local_time.strftime("%H:%M"),
    } if one is not None else {}
    if mended is not None:
        chosen |= {name: forms.field(mended, name) for name in chosen}
    kept = one.sections if one is not None else ()
    return {
        "name": letter.name, "title": letter.title or face.settings.site.title, "state": _state(one),
        "paused": _paused(face, found, one) if one is not None else "",
        **chosen, "sections": kept if mended is None else forms.fields_of(mended, "sections"),
        "frequencies": choices.frequencies([letter]), "weekly": choices.weekly([letter]),
        "offered": choices.sections([letter], known), "faults": said.faults if said.newsletter == letter.name else {},
        "wording": WORDING.format(title=letter.title or face.settings.site.title),
    }


def _state(one: Subscription | None) -> str:
    """"active", "left" once and not back, or "none"."""
    if one is None:
        return "none"
    return "active" if _comes(one) else "left" if _left(one) else "none"


def _comes(one: Subscription) -> bool:
    return one.state == SubscriptionState.ACTIVE


def _left(one: Subscription) -> bool:
    return one.state == SubscriptionState.UNSUBSCRIBED or one.confirmed_at is not None


def _paused(face: Face, found: Mine, one: Subscription) -> str:
    """The day on which a pause ends, in words; empty where there is none."""
    if one.paused_until is None or one.paused_until <= now():
        return ""
    return day(one.paused_until.astimezone(_zone(face, found.person.timezone)).date())


def _zone(face: Face, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return face.settings.site.zone
