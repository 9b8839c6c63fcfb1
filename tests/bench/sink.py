"""An SMTP server that takes everything and keeps nothing: `sink.py PORT`. Stops with its parent's pipe."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class Sink(asyncio.Protocol):
    """One connection, RFC 5321, as little of it as a sender needs."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.out = cast("asyncio.Transport", transport)
        self.held = b""
        self.in_message = False
        self.out.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.held += data
        while True:
            if self.in_message:
                end = self.held.find(b"\r\n.\r\n")
                if end < 0:
                    self.held = self.held[-4:]
                    return
                self.held, self.in_message = self.held[end + 5 :], False
                self.out.write(b"250 2.0.0 taken\r\n")
                continue
            line, found, rest = self.held.partition(b"\r\n")
            if not found:
                return
            self.held = rest
            self.answer(line[:4].upper())

    def answer(self, verb: bytes) -> None:
        if verb == b"DATA":
            self.in_message = True
            self.out.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self.out.write(b"221 2.0.0 bye\r\n")
            self.out.close()
        elif verb == b"EHLO":
            self.out.write(b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
        else:
            self.out.write(b"250 2.0.0 fine\r\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", int(sys.argv[1]), backlog=200)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


uvloop.run(main())
