"""Which bytes a request may have: content codings and validators, RFC 9110 sections 8.8, 12.5.3 and 13. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache

#: Content codings that are prepared, best first: what wins where a client likes several equally.
CODINGS = ("br", "zstd", "gzip", "identity")

_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_QVALUE = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\Z")


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditional headers of a request; empty where absent."""

    if_match: str = ""
    if_none_match: str = ""
    if_modified_since: str = ""
    if_unmodified_since: str = ""


@lru_cache(128)  # of every request, and clients of all kinds send a few dozen values
def coding_for(accept_encoding: str | None) -> str | None:
    """The best of CODINGS for this Accept-Encoding; None where the client refuses all of them.

    Without the header the answer is identity: many clients that do not send it cannot decode.
    """
    if accept_encoding is None:
        return "identity"
    weights = _weights(accept_encoding)
    others = weights.get("*")
    liked = {
        "br": weights.get("br", others or 0.0),
        "zstd": weights.get("zstd", others or 0.0),
        "gzip": weights.get("gzip", weights.get("x-gzip", others or 0.0)),
        # Never refused unless named with q=0, or left to a `*;q=0`; where it is not named, anything named is better.
        "identity": weights.get("identity", others if others is not None else 0.0001),
    }
    best = max(CODINGS, key=lambda coding: liked[coding])
    return best if liked[best] > 0 else None


def _weights(header: str) -> dict[str, float]:
    """The codings of an Accept-Encoding header with their q-values; what is malformed is passed over."""
    weights: dict[str, float] = {}
    for part in header.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                quality = float(value) if _QVALUE.match(value.strip()) else -1.0
        if name and quality >= 0:
            weights[name.lower()] = quality
    return weights


def status_for(conditions: Conditions, etag: str, modified: int | None) -> int:
    """200, 304 or 412 for a GET or HEAD of what has this strong `etag` and was `modified` then (epoch seconds).

    Of what has no such date (None) conditions with dates mean nothing (sections 13.1.3 and 13.1.4). The order of
    precedence is that of RFC 9110 section 13.2.2: entity tags win over dates.
    """
    if conditions.if_match:
        if not _strong_match(conditions.if_match, etag):
            return 412
    elif conditions.if_unmodified_since and modified is not None:
        limit = http_seconds(conditions.if_unmodified_since)
        if limit is not None and modified > limit:
            return 412
    if conditions.if_none_match:
        return 304 if _weak_match(conditions.if_none_match, etag) else 200
    if conditions.if_modified_since and modified is not None:
        since = http_seconds(conditions.if_modified_since)
        return 304 if since is not None and modified <= since else 200
    return 200


def _weak_match(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in _TAG.findall(header)


def _strong_match(header: str, etag: str) -> bool:
    strong = (match[1] for match in _TAG.finditer(header) if not match[0].startswith("W/"))
    return header.strip() == "*" or etag in strong


def http_date(seconds: int) -> str:
    """Epoch seconds as an HTTP date."""
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def http_seconds(date: str) -> int | None:
    """Epoch seconds of an HTTP date in any of its three forms; None where it is none."""
    try:
        found = parsedate_to_datetime(date)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None
