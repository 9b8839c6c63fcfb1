"""What is asked of the hub, read from its form (W3C WebSub, section 5.1). Pure.

    fields | mode, callback, topic, lease, secret | bounds -> Ask, or AskError with what is wrong
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from publisher.errors import FetchError, PublisherError
from publisher.hosts import refuse_form
from publisher.hub_state import HubMode, HubRequest
from publisher.settings import Hub
from publisher.websub.topics import feed_of

#: Bytes, WebSub, section 5.1.
_LONGEST_SECRET = 199
_LONGEST_ADDRESS = 2000


class AskError(PublisherError):
    """The hub does not take the request; `status` is that of the answer, the text says what to do about it."""

    def __init__(self, status: int, reason: str, wait: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        #: Seconds after which it may be asked again; 0: that is of no use.
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Ask:
    """What a subscriber wants."""

    mode: HubMode
    #: File of the feed, as "rss.xml".
    feed: str
    #: As written.
    topic: str
    callback: str
    #: Of the callback, in lower case; its port.
    host: str
    port: int
    #: None: what is pushed need not be signed.
    secret: bytes | None
    #: Within the hub's bounds.
    lease: timedelta


def read(fields: Mapping[str, str], hub: Hub, site_url: str) -> Ask:
    """The request; parameters that are not known are passed over. Raises AskError."""
    mode = fields.get("hub.mode", "")
    if mode == "publish":
        raise AskError(400, "This hub pushes the feeds of its own site by itself; it need not be told of changes.")
    if mode not in (HubMode.SUBSCRIBE, HubMode.UNSUBSCRIBE):
        raise AskError(400, 'hub.mode must be "subscribe" or "unsubscribe".')
    callback = fields.get("hub.callback", "")
    host, port = _callback(callback, hub)
    topic = fields.get("hub.topic", "")
    feed = feed_of(topic, site_url) if len(topic) <= _LONGEST_ADDRESS and _plain(topic) else None
    if feed is None:
        raise AskError(404, f"hub.topic must be the address of a feed of this site, as {site_url}/atom.xml.")
    return Ask(HubMode(mode), feed, topic, callback, host, port, _secret(fields), _lease(fields, hub))


def _callback(callback: str, hub: Hub) -> tuple[str, int]:
    """Host and port; what can be told of them without asking anybody."""
    if not callback:
        raise AskError(400, "hub.callback is missing.")
    if len(callback) > _LONGEST_ADDRESS or not _plain(callback):
        raise AskError(400, f"hub.callback must be an address of at most {_LONGEST_ADDRESS} characters of ASCII.")
    if "#" in callback:
        raise AskError(400, "hub.callback must not hold a fragment (#).")
    try:
        refuse_form(callback, hub.allow_private)
    except FetchError as error:
        raise AskError(400, f"hub.callback is refused: {error}.") from error
    parts = urlsplit(callback)
    host = (parts.hostname or "").rstrip(".")
    if host in hub.blocked:
        raise AskError(403, f"hub.callback is refused: callbacks at {host} are not wanted here.")
    return host, parts.port or (443 if parts.scheme == "https" else 80)


def _plain(address: str) -> bool:
    return address.isascii() and address.isprintable() and " " not in address


def _secret(fields: Mapping[str, str]) -> bytes | None:
    secret = fields.get("hub.secret", "").encode(errors="surrogatepass")
    if len(secret) > _LONGEST_SECRET:
        raise AskError(400, "hub.secret must be less than 200 bytes long.")
    return secret or None


def _lease(fields: Mapping[str, str], hub: Hub) -> timedelta:
    """What is asked for, within bounds; "0", which was "for ever" once, is no wish."""
    wish = fields.get("hub.lease_seconds", "").strip()
    if wish and not (wish.isascii() and wish.isdigit()):
        raise AskError(400, "hub.lease_seconds must be a number of seconds.")
    seconds = int(wish[:12]) if wish else 0
    if not seconds:
        return hub.lease
    longest = hub.lease_max.total_seconds()
    return timedelta(seconds=max(1, int(max(min(seconds, longest), hub.lease_min.total_seconds()))))


def question(request: HubRequest, challenge: str) -> str:
    """The address that asks the callback whether it meant the request, or tells that it is denied (sections 5.2, 5.3).

    The callback's own query stays as it is.
    """
    told = {"hub.mode": request.mode.value, "hub.topic": request.topic}
    if request.mode == HubMode.DENIED:
        told["hub.reason"] = request.reason
    else:
        told["hub.challenge"] = challenge
    if request.mode == HubMode.SUBSCRIBE:
        told["hub.lease_seconds"] = str(int(request.lease.total_seconds()))
    parts = urlsplit(request.callback)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(told))))))


def fields_of(content: bytes) -> dict[str, str]:
    """The fields of a url-encoded form; of one that comes more than once the first. Raises AskError."""
    try:
        pairs = parse_qsl(content.decode("utf-8"), keep_blank_values=True, max_num_fields=100, errors="strict")
    except ValueError as error:
        raise AskError(400, "The body must be a url-encoded form in UTF-8.") from error
    return dict(reversed(pairs))
