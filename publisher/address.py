"""Mail addresses: their form, and the normal form in which two of them are compared. Pure; the home of idna.

An address is kept as the person gave it. RFC 5321 section 4.5.3.1 has the lengths, RFC 6531 the letters beyond ASCII,
RFC 5891 the domains.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from email.utils import parseaddr

import idna

from publisher.errors import PublisherError

_LOCAL_BYTES = 64
_ALL_BYTES = 254
# RFC 5322 atoms joined by dots, and letters of every script; quoted local parts exist on paper only.
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~\u0080-\U0010ffff-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u0080-\U0010ffff-]+)*")
_GMAIL = ("gmail.com", "googlemail.com")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Address:
    """An address that is well formed."""

    #: As the person gave it, without the spaces around it.
    given: str
    #: What stands before the @, as given.
    local: str
    #: In A-labels and lower case: what DNS and SMTP are asked for.
    domain: str

    @property
    def key(self) -> str:
        """The normal form: equal keys are the same mailbox as far as anyone but its own server can tell."""
        return f"{unicodedata.normalize('NFC', self.local.casefold())}@{self.domain}"

    @property
    def mailbox(self) -> str:
        """Where mail to it ends up, by what most servers do: without a `+tag`, and at Gmail without dots.

        For bounds only: that two addresses share a mailbox is a guess.
        """
        local, _, domain = self.key.rpartition("@")
        local = local.partition("+")[0] or local
        if domain in _GMAIL:
            return f"{local.replace('.', '') or local}@{_GMAIL[0]}"
        return f"{local}@{domain}"


def parse(text: str) -> Address:
    """The address in `text`; raises PublisherError that says what is wrong with it."""
    given = text.strip()
    if not given:
        raise PublisherError("the mail address is missing")
    if len(given.encode("utf-8", "replace")) > _ALL_BYTES:
        raise PublisherError("the mail address is too long")
    if " " in given:
        raise PublisherError("a mail address holds no space")
    if not given.isprintable() or any(char.isspace() for char in given):
        raise PublisherError("the mail address holds a character that no address may hold")
    local, at, domain = given.rpartition("@")
    if not at or not local or not domain or "@" in local:
        raise PublisherError(f"{given!r} is no mail address; it needs one @, as in name@example.org")
    if len(local.encode()) > _LOCAL_BYTES or not _LOCAL.fullmatch(local):
        raise PublisherError(f"{given!r} is no mail address; what stands before the @ is not allowed")
    found = Address(given, local, _domain(domain, given))
    if len(found.key.encode()) > _ALL_BYTES:
        raise PublisherError("the mail address is too long")
    return found


def _domain(domain: str, given: str) -> str:
    """The domain in A-labels. UTS 46 maps what people type (capitals, full-width forms) before IDNA 2008 judges it."""
    try:
        found = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii").lower()
        if "xn--" in found:
            idna.decode(found)
    except (idna.IDNAError, UnicodeError) as error:
        raise PublisherError(f"{given!r} is no mail address; its domain is not allowed") from error
    labels = found.split(".")
    if len(found) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise PublisherError(f"{given!r} is no mail address; its domain is not allowed")
    return found


def masked(email: str) -> str:
    """Enough of an address for its owner to know it, and not enough for anyone else."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}\u2026@{domain}" if local else "\u2026"


def message_id(sender: str, unique: str) -> str:
    """A Message-ID with its brackets, at the domain of `sender` (a `Name <address>`), RFC 5322 section 3.6.4."""
    return f"<{unique}@{parse(parseaddr(sender)[1]).domain}>"
