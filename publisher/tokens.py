"""Links in mail: 20 characters that name a row and prove that we wrote them. Pure.

A token is 15 bytes in base64url: 5 bytes of row id, 10 bytes of HMAC over purpose, id and `extra`. It is short so
that the URL stays under 60 characters (a longer one in `List-Unsubscribe` risks being mangled), and needs no row of
its own, so it lives as long as what it names.
"""

from __future__ import annotations

import base64
import re

from publisher.crypto import Keys, mac, same

UNSUBSCRIBE = "unsubscribe"
CONFIRM = "confirm"
#: A reader's own feed.
FEED = "feed"

_ID_BYTES = 5
_MAC_BYTES = 10
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20}")


def make(keys: Keys, purpose: str, row: int, extra: str = "") -> str:
    """The token for `row`; `extra` binds it to more than the row, as the generation of a confirmation."""
    ident = row.to_bytes(_ID_BYTES, "big")
    return base64.urlsafe_b64encode(ident + _tag(keys.secrets[0], purpose, ident, extra)).decode()


def row_of(token: str) -> int | None:
    """The row that `token` claims to name; None where it is no token. Proves nothing: see `valid`."""
    raw = _decode(token)
    return None if raw is None else int.from_bytes(raw[:_ID_BYTES], "big")


def valid(keys: Keys, purpose: str, token: str, extra: str = "") -> bool:
    """Whether any of our keys, old ones too, made this token for this purpose and `extra`."""
    raw = _decode(token)
    if raw is None:
        return False
    ident, tag = raw[:_ID_BYTES], raw[_ID_BYTES:]
    matches = [same(_tag(key, purpose, ident, extra), tag) for key in keys.secrets]  # all: time tells nothing
    return any(matches)


def _tag(key: bytes, purpose: str, ident: bytes, extra: str) -> bytes:
    return mac(key, purpose, ident + extra.encode())[:_MAC_BYTES]


def _decode(token: str) -> bytes | None:
    return base64.urlsafe_b64decode(token) if _TOKEN.fullmatch(token) else None
