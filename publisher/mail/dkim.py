"""DKIM signatures, RFC 6376: RSA with SHA-256, headers `relaxed`, body `simple`. Pure but for the key that it is given.

`simple` costs one SHA-256 of the body; `relaxed` would cost five times the rest of the signature.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from publisher.mail import headers

#: Named once more than they occur, so that a second one added on the way breaks the signature (section 5.4.2).
OVERSIGNED = (
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
    "content-transfer-encoding", "list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
)
_WSP = re.compile(rb"[ \t]+")
_B64_LINE = 72
#: As long as an instant until the year 2286, and as a SHA-256 in base64.
_AT = "@" * 10
_HASH = "@" * 44


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature it is, and the means to make it."""

    #: `d=`
    domain: str
    #: `s=`
    selector: str
    #: RSASSA-PKCS1-v1_5 with SHA-256 over the bytes that it is given.
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Stamp:
    """All of a signature that the copies of a message share. Use `stamp`."""

    signer: Signer
    #: The fixed header fields, `relaxed`, each with its CRLF.
    fixed: bytes
    #: The signature field without `b=`'s value, cut at the values of `t=` and `bh=`: as written, and `relaxed`.
    written: tuple[bytes, bytes, bytes]
    relaxed: tuple[bytes, bytes, bytes]


def stamp(signer: Signer, head: bytes, names: Sequence[str]) -> Stamp:
    """Prepares the signing of messages that share the header lines `head`, and whose other fields have these names."""
    found = [relaxed(field) for field in fields(head.removesuffix(b"\r\n"))] if head else []
    covered = [field.partition(b":")[0].decode("ascii") for field in found] + list(names)
    field = _signature(signer, [*covered, *OVERSIGNED])
    fixed = b"".join(field + b"\r\n" for field in found)
    return Stamp(signer, fixed, _cut(field), _cut(relaxed(field)))


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A signature field but for the signature."""

    #: What is to be signed.
    data: bytes
    #: The field up to the value of `b=`.
    start: bytes


def unsealed(prepared: Stamp, lines: Sequence[bytes], body: Sequence[bytes], now: datetime) -> Unsealed:
    """What is to be signed for a message of these further header lines, in the order of their names.

    The body comes in pieces: joined for this alone it would cost as much as its hash.
    """
    at, hashed = b"%d" % int(now.timestamp()), body_hash(body)
    start, middle, end = prepared.relaxed
    further = [relaxed(line) for line in lines]
    # Section 3.7: the signature's own field comes last, without a CRLF.
    own = b"".join((start, at, middle, hashed, end))
    start, middle, end = prepared.written
    return Unsealed(prepared.fixed + b"\r\n".join((*further, own)), b"".join((start, at, middle, hashed, end)))


def sealed(field: Unsealed, signature: bytes) -> bytes:
    """The DKIM-Signature line, folded."""
    value = base64.b64encode(signature)
    lines = [value[at : at + _B64_LINE] for at in range(0, len(value), _B64_LINE)]
    return b"\r\n ".join((field.start, *lines)) + b"\r\n"


def fields(head: bytes) -> list[bytes]:
    """The header fields of `head`, folded as they are, without their last CRLF."""
    return re.split(rb"\r\n(?![ \t])", head)


def relaxed(field: bytes) -> bytes:
    """A header field in the `relaxed` form of section 3.4.2."""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + _WSP.sub(b" ", value.replace(b"\r\n", b"")).strip()


def body_hash(body: Sequence[bytes]) -> bytes:
    """`bh=` of a body in the `simple` form of section 3.4.3: empty lines at its end count as one line end.

    `body` in pieces, none of which ends between CR and LF.
    """
    pieces = list(body)
    end = 0
    while pieces and not (end := _last_line(pieces[-1])):
        pieces.pop()
    digest = hashlib.sha256()
    for piece in pieces[:-1]:
        digest.update(piece)
    if pieces:
        digest.update(memoryview(pieces[-1])[:end])
    digest.update(b"\r\n")
    return base64.b64encode(digest.digest())


def _last_line(piece: bytes) -> int:
    """Where the line ends of its end begin."""
    end = len(piece)
    while piece.endswith(b"\r\n", 0, end):
        end -= 2
    return end


def _signature(signer: Signer, names: list[str]) -> bytes:
    """The signature field with an empty `b=`, and marks of their length in place of the values of `t=` and `bh=`."""
    groups = [":".join(names[at : at + 3]) for at in range(0, len(names), 3)]
    tags = [
        "v=1;", "a=rsa-sha256;", "c=relaxed/simple;", f"d={signer.domain};", f"s={signer.selector};",
        f"t={_AT};", f"h={groups[0]}:", *(f"{group}:" for group in groups[1:-1]), f"{groups[-1]};",
        f"bh={_HASH};", "b=",
    ]
    return headers.folded("DKIM-Signature", tags).removesuffix(b"\r\n")


def _cut(field: bytes) -> tuple[bytes, bytes, bytes]:
    start, _, rest = field.partition(_AT.encode())
    middle, _, end = rest.partition(_HASH.encode())
    return start, middle, end
