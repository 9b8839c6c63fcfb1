"""One file to an article's parts: read, digested, parsed; whatever goes wrong becomes a reason.

    Reading | read | sha256 -> the bytes of before? else | extract | hash of what readers see -> Loaded

Reads one file and works on its bytes: for a thread, not for the event loop.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from publisher.errors import DocumentError
from publisher.intake import folder, picture_files, picture_links
from publisher.intake.extract import MAX_BYTES, extract
from publisher.intake.folder import Reading, Refusal
from publisher.intake.identity import content_hash
from publisher.model import Document, DocumentState, Extracted
from publisher.store.pictures import Origin


@dataclass(frozen=True, slots=True)
class Setting:
    """What parsing needs beside the bytes."""

    now: datetime
    #: Dates without a zone are in this one.
    zone: ZoneInfo
    #: Links are relative to this.
    base_url: str
    #: Pictures may lie beside the document; references to them come out marked (`picture_links`).
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document on its way into the store."""

    reading: Reading
    #: SHA-256 of the bytes in hex; empty where they could not be read.
    digest: str
    #: None: the bytes are those that the store knows already.
    made: Extracted | Refusal | None
    #: Of what readers see; empty where nothing was made.
    content_hash: str = ""
    #: The files beside it that it shows as pictures.
    origins: tuple[Origin, ...] = ()
    #: Its pictures are others than before, so it is taken anew whatever its bytes are.
    afresh: bool = False


def load(root: Path, reading: Reading, known: Document | None, setting: Setting) -> Loaded:
    """The document at `reading`. It is parsed only where its bytes are not those of an accepted `known`."""
    data = folder.read(root, reading, MAX_BYTES)
    if isinstance(data, Refusal):
        return Loaded(reading, "", data)
    digest = hashlib.sha256(data).hexdigest()
    if known is not None and known.digest == digest and known.state is DocumentState.ACCEPTED:
        return Loaded(reading, digest, None)
    try:
        made, seen = parse(data, reading.path, setting)
        if setting.beside and not made.image and (own := picture_files.namesake(root, reading.path)):
            made = replace(made, image=picture_links.mark(own))
    except DocumentError as error:
        return Loaded(reading, digest, Refusal(reading.path, error.reason, error.remedy))
    return Loaded(reading, digest, made, seen)


def digest_of(root: Path, reading: Reading) -> str:
    """SHA-256 in hex of the file's bytes; empty where they cannot be read."""
    data = folder.read(root, reading, MAX_BYTES)
    return "" if isinstance(data, Refusal) else hashlib.sha256(data).hexdigest()


def parse(data: bytes, path: str, setting: Setting) -> tuple[Extracted, str]:
    """What `extract` makes of the bytes, and the hash of what readers see.

    Raises DocumentError, and nothing else: a document that breaks a parser must not stop the others (I12).
    """
    try:
        made = extract(
            data, path, now=setting.now, zone=setting.zone, base_url=setting.base_url, beside=setting.beside
        )
        return made, content_hash(made)
    except DocumentError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]
        remedy = "save it as plain text or simple HTML, and report it: this is a fault of Publisher"
        raise DocumentError(f"it could not be read: {what}", remedy) from error
