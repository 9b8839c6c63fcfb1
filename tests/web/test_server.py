"""The server's own life."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from contextlib import suppress

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from publisher.errors import PublisherError
from publisher.loop import run
from publisher.web.server import listening


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def slow(_request: Request) -> Response:
    await asyncio.sleep(0.3)
    return PlainTextResponse("done")


async def endless(_request: Request) -> Response:
    await asyncio.sleep(60)
    return PlainTextResponse("never")


APP = Starlette(routes=[Route("/", hello), Route("/slow", slow), Route("/endless", endless)])


async def test_the_address_answers_at_once_and_no_more_afterwards() -> None:
    """Requests are taken from the moment that the address is given, and refused after the end."""
    async with listening(APP, "127.0.0.1", 0) as url, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).text == "hello"
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_a_taken_port_is_one_clear_line() -> None:
    """The refusal names the address and the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PublisherError, match=rf"cannot listen on 127\.0\.0\.1, port {port}: .* set web\.port"):
            async with listening(APP, "127.0.0.1", port):
                pass


async def test_an_address_of_another_machine_is_refused() -> None:
    """An address that is not ours is a clear line as well."""
    with pytest.raises(PublisherError, match=r"cannot listen on 192\.0\.2\.1"):
        async with listening(APP, "192.0.2.1", 0):
            pass


async def test_an_answer_under_way_is_finished() -> None:
    """A stop lets a short answer go out."""
    async with httpx.AsyncClient(trust_env=False) as client:
        async with listening(APP, "127.0.0.1", 0) as url:
            answer = asyncio.create_task(client.get(f"{url}/slow"))
            await asyncio.sleep(0.1)
        assert (await answer).text == "done"


async def test_a_stop_takes_three_seconds_at_most(caplog: pytest.LogCaptureFixture) -> None:
    """An answer that does not come, and a connection that never asks, hold the stop up no longer."""
    async with httpx.AsyncClient(trust_env=False) as client:
        async with listening(APP, "127.0.0.1", 0) as url:
            hanging = asyncio.create_task(client.get(f"{url}/endless", timeout=30))
            _, idle = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
            await asyncio.sleep(0.2)
            begun = time.monotonic()
        assert time.monotonic() - begun < 4.5
        idle.close()
        hanging.cancel()
        with suppress(asyncio.CancelledError, httpx.HTTPError):
            await hanging


async def test_signals_are_left_to_the_service() -> None:
    """Serving changes no signal handler."""
    before = [signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)]
    async with listening(APP, "127.0.0.1", 0) as url, httpx.AsyncClient(trust_env=False) as client:
        await client.get(url)
        assert [signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_loop_is_uvloop() -> None:
    """`run` runs on uvloop and hands the result back."""

    async def loop_name() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run(loop_name()).startswith("uvloop")
