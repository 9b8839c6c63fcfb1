"""Subscriptions at hubs (W3C WebSub): what to ask, when, and what a hub's answers mean. Pure.

    Push + now -> ask | wait | forget;   Push + the hub's question or refusal -> Push
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import datetime, timedelta

from publisher import text as plain_text
from publisher import tokens
from publisher.crypto import Keys, mac, same
from publisher.source_state import Push, PushMode

#: What a hub is asked for; it may grant another time.
LEASE = timedelta(days=10)
#: Leases that are taken; a hub that grants less would be asked all the time, and none grants more.
_SHORTEST_LEASE, _LONGEST_LEASE = timedelta(minutes=5), timedelta(days=60)
#: Share of a lease after which it is renewed, and the longest time before its end.
_RENEW_AT, _RENEW_BEFORE = 0.8, timedelta(days=1)
#: A hub that does not come back is asked again after this, then later and later.
_PATIENCE, _LONGEST_WAIT = timedelta(minutes=10), timedelta(days=1)
#: A hub that denied is asked again after this; one that does not let go is left to its lease after so many tries.
_DENIED, _FAREWELLS = timedelta(days=7), 3
_PURPOSE, _SECRET = "push", "push secret"
_METHODS = ("sha1", "sha256", "sha384", "sha512")


def mode_due(push: Push, now: datetime) -> PushMode:
    """What the hub is to be asked now; NOTHING: the subscription can be forgotten."""
    if push.wanted:
        return PushMode.SUBSCRIBE
    live = push.lease_until is not None and push.lease_until > now
    return PushMode.UNSUBSCRIBE if live and push.tries < _FAREWELLS else PushMode.NOTHING


def asked(push: Push, mode: PushMode, now: datetime, jitter: float) -> Push:
    """While the hub is asked: it may come back before it has answered. `jitter` in [0, 1)."""
    wait = min(_PATIENCE * 2 ** min(push.tries, 10), _LONGEST_WAIT) * (1 + jitter / 4)
    return replace(push, pending=mode, next_ask_at=now + wait, tries=push.tries + 1)


def granted(push: Push, lease: timedelta, now: datetime) -> Push:
    """After the hub asked whether we meant it, and was told so; it is renewed before it ends."""
    lease = min(max(lease, _SHORTEST_LEASE), _LONGEST_LEASE)
    renew = max(lease * _RENEW_AT, lease - _RENEW_BEFORE)
    return replace(
        push, pending=PushMode.NOTHING, lease_until=now + lease, next_ask_at=now + renew, tries=0, reason=""
    )


def denied(push: Push, reason: str, now: datetime) -> Push:
    """After the hub refused, or ended, the subscription (section 5.2)."""
    said = plain_text.one_line(reason)[:200] or "no reason given"
    return replace(
        push, pending=PushMode.NOTHING, lease_until=None, next_ask_at=now + _DENIED, tries=0,
        reason=f"its hub denies the subscription: {said}",
    )


# --- what proves who speaks -------------------------------------------------------------------------------------------


def token(keys: Keys, push: Push) -> str:
    """What stands in the callback's address: names the subscription, and cannot be guessed."""
    return tokens.make(keys, _PURPOSE, push.id, _bound(push))


def is_token(keys: Keys, push: Push, given: str) -> bool:
    """Whether the address is one that we made for this subscription."""
    return tokens.valid(keys, _PURPOSE, given, _bound(push))


def secret(keys: Keys, given: str) -> str:
    """`hub.secret` for the subscription with this token, 43 characters."""
    return _secret(keys.secrets[0], given)


def signed(keys: Keys, given: str, body: bytes, signature: str) -> bool:
    """Whether `X-Hub-Signature` is that of the body under the token's secret (WebSub, section 7.1)."""
    method, _, told = signature.strip().partition("=")
    if method.lower() not in _METHODS or not told.isascii():
        return False
    found = [
        same(hmac.new(_secret(key, given).encode(), body, getattr(hashlib, method.lower())).hexdigest().encode(),
             told.strip().lower().encode())
        for key in keys.ever
    ]
    return any(found)


def _secret(key: bytes, given: str) -> str:
    return base64.urlsafe_b64encode(mac(key, _SECRET, given.encode())).decode().rstrip("=")


def _bound(push: Push) -> str:
    """A row's id may be given out again: its address leads to this subscription only."""
    return f"{push.source}\n{push.hub}\n{push.topic}"
