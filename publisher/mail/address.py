"""Mail addresses: their parts, domains as A-labels, the form they take in headers and envelopes. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from publisher.errors import MessageError
from publisher.text import one_line

#: Octets of an address, RFC 5321 section 4.5.3.1.3 (a path of 256 with its brackets).
MAX_ADDRESS = 254

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])*"')
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_ASCII_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
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
    local, at, domain = email.strip().rpartition("@")
    local = unicodedata.normalize("NFC", local)
    if not at or not (_DOT_ATOM.fullmatch(local) or _QUOTED.fullmatch(local)):
        raise MessageError(("the address is no mail address",))
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp") for c in local if c > "~"):
        raise MessageError(("the address holds invisible characters",))
    address = f"{local}@{ascii_domain(domain)}"
    if len(address.encode()) > MAX_ADDRESS:
        raise MessageError((f"the address is longer than {MAX_ADDRESS} octets",))
    return Mailbox(one_line(name), address)


def parse(value: str) -> Mailbox:
    """The mailbox that a setting writes as `Name <address>` or as a bare address."""
    match = _NAMED.fullmatch(value.strip())
    if match is None:
        return mailbox(value)
    return mailbox(match["address"], match["name"].strip().strip('"'))


def ascii_domain(domain: str) -> str:
    """`domain` in lower case and A-labels, RFC 5890; raises MessageError where it is no domain.

    What people type is mapped (capitals, full-width forms), and ß stays ß (UTS 46, non-transitional): the older
    mapping of Python's own codec would write to another domain.
    """
    labels = [_ascii_label(label) for label in _DOTS.split(unicodedata.normalize("NFKC", domain.lower()))]
    return ".".join(labels)


def _ascii_label(label: str) -> str:
    encoded = label
    if not label.isascii():
        if any(unicodedata.category(c)[0] not in "LMN" for c in label if c != "-"):
            raise MessageError(("the address has no valid domain",))
        encoded = "xn--" + label.encode("punycode").decode("ascii")
    if not _ASCII_LABEL.fullmatch(encoded):
        raise MessageError(("the address has no valid domain",))
    return encoded
