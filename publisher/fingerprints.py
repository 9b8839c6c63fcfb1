"""Marks of addresses that were erased: they tell that an address stands on the suppression list, and not which. Pure.

Without the key nobody can try addresses against a mark; with it each address has one mark for each key there ever was.
"""

from __future__ import annotations

import base64

from publisher.crypto import Keys, mac

_PURPOSE = "erased address"
#: Before each mark; no address in normal form begins so, for it holds no @.
PREFIX = "hmac:"


def of(keys: Keys, email_key: str) -> tuple[str, ...]:
    """The marks of an address in normal form, that of the newest key first."""
    marks = (mac(key, _PURPOSE, email_key.encode()) for key in keys.ever)
    return tuple(PREFIX + base64.urlsafe_b64encode(mark).decode() for mark in marks)
