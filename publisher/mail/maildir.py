"""Mail out into a Maildir, for another program to send or read: written under `tmp/`, made durable, moved to `new/`.

A second attempt has the same name, so as long as nobody took the first it takes its place.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from publisher.mail.dkim import fields
from publisher.mail.transport import UnreachedError
from publisher.outgoing import Reply

_TAKEN = Reply(250, "2.0.0", "written")


@dataclass(frozen=True, slots=True)
class MaildirTransport:
    """A Maildir; its folders are made where they are missing."""

    folder: Path

    async def open(self) -> FileSession:
        """A session that writes into `folder`."""

        def make() -> None:
            for name in ("tmp", "new", "cur"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)

        await writing(self.folder, make)
        host = socket.gethostname().replace("/", "_").replace(":", "_")
        return FileSession(self.folder / "tmp", self.folder / "new", f".{host}", maildir=True)


@dataclass(frozen=True, slots=True)
class FileSession:
    """Writes each message to a file of its own: whole, or not at all."""

    #: Where it is written; on the same file system as `target`.
    temporary: Path
    target: Path
    suffix: str
    #: It must survive a power cut, and tell its envelope to whoever takes it from here.
    maildir: bool

    async def send(self, sender: str, recipient: str, message: bytes) -> Reply:
        """See `publisher.mail.transport.Session.send`."""
        envelope = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode() if self.maildir else b""
        name = file_name(message) + self.suffix

        def write() -> None:
            draft = self.temporary / f".{name}"
            with draft.open("wb") as file:
                file.write(envelope + message)
                if self.maildir:
                    file.flush()
                    os.fsync(file.fileno())
            draft.replace(self.target / name)

        await writing(self.target, write)
        return _TAKEN

    async def close(self) -> None:
        """Nothing is open."""

    def abort(self) -> None:
        """Nothing is open."""


def file_name(message: bytes) -> str:
    """A name that sorts by the message's date and is the same for the same Message-ID."""
    head = message.partition(b"\r\n\r\n")[0]
    split = (field.partition(b":") for field in fields(head))
    found = {name.lower(): value.strip().decode("latin-1") for name, _, value in split}
    at = int(parsedate_to_datetime(found[b"date"]).timestamp())
    digest = hashlib.sha256(re.sub(r"[<>\s]", "", found[b"message-id"]).encode()).hexdigest()
    return f"{at}.M{digest[:20]}"


async def writing(folder: Path, write: Callable[[], None]) -> None:
    """Runs `write` beside the event loop; a disk that is full or forbidden is no recipient's fault."""
    try:
        await asyncio.to_thread(write)
    except OSError as error:
        raise UnreachedError(f"cannot write to {folder}: {error.strerror or error}") from error
