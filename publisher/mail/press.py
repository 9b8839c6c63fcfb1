"""Ready messages from claims.

    claim | variant, compiled once (from a small cache), or notice | fill | sign | lint -> sender, recipient, bytes

Filling, signing and linting run beside the event loop: signing keeps no other thread waiting. A variant's first
message passes the whole lint before it goes; what the lint refuses is never sent.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from publisher.config import Settings
from publisher.crypto import Keys, load_rsa, sign_rsa_sha256
from publisher.errors import MessageError
from publisher.mail import address, message, notices
from publisher.mail.address import Mailbox
from publisher.mail.compose import Compiled, Content, Letter, compile_message, fill
from publisher.mail.dkim import Signer
from publisher.mail.lint import Rules, lint
from publisher.mail.message import Envelope
from publisher.outgoing import Claim
from publisher.store import editions
from publisher.store.engine import Store
from publisher.templating import Templates

#: Variants kept in memory; each is some 100 kB.
_KEPT = 256
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


@dataclass(slots=True)
class _Draft:
    """A variant in the cache."""

    compiled: Compiled
    rules: Rules
    #: Messages made of it.
    made: int = 0
    #: Held while its first message is linted: no other goes before.
    first: asyncio.Lock = field(default_factory=asyncio.Lock)


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
    _drafts: OrderedDict[int, _Draft] = field(default_factory=OrderedDict)

    async def ready(self, claim: Claim, now: datetime) -> Ready:
        """The message of `claim`. Raises MessageError with the lint's faults, PublisherError or KeyError."""
        recipient = address.mailbox(claim.email, claim.name)
        envelope = Envelope(recipient, claim.subscription_id, claim.message_id, claim.created_at or now)
        letter = message.letter(self.settings, self.keys, envelope)
        if claim.kind == "notice":
            content = notices.render(self.templates, self.settings, self.keys, claim)
            compiled = compile_message(content, message.notice_frame(self.settings, self.signer))
            rules = message.notice_rules(self.settings, recipient)
            return await self._beside(compiled, letter, now, rules)
        draft = await self._draft(claim)
        rules = message.for_recipient(draft.rules, recipient)
        if not draft.made:
            async with draft.first:
                made = await self._beside(draft.compiled, letter, now, rules)
        else:
            made = await self._beside(draft.compiled, letter, now, None if draft.made % _SAMPLE else rules)
        draft.made += 1
        return made

    def close(self) -> None:
        """Ends the threads; what they still make is thrown away."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _beside(self, compiled: Compiled, letter: Letter, now: datetime, rules: Rules | None) -> Ready:
        """The message, made in a thread where that is worth the way; linted where there are `rules`."""
        if compiled.stamp is None and rules is None:
            return self._make(compiled, letter, now, None)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._make, compiled, letter, now, rules)

    def _make(self, compiled: Compiled, letter: Letter, now: datetime, rules: Rules | None) -> Ready:
        made = fill(compiled, letter, now)
        faults = () if rules is None else lint(made, rules)
        if faults:
            raise MessageError(faults)
        return Ready(self.sender.address, letter.recipient.address, made)

    async def _draft(self, claim: Claim) -> _Draft:
        assert claim.variant_id is not None
        found = self._drafts.get(claim.variant_id)
        if found is None:
            async with self.store.read() as tx:
                variant = await editions.get_variant(tx, claim.variant_id)
            if variant is None:
                raise MessageError(("its variant is gone from the store",))
            content = Content(variant.subject, variant.html, variant.text)
            frame = message.digest_frame(
                self.settings, claim.newsletter, language=variant.language, signer=self.signer
            )
            rules = message.digest_rules(self.settings, content, self.sender, stories=bool(variant.article_ids))
            found = self._drafts.setdefault(claim.variant_id, _Draft(compile_message(content, frame), rules))
            while len(self._drafts) > _KEPT:
                self._drafts.popitem(last=False)
        self._drafts.move_to_end(claim.variant_id)
        return found


def press_for(store: Store, settings: Settings, templates: Templates, keys: Keys) -> Press:
    """A press with this site's sender and signature. Raises PublisherError where either cannot be used."""
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="press")
    return Press(store, settings, templates, keys, signer_of(settings), message.sender(settings), threads)


def signer_of(settings: Settings) -> Signer | None:
    """What `[mail.dkim]` says; None where it is absent."""
    chosen = settings.mail.dkim
    if chosen is None:
        return None
    key = load_rsa(settings.path(chosen.key_file))
    return Signer(chosen.domain, chosen.selector, partial(sign_rsa_sha256, key))
