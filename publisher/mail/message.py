"""The messages that this site sends: whose they are, where their links lead, which rules they must pass. Pure."""

from __future__ import annotations

import html as html_entities
from dataclasses import dataclass, replace
from datetime import datetime

from publisher import return_path, slots, tokens
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.mail import address, lint_parts
from publisher.mail.address import Mailbox
from publisher.mail.compose import Content, Frame, Letter, ListIdentity, compile_message, feedback_id, fill
from publisher.mail.dkim import Signer
from publisher.mail.lint import Rules
from publisher.outgoing import Claim
from publisher.urls import absolute, article_path

#: Who a sample is for where no reader is named.
NOBODY = "reader@example.org"


@dataclass(frozen=True, slots=True)
class Sample:
    """A digest as one reader would get it."""

    html: str
    text: str
    #: The whole message.
    message: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """To whom, under which id, as of when: what differs between the copies of one digest."""

    recipient: Mailbox
    #: 0: of nobody; its unsubscribe link leads to no subscription.
    subscription_id: int
    message_id: str
    date: datetime


def sender(settings: Settings) -> Mailbox:
    """Who the mail is from; its domain names the lists. Raises MessageError where the setting is no mailbox."""
    return address.parse(settings.mail.sender)


def digest_frame(settings: Settings, newsletter: str, *, language: str, signer: Signer | None = None) -> Frame:
    """What all copies of a newsletter's digest share; `language` empty: the site's."""
    origin = sender(settings)
    identity = ListIdentity(
        title=title(settings, newsletter), list_id=f"{newsletter}.{origin.domain}",
        feedback_id=feedback_id(newsletter, language or settings.site.language, origin.domain),
    )
    return Frame(origin, _reply_to(settings), identity, signer)


def notice_frame(settings: Settings, signer: Signer | None = None) -> Frame:
    """What all copies of a transactional message share."""
    return Frame(sender(settings), _reply_to(settings), None, signer)


def letter(settings: Settings, keys: Keys, envelope: Envelope) -> Letter:
    """What makes a copy its recipient's own."""
    leave = tokens.make(keys, tokens.UNSUBSCRIBE, envelope.subscription_id)
    choose = tokens.make(keys, tokens.PREFERENCES, envelope.subscription_id)
    values = {
        slots.UNSUBSCRIBE_URL: absolute(settings.site.url, f"/u/{leave}"),
        slots.PREFERENCES_URL: absolute(settings.site.url, f"/preferences/{choose}"),
        slots.EMAIL: envelope.recipient.address,
    }
    domain = settings.inbound.bounce_domain if settings.inbound else ""
    mailto = return_path.unsubscribe_address(keys, domain, envelope.subscription_id) if domain else ""
    return Letter(envelope.recipient, envelope.date, envelope.message_id, values, mailto)


def envelope_sender(settings: Settings, keys: Keys, claim: Claim) -> str:
    """The return path of a claim's own message where `inbound.bounce_domain` takes it; empty: the sender's address."""
    domain = settings.inbound.bounce_domain if settings.inbound else ""
    return return_path.bounce_address(keys, domain, claim.kind, claim.id, claim.email_key) if domain else ""


def sample(
    settings: Settings, keys: Keys, newsletter: str, content: Content, *, email: str, now: datetime
) -> Sample:
    """A copy for nobody's ledger, as `email` would get it; empty: as some reader would."""
    message_id = f"sample.{int(now.timestamp())}@{sender(settings).domain}"
    mine = letter(settings, keys, Envelope(address.mailbox(email or NOBODY), 0, message_id, now))
    message = fill(compile_message(content, digest_frame(settings, newsletter, language="")), mine, now)
    escaped = {slot: html_entities.escape(value) for slot, value in mine.values.items()}
    return Sample(slots.fill(content.html, escaped), slots.fill(content.text, mine.values), message)


def title(settings: Settings, newsletter: str) -> str:
    """The newsletter's name as readers see it."""
    found = settings.find_newsletter(newsletter)
    return found.title if found is not None and found.title else settings.site.title


def digest_rules(settings: Settings, content: Content, recipient: Mailbox, *, stories: bool = True) -> Rules:
    """What a digest must pass. A story link that stands in one part must stand in the other too."""
    base = absolute(settings.site.url, article_path(""))
    found = lint_parts.links("plain", content.text) | lint_parts.links("html", content.html)
    links = sorted(link for link in found if link.startswith(base))
    return Rules(
        https=settings.site.url.startswith("https:"), signed=settings.mail.dkim is not None,
        utf8_to=recipient.needs_utf8, links=links or ([f"{base}..."] if stories else []),
        postal_address=settings.site.postal_address,
    )


def for_recipient(rules: Rules, recipient: Mailbox) -> Rules:
    """The rules of a digest, for another recipient of it."""
    return rules if rules.utf8_to == recipient.needs_utf8 else replace(rules, utf8_to=recipient.needs_utf8)


def notice_rules(settings: Settings, recipient: Mailbox) -> Rules:
    """What a notice must pass."""
    return Rules(bulk=False, signed=settings.mail.dkim is not None, utf8_to=recipient.needs_utf8)


def _reply_to(settings: Settings) -> Mailbox | None:
    return address.parse(settings.mail.reply_to) if settings.mail.reply_to else None
