"""Addresses of ours that mail comes back to: what they are made of, and what is found in mail that came back. Pure.

    bounce+TOKEN@bounces.example.org        the return path of one message (VERP), bound to the address it went to
    unsubscribe+TOKEN@bounces.example.org   in List-Unsubscribe, for one subscription

A token that is found proves nothing until it is checked against the row that it names: `proves_message`,
`proves_subscription`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from publisher import tokens
from publisher.crypto import Keys
from publisher.incoming import Proof

_ADDRESS = re.compile(r"\b(bounce|unsubscribe)\+([a-z2-7]{24})@", re.IGNORECASE)
_LINK = re.compile(r"/u/([A-Za-z0-9_-]{20})(?![A-Za-z0-9_-])")
_MESSAGE_ID = re.compile(r"<([^<>@\s]{1,120}@[^<>@\s]{1,200})>")
_KINDS = {"bounce": "message", "unsubscribe": "subscription"}
#: Proofs that are looked up for one report.
_MOST = 8


def bounce_address(keys: Keys, domain: str, kind: str, row: int, email_key: str) -> str:
    """The return path of a message: `kind` is "delivery" or "notice", `row` its id, `email_key` whom it goes to."""
    return f"bounce+{tokens.make_caseless(keys, tokens.BOUNCE, row, _bound(kind, email_key))}@{domain}"


def unsubscribe_address(keys: Keys, domain: str, subscription_id: int) -> str:
    """The address whose mail ends the subscription."""
    return f"unsubscribe+{tokens.make_caseless(keys, tokens.UNSUBSCRIBE, subscription_id)}@{domain}"


def proves_message(keys: Keys, token: str, kind: str, email_key: str) -> bool:
    """Whether the token is that of the row's return path, as it went to this address."""
    return tokens.valid(keys, tokens.BOUNCE, token, _bound(kind, email_key))


def proves_subscription(keys: Keys, token: str) -> bool:
    """Whether the token is one that ends the subscription that it names."""
    return tokens.valid(keys, tokens.UNSUBSCRIBE, token)


def proofs_in(texts: Iterable[str]) -> tuple[Proof, ...]:
    """What of ours stands in these texts, each once: return paths, then unsubscribe links, then Message-IDs.

    The earlier text counts for more: the envelope, then the report's own fields, then the copy of our message.
    """
    addresses: dict[Proof, None] = {}
    idents: dict[Proof, None] = {}
    links: dict[Proof, None] = {}
    for text in texts:
        for match in _ADDRESS.finditer(text):
            addresses[Proof(_KINDS[match[1].lower()], match[2].lower())] = None
        for match in _LINK.finditer(text):
            links[Proof("subscription", match[1])] = None
        for match in _MESSAGE_ID.finditer(text):
            idents[Proof("message-id", match[1])] = None
    return tuple([*addresses, *links, *idents][:_MOST])


def _bound(kind: str, email_key: str) -> str:
    return f"{kind} {email_key}"
