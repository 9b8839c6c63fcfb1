"""Mailboxes: a name and an address, in the form that headers and envelopes take. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from publisher import address
from publisher.errors import MessageError, PublisherError
from publisher.text import one_line

#: Most addresses are like this, and are then as they should be.
_USUAL = re.compile(
    r"(?=.{1,64}@)[A-Za-z0-9_+-]{1,60}(?:\.[A-Za-z0-9_+-]{1,60})*@(?:[a-z0-9]{1,40}\.){1,4}[a-z]{2,20}"
)
_NAMED = re.compile(r"(?P<name>.*?)\s*<(?P<address>[^<>]+)>\s*")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address, RFC 5322 section 3.4."""

    #: Plain text on one line, or empty.
    name: str
    #: Local part as given, domain in A-labels; ASCII unless the local part is not.
    address: str

    @property
    def domain(self) -> str:
        """What follows the `@`."""
        return self.address.rpartition("@")[2]

    @property
    def needs_utf8(self) -> bool:
        """Whether only a server with SMTPUTF8 (RFC 6531) can take it."""
        return not self.address.isascii()


def mailbox(email: str, name: str = "") -> Mailbox:
    """The mailbox of a person. Raises MessageError, without naming the address, where it cannot be one."""
    if _USUAL.fullmatch(email):
        return Mailbox(one_line(name) if name else "", email)
    try:
        found = address.parse(email)
    except PublisherError as error:
        raise MessageError(("the address is no mail address",)) from error
    return Mailbox(one_line(name), f"{unicodedata.normalize('NFC', found.local)}@{found.domain}")


def parse(value: str) -> Mailbox:
    """The mailbox that a setting writes as `Name <address>` or as a bare address."""
    match = _NAMED.fullmatch(value.strip())
    if match is None:
        return mailbox(value)
    return mailbox(match["address"], match["name"].strip().strip('"'))
