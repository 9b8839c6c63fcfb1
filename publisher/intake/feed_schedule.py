"""When a feed is asked again. Pure.

    state + how the fetch went -> state: no oftener than configured, as seldom as the server asks (within bounds)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from publisher.source_state import SourceState

#: `max-age` beyond this is a mistake, or a way never to be asked again.
_LONGEST_AGE = timedelta(hours=6)
#: While a hub pushes a feed it is asked no oftener than this, unless it is configured seldomer.
_PUSHED = timedelta(hours=3)
#: The longest time that failures, or a server's wish, keep a feed from being asked.
_LONGEST_WAIT = timedelta(days=1)
#: Share of a wait that jitter adds at most, so that feeds that failed together do not come back together.
_SPREAD = 0.25
#: Failures in a row after which the address that a redirect led to is forgotten.
_MOVED_AWAY = 3
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


def is_due(state: SourceState, now: datetime) -> bool:
    """True if the time to ask has come."""
    return not state.gone and (state.next_poll_at is None or state.next_poll_at <= now)


def conditions(state: SourceState) -> dict[str, str]:
    """The headers of a conditional request, RFC 9110 section 13.1."""
    found = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in found.items() if value}


def unchanged(
    state: SourceState, *, now: datetime, poll: timedelta, headers: Mapping[str, str], moved: str = "",
    pushed_until: datetime | None = None,
) -> SourceState:
    """After a 304, or the bytes of before: what is known stays; a validator that came along replaces the old one."""
    return replace(
        _well(state, now, poll, headers, moved, pushed_until), etag=headers.get("etag", state.etag),
        last_modified=headers.get("last-modified", state.last_modified),
    )


def taken(
    state: SourceState, *, now: datetime, poll: timedelta, headers: Mapping[str, str], moved: str = "", digest: str,
    pushed_until: datetime | None = None,
) -> SourceState:
    """After a feed was read. Without `digest` it is read again next time, whatever it holds."""
    return replace(
        _well(state, now, poll, headers, moved, pushed_until), digest=digest,
        etag=headers.get("etag", "") if digest else "",
        last_modified=headers.get("last-modified", "") if digest else "",
    )


def failed(
    state: SourceState, *, now: datetime, poll: timedelta, reason: str, headers: Mapping[str, str], jitter: float
) -> SourceState:
    """After a failure: asked again later and later; `jitter` in [0, 1)."""
    wait = min(poll * 2 ** min(state.failures, 10), max(poll, _LONGEST_WAIT)) * (1 + _SPREAD * jitter)
    wished = _retry_after(headers, now)
    failures = state.failures + 1
    if failures >= _MOVED_AWAY and state.url:
        state = replace(state, url="", etag="", last_modified="", digest="")
    return replace(
        state, polled_at=now, next_poll_at=now + max(wait, wished or wait), retry_at=now + wished if wished else None,
        failures=failures, reason=reason,
    )


def ended(state: SourceState, *, now: datetime, reason: str) -> SourceState:
    """After a 410: never asked again. Where a redirect had led there, the configured address is asked once more."""
    if state.url:
        return replace(
            state, url="", etag="", last_modified="", digest="", polled_at=now, next_poll_at=now, retry_at=None,
            failures=state.failures + 1, reason=reason,
        )
    return replace(state, polled_at=now, next_poll_at=None, retry_at=None, gone=True, reason=reason)


def _well(
    state: SourceState, now: datetime, poll: timedelta, headers: Mapping[str, str], moved: str,
    pushed_until: datetime | None,
) -> SourceState:
    wait = max(poll, min(_freshness(headers, now), _LONGEST_AGE))
    if pushed_until is not None and pushed_until > now:
        wait = max(wait, min(_PUSHED, pushed_until - now))
    return replace(
        state, polled_at=now, next_poll_at=now + wait, retry_at=None, failures=0, reason="", url=moved or state.url
    )


def _freshness(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How long the answer is good for, RFC 9111 section 4.2.1: `max-age` before `Expires`."""
    said = headers.get("cache-control", "").lower()
    if "no-cache" in said or "no-store" in said:
        return timedelta()
    match = _MAX_AGE.search(said)
    if match is not None:
        return timedelta(seconds=int(match[1]))
    expires, date = (_date(headers.get(name, "")) for name in ("expires", "date"))
    return max(expires - (date or now), timedelta()) if expires else timedelta()


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """What the server wishes, RFC 9110 section 10.2.3: seconds, or a date."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:9])), _LONGEST_WAIT)
    at = _date(said)
    return None if at is None else min(max(at - now, timedelta()), _LONGEST_WAIT)


def _date(said: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(said)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
