"""Ready messages from claims.

    claims | forms: variants, compiled once (from a small cache), or notices | filled | signed, all together | lint

Filling a form takes some ten microseconds. Signing takes ten times as long: it runs in threads, which hold the
interpreter between two signatures only. A variant's first message passes the whole lint
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
from publisher.mail.compose import Compiled, Content, Draft, compile_message, drafted, finished
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
class Parcel:
    """A candidate, and its message."""

    claim: Claim
    #: Of the envelope.
    sender: str = ""
    recipient: str = ""
    #: Empty: it cannot be made, for the reason `fault`.
    message: bytes = b""
    fault: str = ""


@dataclass(slots=True)
class _Form:
    """A variant in the cache, or a notice."""

    compiled: Compiled
    rules: Rules
    #: Messages made of it that passed; the first is linted before any goes out, and so is a sample of the others.
    made: int = 0


@dataclass(slots=True)
class _Sheet:
    """A message in the making."""

    claim: Claim
    form: _Form | None = None
    recipient: Mailbox | None = None
    draft: Draft | None = None
    #: Why it cannot be made.
    fault: str = ""

    @property
    def unsigned(self) -> bytes:
        """What is to be signed, if anything is."""
        return b"" if self.draft is None or self.draft.unsealed is None else self.draft.unsealed.data


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
    _forms: OrderedDict[tuple[int, bool], _Form] = field(default_factory=OrderedDict)

    async def parcels(self, claims: Sequence[Claim], now: datetime) -> list[Parcel]:
        """The messages of these candidates, signed as of `now`. Raises StoreError; all else is the parcel's fault.

        A message that fails stops no other (I12).
        """
        sheets = [await self._sheet(claim, now) for claim in claims]
        signatures = iter(await self._signatures([sheet.unsigned for sheet in sheets if sheet.unsigned]))
        return [self._parcel(sheet, next(signatures) if sheet.unsigned else b"") for sheet in sheets]

    def close(self) -> None:
        """Ends the threads; what they still make is thrown away."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _sheet(self, claim: Claim, now: datetime) -> _Sheet:
        """A candidate's message up to its signature, or why there is none."""
        try:
            form = self._notice(claim) if claim.variant_id is None else await self._form(claim)
            recipient = address.mailbox(claim.email, claim.name)
            envelope = Envelope(recipient, claim.subscription_id, claim.message_id, claim.created_at or now)
            draft = drafted(form.compiled, message.letter(self.settings, self.keys, envelope), now)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - I12: one message that cannot be made stops no other
            return _Sheet(claim, fault=_reason(error))
        return _Sheet(claim, form, recipient, draft)

    def _parcel(self, sheet: _Sheet, signature: bytes | str) -> Parcel:
        """The message, linted where its form is to be; `signature` in words is why there is none."""
        fault, made = sheet.fault, b""
        if isinstance(signature, str):
            fault = signature
        elif sheet.draft is not None and sheet.form is not None and sheet.recipient is not None:
            made, form = finished(sheet.draft, signature), sheet.form
            if form.made % _SAMPLE == 0:
                fault = "; ".join(lint(made, message.for_recipient(form.rules, sheet.recipient)))
            form.made += not fault
        if fault or sheet.recipient is None:
            return Parcel(sheet.claim, fault=fault)
        origin = message.envelope_sender(self.settings, self.keys, sheet.claim) or self.sender.address
        return Parcel(sheet.claim, origin, sheet.recipient.address, made)

    async def _signatures(self, data: Sequence[bytes]) -> list[bytes | str]:
        """The signatures of these, in their order, each made in a thread; in words why there is none."""
        if self.signer is None or not data:
            return []
        loop = asyncio.get_running_loop()
        size = -(-len(data) // _THREADS)
        shares = [data[at : at + size] for at in range(0, len(data), size)]
        made = [loop.run_in_executor(self._threads, _sign_all, self.signer, share) for share in shares]
        return [signature for signatures in await asyncio.gather(*made) for signature in signatures]

    def _notice(self, claim: Claim) -> _Form:
        content = _wanted(notices.render(self.templates, self.settings, self.keys, claim), claim)
        frame = message.notice_frame(self.settings, self.signer)
        return _Form(compile_message(content, frame), message.notice_rules(self.settings, self.sender))

    async def _form(self, claim: Claim) -> _Form:
        assert claim.variant_id is not None
        place = (claim.variant_id, claim.plain_text)
        found = self._forms.get(place)
        if found is None:
            async with self.store.read() as tx:
                variant = await editions.get_variant(tx, claim.variant_id)
            if variant is None:
                raise MessageError(("its variant is gone from the store",))
            content = Content(variant.subject, variant.html, variant.text)
            frame = message.digest_frame(
                self.settings, claim.newsletter, language=variant.language, signer=self.signer
            )
            # By both parts, whichever goes: each part must hold the stories of the other.
            rules = message.digest_rules(self.settings, content, self.sender, stories=bool(variant.article_ids))
            found = self._forms.setdefault(place, _Form(compile_message(_wanted(content, claim), frame), rules))
            while len(self._forms) > _KEPT:
                self._forms.popitem(last=False)
        self._forms.move_to_end(place)
        return found


def press_for(store: Store, settings: Settings, templates: Templates, keys: Keys) -> Press:
    """A press with this site's sender and signature. Raises PublisherError where either cannot be used."""
    if settings.mail.dkim is not None:
        sys.setswitchinterval(_SWITCH)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="press")
    return Press(store, settings, templates, keys, signer_of(settings), message.sender(settings), threads)


def _wanted(content: Content, claim: Claim) -> Content:
    """What of it this reader wants: a variant is rendered once, whoever reads its text part alone."""
    return replace(content, html="") if claim.plain_text else content


def _sign_all(signer: Signer, data: Sequence[bytes]) -> list[bytes | str]:
    """Each as `_signatures` gives it."""
    made: list[bytes | str] = []
    for one in data:
        try:
            made.append(signer.sign(one))
        except Exception as error:  # noqa: BLE001 - I12: told like every other fault
            made.append(_reason(error))
    return made


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"


def signer_of(settings: Settings) -> Signer | None:
    """What `[mail.dkim]` says; None where it is absent."""
    chosen = settings.mail.dkim
    if chosen is None:
        return None
    key = load_rsa(settings.path(chosen.key_file))
    return Signer(chosen.domain, chosen.selector, partial(sign_rsa_sha256, key))
