"""Ready messages from claims.

    claims | variants, compiled once (from a small cache), or notices | fill | sign | lint -> sender, recipient, bytes

Signing runs beside the event loop, and keeps no other thread waiting. A variant's first message passes the whole lint
before any goes out; what the lint refuses is never sent.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from publisher.config import Settings
from publisher.crypto import Keys, load_rsa, sign_rsa_sha256
from publisher.errors import MessageError, PublisherError, StoreError
from publisher.mail import address, message, notices
from publisher.mail.address import Mailbox
from publisher.mail.compose import Compiled, Content, compile_message, fill
from publisher.mail.dkim import Signer
from publisher.mail.lint import Rules, lint
from publisher.mail.message import Envelope
from publisher.outgoing import Claim
from publisher.store import editions
from publisher.store.engine import Store
from publisher.templating import Templates

#: Variants kept in memory; each is some 100 kB.
_KEPT = 256
#: Seconds after which a thread that signed may ask for its turn: at the usual 5 ms it would wait longer than it signed.
_SWITCH = 0.0003
#: Threads that sign; more would only wait for each other.
_THREADS = 2
#: After a variant's first message, every so many are linted again, as a whole.
_SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that may go out."""

    #: Of the envelope.
    sender: str
    recipient: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """A candidate, and its message."""

    claim: Claim
    #: None: it cannot be made, for the reason `fault`.
    ready: Ready | None
    fault: str = ""


@dataclass(slots=True)
class _Draft:
    """A variant in the cache, or a notice."""

    compiled: Compiled
    rules: Rules
    #: Messages made of it that passed; the first is linted before any goes out, and so is a sample of the others.
    made: int = 0


@dataclass(slots=True)
class Press:
    """Makes messages for one run of the deliver step. Use `press_for`; close it at the end."""

    store: Store
    settings: Settings
    templates: Templates
    keys: Keys
    signer: Signer | None
    sender: Mailbox
    _threads: ThreadPoolExecutor
    #: By variant, and whether its text part goes alone.
    _drafts: OrderedDict[tuple[int, bool], _Draft] = field(default_factory=OrderedDict)

    async def parcels(self, claims: Sequence[Claim], now: datetime) -> list[Parcel]:
        """The messages of these candidates, signed as of `now`. Raises StoreError; all else is the parcel's fault.

        A message that fails stops no other (I12).
        """
        drafts = [await self._draft_or_fault(claim) for claim in claims]
        jobs = list(zip(claims, drafts, strict=True))
        if self.signer is None:
            return self._make_all(jobs, now)
        loop = asyncio.get_running_loop()
        halves = [jobs[at::_THREADS] for at in range(_THREADS)]
        made = [loop.run_in_executor(self._threads, self._make_all, half, now) for half in halves if half]
        return [parcel for parcels in await asyncio.gather(*made) for parcel in parcels]

    def close(self) -> None:
        """Ends the threads; what they still make is thrown away."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _make_all(self, jobs: Sequence[tuple[Claim, _Draft | str]], now: datetime) -> list[Parcel]:
        return [self._make(claim, draft, now) for claim, draft in jobs]

    def _make(self, claim: Claim, draft: _Draft | str, now: datetime) -> Parcel:
        if isinstance(draft, str):
            return Parcel(claim, None, draft)
        try:
            recipient = address.mailbox(claim.email, claim.name)
            envelope = Envelope(recipient, claim.subscription_id, claim.message_id, claim.created_at or now)
            made = fill(draft.compiled, message.letter(self.settings, self.keys, envelope), now)
            if draft.made % _SAMPLE == 0:
                faults = lint(made, message.for_recipient(draft.rules, recipient))
                if faults:
                    raise MessageError(faults)  # noqa: TRY301 - told like every other fault
        except Exception as error:  # noqa: BLE001 - I12: one message that cannot be made stops no other
            return Parcel(claim, None, _reason(error))
        draft.made += 1
        return Parcel(claim, Ready(self.sender.address, recipient.address, made))

    async def _draft_or_fault(self, claim: Claim) -> _Draft | str:
        """The compiled message of a candidate, or why there is none."""
        try:
            return self._notice(claim) if claim.variant_id is None else await self._draft(claim)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - I12: a template that fails stops no other message
            return _reason(error)

    def _notice(self, claim: Claim) -> _Draft:
        content = _form(notices.render(self.templates, self.settings, self.keys, claim), claim)
        frame = message.notice_frame(self.settings, self.signer)
        return _Draft(compile_message(content, frame), message.notice_rules(self.settings, self.sender))

    async def _draft(self, claim: Claim) -> _Draft:
        assert claim.variant_id is not None
        place = (claim.variant_id, claim.plain_text)
        found = self._drafts.get(place)
        if found is None:
            async with self.store.read() as tx:
                variant = await editions.get_variant(tx, claim.variant_id)
            if variant is None:
                raise MessageError(("its variant is gone from the store",))
            content = _form(Content(variant.subject, variant.html, variant.text), claim)
            frame = message.digest_frame(
                self.settings, claim.newsletter, language=variant.language, signer=self.signer
            )
            rules = message.digest_rules(self.settings, content, self.sender, stories=bool(variant.article_ids))
            found = self._drafts.setdefault(place, _Draft(compile_message(content, frame), rules))
            while len(self._drafts) > _KEPT:
                self._drafts.popitem(last=False)
        self._drafts.move_to_end(place)
        return found


def press_for(store: Store, settings: Settings, templates: Templates, keys: Keys) -> Press:
    """A press with this site's sender and signature. Raises PublisherError where either cannot be used."""
    if settings.mail.dkim is not None:
        sys.setswitchinterval(_SWITCH)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="press")
    return Press(store, settings, templates, keys, signer_of(settings), message.sender(settings), threads)


def _form(content: Content, claim: Claim) -> Content:
    """What of it this reader wants: a variant is rendered once, whoever reads its text part alone."""
    return replace(content, html="") if claim.plain_text else content


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"


def signer_of(settings: Settings) -> Signer | None:
    """What `[mail.dkim]` says; None where it is absent."""
    chosen = settings.mail.dkim
    if chosen is None:
        return None
    key = load_rsa(settings.path(chosen.key_file))
    return Signer(chosen.domain, chosen.selector, partial(sign_rsa_sha256, key))
