"""Who may see the development inbox: a browser on this machine, asking this machine by name, with nothing between."""

from __future__ import annotations

import re

from starlette.requests import Request

from publisher.config import Settings
from publisher.web.limits import loopback

# A name that only this machine answers to: a foreign page that points its own name at us (DNS rebinding) has another.
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
#: Any of these shows that something stands between the browser and us.
_BETWEEN = frozenset(
    (
        "forwarded", "via", "x-real-ip", "client-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip",
        "cf-connecting-ip", "fastly-client-ip", "x-original-host", "x-original-url", "x-host",
    )
)


def inbox_allowed(settings: Settings, request: Request) -> bool:
    """Whether this request may see the development inbox."""
    if settings.mail.transport != "inbox" or not loopback(settings.web.host.strip("[]")):
        return False
    if request.client is None or not loopback(request.client.host):
        return False
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return False
    return not any(name in _BETWEEN or name.startswith("x-forwarded") for name in request.headers)
