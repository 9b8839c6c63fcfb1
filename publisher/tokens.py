"""Links and addresses in mail: some characters that name a row and prove that we wrote them. Pure.

A token is 15 bytes: 5 bytes of row id, 10 bytes of HMAC over purpose, id and `extra`. In links it is 20 characters of
base64url: short, so that the URL stays under 60 characters (a longer one in `List-Unsubscribe` risks being mangled). In
addresses it is 24 characters of base32, as some servers turn local parts into lower case. It needs no row of its own,
so it lives as long as what it names.
"""

from __future__ import annotations

import base64
import re

from publisher.crypto import Keys, mac, same

UNSUBSCRIBE = "unsubscribe"
CONFIRM = "confirm"
PREFERENCES = "preferences"
BOUNCE = "bounce"
#: A reader's own feed.
FEED = "feed"
#: What a forwarded digest must not allow: each by a fresh link of its own.
EXPORT = "export"
ERASE = "erase"
ADDRESS = "address"
#: Proves that a new address is the reader's.
NEW_ADDRESS = "new address"

#: Ended when the keys that made them are revoked; all others outlive every change of keys.
_REVOCABLE = frozenset((CONFIRM, PREFERENCES, FEED, EXPORT, ERASE, ADDRESS, NEW_ADDRESS))

_ID_BYTES = 5
_MAC_BYTES = 10
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20}")
_CASELESS = re.compile(r"[A-Za-z2-7]{24}")


def make(keys: Keys, purpose: str, row: int, extra: str = "") -> str:
    """The token for `row`; `extra` binds it to more than the row, as the generation of a confirmation."""
    ident = row.to_bytes(_ID_BYTES, "big")
    return base64.urlsafe_b64encode(ident + _tag(keys.secrets[0], purpose, ident, extra)).decode()


def make_caseless(keys: Keys, purpose: str, row: int, extra: str = "") -> str:
    """The same in 24 characters that survive a change of case: for addresses."""
    return base64.b32encode(base64.urlsafe_b64decode(make(keys, purpose, row, extra))).decode().lower()


def row_of(token: str) -> int | None:
    """The row that `token` claims to name; None where it is no token. Proves nothing: see `valid`."""
    raw = _decode(token)
    return None if raw is None else int.from_bytes(raw[:_ID_BYTES], "big")


def valid(keys: Keys, purpose: str, token: str, extra: str = "") -> bool:
    """Whether a key of ours made this token for this purpose and `extra`: old ones too, revoked ones where they may."""
    raw = _decode(token)
    if raw is None:
        return False
    ident, tag = raw[:_ID_BYTES], raw[_ID_BYTES:]
    good = keys.secrets if purpose in _REVOCABLE else keys.ever
    matches = [same(_tag(key, purpose, ident, extra), tag) for key in good]  # all: time tells nothing
    return any(matches)


def _tag(key: bytes, purpose: str, ident: bytes, extra: str) -> bytes:
    return mac(key, purpose, ident + extra.encode())[:_MAC_BYTES]


def _decode(token: str) -> bytes | None:
    if _TOKEN.fullmatch(token):
        return base64.urlsafe_b64decode(token)
    return base64.b32decode(token.upper()) if _CASELESS.fullmatch(token) else None
