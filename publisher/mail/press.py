"""Ready messages from claims.

    claim | variant (from a small cache) or notice | compose | sign | lint -> sender, recipient, bytes

What the lint refuses is never sent.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from publisher.config import Settings
from publisher.crypto import Keys, load_rsa, sign_rsa_sha256
from publisher.errors import MessageError
from publisher.mail import address, dkim, message, notices
from publisher.mail.address import Mailbox
from publisher.mail.compose import Content
from publisher.mail.dkim import Signer
from publisher.mail.lint import Rules, lint
from publisher.mail.message import Envelope
from publisher.outgoing import Claim
from publisher.store import editions
from publisher.store.engine import Store
from publisher.templating import Templates

#: Variants kept in memory; each is some 100 kB.
_KEPT = 64
#: After a variant's first message, every so many are linted as a whole; of the others the headers.
_SAMPLE = 50


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

    content: Content
    language: str
    rules: Rules
    #: Messages that passed the lint.
    passed: int = 0


@dataclass(slots=True)
class Press:
    """Makes messages for one run of the deliver step. Use `press_for`."""

    store: Store
    settings: Settings
    templates: Templates
    keys: Keys
    signer: Signer | None
    sender: Mailbox
    _drafts: OrderedDict[int, _Draft] = field(default_factory=OrderedDict)

    async def ready(self, claim: Claim, now: datetime) -> Ready:
        """The message of `claim`. Raises MessageError with the lint's faults, PublisherError or KeyError."""
        recipient = address.mailbox(claim.email, claim.name)
        envelope = Envelope(recipient, claim.subscription_id, claim.message_id, claim.created_at or now)
        if claim.kind == "notice":
            content = notices.render(self.templates, self.settings, self.keys, claim)
            plain = message.notice(self.settings, content, envelope)
            return self._checked(plain, recipient, message.notice_rules(self.settings, recipient), now, whole=True)
        draft = await self._draft(claim, recipient)
        plain = message.digest(
            self.settings, self.keys, claim.newsletter, draft.content, envelope, language=draft.language
        )
        rules = message.for_recipient(draft.rules, recipient)
        ready = self._checked(plain, recipient, rules, now, whole=draft.passed % _SAMPLE == 0)
        draft.passed += 1
        return ready

    def _checked(self, plain: bytes, recipient: Mailbox, rules: Rules, now: datetime, *, whole: bool) -> Ready:
        signed = plain if self.signer is None else dkim.signed(plain, self.signer, now)
        faults = lint(signed, rules, body=whole)
        if faults:
            raise MessageError(faults)
        return Ready(self.sender.address, recipient.address, signed)

    async def _draft(self, claim: Claim, recipient: Mailbox) -> _Draft:
        assert claim.variant_id is not None
        found = self._drafts.get(claim.variant_id)
        if found is None:
            async with self.store.read() as tx:
                variant = await editions.get_variant(tx, claim.variant_id)
            if variant is None:
                raise MessageError(("its variant is gone from the store",))
            content = Content(variant.subject, variant.html, variant.text)
            rules = message.digest_rules(self.settings, content, recipient, stories=bool(variant.article_ids))
            found = self._drafts.setdefault(claim.variant_id, _Draft(content, variant.language, rules))
            while len(self._drafts) > _KEPT:
                self._drafts.popitem(last=False)
        self._drafts.move_to_end(claim.variant_id)
        return found


def press_for(store: Store, settings: Settings, templates: Templates, keys: Keys) -> Press:
    """A press with this site's sender and signature. Raises PublisherError where either cannot be used."""
    return Press(store, settings, templates, keys, signer_of(settings), message.sender(settings))


def signer_of(settings: Settings) -> Signer | None:
    """What `[mail.dkim]` says; None where it is absent."""
    chosen = settings.mail.dkim
    if chosen is None:
        return None
    key = load_rsa(settings.path(chosen.key_file))
    return Signer(chosen.domain, chosen.selector, partial(sign_rsa_sha256, key))
