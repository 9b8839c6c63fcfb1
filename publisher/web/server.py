"""The HTTP server (the only code that knows uvicorn).

    bind (or a clear refusal) | serve -> address | ... | stop accepting | let answers finish, three seconds at most

Requests that come between binding and serving wait in the kernel's queue, so a given address can be used at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from publisher.errors import PublisherError

#: Seconds that answers under way may take once the server is told to stop.
GRACE = 3

_BACKLOG = 2048
#: Seconds that an idle connection is kept.
_KEEP_ALIVE = 30


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, host: str, port: int) -> AsyncIterator[str]:
    """Serves `app` for as long as the context lasts; gives the address, as "http://127.0.0.1:8000".

    The port is bound before anything is given (port 0: one that is free). Raises PublisherError where it cannot be.
    """
    sockets = _bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    server = _Server(
        uvicorn.Config(
            app, loop="none", http="httptools", ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, proxy_headers=False, backlog=_BACKLOG, timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
    )
    task = asyncio.create_task(server.serve(sockets=sockets))
    try:
        yield f"http://{shown}:{sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the service decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


def _bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address that `host` names, all of them on the same port."""
    bound: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, target in dict.fromkeys(found):
            if port == 0 and bound:
                target = (target[0], bound[0].getsockname()[1], *target[2:])  # noqa: PLW2901 - the port is known now
            bound.append(_bind_one(family, target))
    except OSError as error:
        for taken in bound:
            taken.close()
        raise PublisherError(f"cannot listen on {host}, port {port}: {_reason(error)}") from error
    return bound


def _bind_one(family: int, target: Any) -> socket.socket:
    # Named TCP, so that asyncio turns Nagle's delay off for the connections it accepts.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(target)
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    made.settimeout(0)
    return made


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is taken by another program; stop that, or set web.port"
    if error.errno == errno.EACCES:
        return "not allowed; ports below 1024 need rights, so set web.port"
    if isinstance(error, socket.gaierror):
        return "there is no such address; set web.host"
    return error.strerror or str(error)
