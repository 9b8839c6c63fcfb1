"""DKIM signatures, RFC 6376: RSA with SHA-256, headers `relaxed`, body `simple`. Pure but for the key that it is given.

`simple` costs one SHA-256 of the body; `relaxed` would cost five times the rest of the signature.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature it is, and the means to make it."""

    #: `d=`
    domain: str
    #: `s=`
    selector: str
    #: RSASSA-PKCS1-v1_5 with SHA-256 over the bytes that it is given.
    sign: Callable[[bytes], bytes]


def signed(message: bytes, signer: Signer, now: datetime) -> bytes:
    """`message` with a DKIM-Signature in front that covers all its headers."""
    head, _, body = message.partition(b"\r\n\r\n")
    found = [relaxed(field) for field in fields(head)]
    names = [field.partition(b":")[0].decode("ascii") for field in found]
    unsigned = _signature(signer, [*names, *OVERSIGNED], body_hash(body), now)
    # Section 3.7: the last of several headers of one name counts first; ours occur once each.
    data = b"\r\n".join([*found, relaxed(unsigned.removesuffix(b"\r\n"))])
    value = base64.b64encode(signer.sign(data)).decode("ascii")
    lines = [value[at : at + _B64_LINE] for at in range(0, len(value), _B64_LINE)]
    return unsigned.removesuffix(b"\r\n") + "\r\n ".join(["", *lines]).encode("ascii") + b"\r\n" + message


def fields(head: bytes) -> list[bytes]:
    """The header fields of `head`, folded as they are, without their last CRLF."""
    return re.split(rb"\r\n(?![ \t])", head)


def relaxed(field: bytes) -> bytes:
    """A header field in the `relaxed` form of section 3.4.2."""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + _WSP.sub(b" ", value.replace(b"\r\n", b"")).strip()


def body_hash(body: bytes) -> str:
    """`bh=` of a body in the `simple` form of section 3.4.3: empty lines at its end count as one line end."""
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    digest = hashlib.sha256(memoryview(body)[:end])
    digest.update(b"\r\n")
    return base64.b64encode(digest.digest()).decode("ascii")


def _signature(signer: Signer, names: list[str], hashed: str, now: datetime) -> bytes:
    """The signature field with an empty `b=`."""
    groups = [":".join(names[at : at + 3]) for at in range(0, len(names), 3)]
    tags = [
        "v=1;", "a=rsa-sha256;", "c=relaxed/simple;", f"d={signer.domain};", f"s={signer.selector};",
        f"t={int(now.timestamp())};", f"h={groups[0]}:", *(f"{group}:" for group in groups[1:-1]), f"{groups[-1]};",
        f"bh={hashed};", "b=",
    ]
    return headers.folded("DKIM-Signature", tags)
