"""What is written of a row of a table, once it is ruled what is to be done with it.

    row, ruling, what is there | place -> rows of a page for the store; what became of it, in words
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from publisher import address
from publisher.audience import pace
from publisher.audience.exports import Entry
from publisher.audience.optin import OPERATOR
from publisher.audience.report import Result
from publisher.audience.ruling import Ruling, Word
from publisher.audience.wanted import Wanted
from publisher.config import Settings
from publisher.model import Subscriber, Subscription, SubscriptionState
from publisher.store import moving
from publisher.store.moving import Consent, Held, Page, Place
from publisher.store.suppressions import Suppression

_VOUCHED = "the operator vouches for it"
_ONLY_THEMSELVES = "only their own fresh confirmation brings them back"


@dataclass(frozen=True, slots=True)
class Checked:
    """A row that is well formed."""

    entry: Entry
    wanted: Wanted
    #: Its address in normal form.
    key: str
    word: Word
    tags: tuple[str, ...]

    @property
    def choices(self) -> dict[str, Any]:
        """What it asks of the subscription."""
        wanted = self.wanted
        return {
            "frequency": wanted.frequency, "weekday": wanted.weekday, "local_time": wanted.local_time,
            "sections": wanted.sections,
        }


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a row."""

    result: Result
    #: What its owner should know, or empty.
    reason: str = ""
    #: Its subscription waits for consent; a mail goes out that asks for it.
    pending: bool = False
    asked: bool = False


@dataclass(slots=True)
class Placing:
    """A page in the making."""

    #: As "members.csv" and "ghost".
    file_name: str
    system: str
    settings: Settings
    #: What a row says takes the place of what is there.
    update: bool
    now: datetime
    page: Page = field(default_factory=Page)
    put: list[Suppression] = field(default_factory=list)

    def place(self, one: Checked, ruling: Ruling, at: Place, there: Held | None, person: Subscriber | None) -> Placed:
        """Enters into the page what the ruling asks for. `there`: the subscription that is at this place."""
        if (refused := self._refuse(one, ruling)) is not None:
            return refused
        if ruling == Ruling.END:
            return self._end(one, at, there)
        if there is None:
            return self._add(one, ruling, at, person)
        return self._meet(one, ruling, at, there)

    def _refuse(self, one: Checked, ruling: Ruling) -> Placed | None:
        """What becomes of a row to whose address nothing is sent."""
        told = one.entry.told
        if ruling == Ruling.BAR:
            at = self.now if told.at is None else min(told.at, self.now)
            self.put.append(Suppression(one.key, told.reason, f"{self.file_name}: {told.why}", at))
            return Placed(Result.SUPPRESSED, f"{told.why}; the address is on the suppression list now")
        if ruling == Ruling.SUPPRESSED:
            return Placed(Result.SUPPRESSED, "the address is on the suppression list; nothing is sent to it")
        if ruling == Ruling.LEFT_BEFORE and one.word == Word.LEFT:
            return Placed(Result.UNCHANGED)
        if ruling == Ruling.LEFT_BEFORE:
            return Placed(Result.LEFT, f"they left before; {_ONLY_THEMSELVES}")
        return None

    def _end(self, one: Checked, at: Place, there: Held | None) -> Placed:
        if there is None:
            self.page.added.append(moving.new_subscription(at, SubscriptionState.UNSUBSCRIBED, one.choices))
        else:
            self.page.ended.append(there.reader.subscription.id)
        told = one.entry.told
        self._consent(at, "left", told.at, f"unsubscribed{f', {told.why}' if told.why else ''}")
        return Placed(Result.LEFT, f"they unsubscribed there; {_ONLY_THEMSELVES}")

    def _add(self, one: Checked, ruling: Ruling, at: Place, person: Subscriber | None) -> Placed:
        active = ruling == Ruling.ACTIVATE
        pause = one.entry.paused_until
        self.page.added.append(moving.new_subscription(
            at, SubscriptionState.ACTIVE if active else SubscriptionState.PENDING, one.choices,
            paused_until=pause if active and pause is not None and pause > self.now else None,
        ))
        if person is not None and self.update:
            self._tell(one, person)
        return self._speak(one, ruling, at, Placed(Result.ADDED, pending=not active))

    def _meet(self, one: Checked, ruling: Ruling, at: Place, there: Held) -> Placed:
        subscription = there.reader.subscription
        changed = self.update and self._change(one, there)
        if ruling == Ruling.ACTIVATE:
            self.page.activated.append(subscription.id)
        elif ruling == Ruling.KEEP:
            left = one.word == Word.LEFT
            reason = "they unsubscribed there, and confirmed here themselves; they stay" if left else ""
            return Placed(Result.UPDATED if changed else Result.UNCHANGED, reason)
        elif ruling == Ruling.WAIT or not pace.expired(there.asked, self.settings.subscribing, self.now):
            return Placed(Result.UPDATED if changed else Result.UNCHANGED, pending=True)
        return self._speak(one, ruling, at, Placed(Result.UPDATED, pending=ruling == Ruling.ASK))

    def _speak(self, one: Checked, ruling: Ruling, at: Place, placed: Placed) -> Placed:
        """The consent on record, or the mail that asks for one."""
        if ruling == Ruling.ACTIVATE:
            told = one.entry.told
            vouched = "confirmed" if told.word == Word.CONFIRMED else _VOUCHED
            self._consent(at, "imported", told.at, vouched, told.origin)
        elif ruling == Ruling.ASK:
            self.page.asked.append((at, address.message_id(self.settings.mail.sender, secrets.token_hex(12))))
            # From the operator: it must not use up what strangers may ask for by the form.
            self.page.consents.append(Consent(at, "asked", self.now, OPERATOR, f"imported from {self.file_name}"))
            return Placed(placed.result, placed.reason, pending=True, asked=True)
        return placed

    def _consent(self, at: Place, action: str, when: datetime | None, wording: str, origin: str = "") -> None:
        """`when`: as the table tells; the wording says when it was taken over."""
        told = ", it says" if self.system == "csv" else f", says the export of {self.system}"
        says = "" if wording == _VOUCHED else told
        words = f"{wording}{says}; taken over on {self.now:%Y-%m-%d}"
        when = when if when is not None and when <= self.now else self.now
        self.page.consents.append(Consent(at, action, when, ", ".join(filter(None, (self.file_name, origin))), words))

    def _change(self, one: Checked, there: Held) -> bool:
        """Whether what the row says differs from what is there; then it is changed."""
        before = _choices(there.reader.subscription)
        after = before | _stated(one, {name: name for name in before} | {"local_time": "time"}, one.choices)
        if after != before:
            self.page.choices[there.reader.subscription.id] = moving.choices_row(after)
        return self._tell(one, there.reader.subscriber) or after != before

    def _tell(self, one: Checked, person: Subscriber) -> bool:
        before = {
            "name": person.name, "language": person.language, "timezone": person.timezone,
            "plain_text": person.plain_text, "tags": list(person.tags),
        }
        said = {"name": one.wanted.name, "language": one.wanted.language, "timezone": one.wanted.timezone}
        after = before | _stated(one, {name: name for name in said}, said)
        if one.entry.plain_text is not None:
            after["plain_text"] = one.entry.plain_text
        if one.tags:
            after["tags"] = list(one.tags)
        if after != before:
            self.page.people[person.id] = after
        if after["timezone"] != person.timezone:
            self.page.moved.append(person.id)
        return after != before


def _choices(subscription: Subscription) -> dict[str, Any]:
    return {
        "frequency": subscription.frequency, "weekday": subscription.weekday, "local_time": subscription.local_time,
        "sections": subscription.sections,
    }


def _stated(one: Checked, fields: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the values those for which the row has a cell that says something; `fields`: of its answers, by value."""
    return {name: value for name, value in values.items() if getattr(one.entry.answers, fields[name])}
