"""The development inbox: what would have been sent, as files that the web face shows. Nothing leaves the machine.

A repeat with the same Message-ID takes the place of the first, so the folder shows what a reader would keep.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from publisher.errors import NotFoundError
from publisher.mail.maildir import FileSession, writing
from publisher.text import clean

#: Bytes read of a file for a line in the list.
_HEAD = 16_384
#: Bytes read of a message that is opened.
_WHOLE = 4_000_000
_NAME = re.compile(r"\d{1,12}\.M[0-9a-f]{20}\.eml")


@dataclass(frozen=True, slots=True)
class InboxTransport:
    """The folder; made where it is missing."""

    folder: Path

    async def open(self) -> FileSession:
        """A session that writes into the folder."""
        await writing(self.folder, lambda: self.folder.mkdir(parents=True, exist_ok=True))
        return FileSession(self.folder, self.folder, ".eml", maildir=False)


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A line of the list."""

    #: Of the file; names the message in `read`.
    name: str
    subject: str
    sender: str
    recipient: str
    #: As the message says; None where it says nothing.
    sent_at: datetime | None
    #: Bytes.
    size: int


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message that is opened."""

    entry: InboxEntry
    #: Empty where it has no such part.
    html: str
    text: str
    raw: bytes


def count(folder: Path) -> int:
    """How many messages there are."""
    try:
        with os.scandir(folder) as files:
            return sum(1 for file in files if _NAME.fullmatch(file.name))
    except FileNotFoundError:
        return 0


async def list_messages(folder: Path, limit: int = 100) -> list[InboxEntry]:
    """The newest messages, newest first; empty where the folder is not there yet."""
    return await asyncio.to_thread(_list, folder, limit)


async def read_message(folder: Path, name: str) -> InboxMessage:
    """The message in the file `name`. Raises NotFoundError, for names that no message of ours has too."""
    return await asyncio.to_thread(_read, folder, name)


def _list(folder: Path, limit: int) -> list[InboxEntry]:
    try:
        with os.scandir(folder) as files:
            ours = (file.name for file in files if _NAME.fullmatch(file.name))
            newest = heapq.nlargest(limit, ((_age(name), name) for name in ours))
    except FileNotFoundError:
        return []
    entries = []
    for _, name in newest:
        try:
            entries.append(_entry(folder / name, _parse(_bytes(folder / name, _HEAD))))
        except FileNotFoundError:
            continue  # somebody emptied the folder meanwhile
    return entries


def _age(name: str) -> int:
    return int(name.partition(".")[0])


def _read(folder: Path, name: str) -> InboxMessage:
    if not _NAME.fullmatch(name):
        raise NotFoundError("no such message")
    try:
        raw = _bytes(folder / name, _WHOLE)
        message = _parse(raw)
        return InboxMessage(_entry(folder / name, message), _part(message, "html"), _part(message, "plain"), raw)
    except FileNotFoundError as error:
        raise NotFoundError("no such message") from error


def _bytes(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)


def _parse(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _entry(path: Path, message: EmailMessage) -> InboxEntry:
    date = message["date"]
    return InboxEntry(
        name=path.name, subject=clean(str(message["subject"] or "")), sender=clean(str(message["from"] or "")),
        recipient=clean(str(message["to"] or "")), sent_at=None if date is None else date.datetime,
        size=path.stat().st_size,
    )


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    return "" if part is None else str(part.get_content())
