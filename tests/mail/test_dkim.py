"""Signatures, judged by dkimpy and by a verification of our own."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime
from functools import partial

import dkim as judge
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import settings as pace
from hypothesis import strategies as st

from publisher.crypto import sign_rsa_sha256
from publisher.mail import dkim
from publisher.mail.dkim import Signer
from tests.mail.conftest import NOON

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SIGNER = Signer("example.org", "s1", partial(sign_rsa_sha256, KEY))
MESSAGE = (
    b"From: The Courier <digest@example.org>\r\nTo: Jo <jo@example.net>\r\nSubject: A long   subject\r\n folded here\r\n"
    b"Message-ID: <1@example.org>\r\nList-Unsubscribe: <https://example.org/u/x>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nBody with  spaces \r\n\r\n.dots\r\n\r\n\r\n"
)


def signed_(message: bytes, signer: Signer, now: datetime) -> bytes:
    """The message with its signature; half of its header lines are fixed, the others personal."""
    head, _, body = message.partition(b"\r\n\r\n")
    lines = [field + b"\r\n" for field in dkim.fields(head)]
    half = len(lines) // 2
    names = [line.partition(b":")[0].decode().lower() for line in lines[half:]]
    prepared = dkim.stamp(signer, b"".join(lines[:half]), names)
    field = dkim.unsealed(prepared, lines[half:], [body], now)
    return dkim.sealed(field, prepared.signer.sign(field.data)) + message


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b"one\r\n", b"one\r\n\r\n\r\n", b"one\r\n\r\ntwo", b"one"])
def test_body_may_come_in_pieces(body: bytes) -> None:
    """Wherever it is cut, but within a line end; empty lines at its end may fill whole pieces."""
    whole = base64.b64encode(hashlib.sha256(body.rstrip(b"\r\n") + b"\r\n").digest())
    cuts = [at for at in range(len(body) + 1) if body[at - 1 : at] != b"\r"]
    for first in cuts:
        for second in cuts:
            pieces = [body[:first], body[first : max(first, second)], body[max(first, second) :]]
            assert dkim.body_hash(pieces) == whole


def record(*_: object, **__: object) -> bytes:
    der = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def accepted(message: bytes) -> bool:
    return bool(judge.verify(message, dnsfunc=record))


def check(message: bytes) -> None:
    """RFC 6376 section 6.1.3 in few words, from the bytes alone; raises where the signature does not hold."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?=\S)", head)
    tags = dict(part.strip().split(b"=", 1) for part in fields[0].partition(b":")[2].split(b";"))
    trimmed = re.sub(rb"(\r\n)*\Z", b"\r\n", body, count=1)
    assert base64.b64decode(tags[b"bh"]) == hashlib.sha256(trimmed).digest()
    left = fields[1:]
    data = b""
    for name in tags[b"h"].replace(b"\r\n", b"").replace(b" ", b"").split(b":"):
        found = [f for f in left if f.partition(b":")[0].lower() == name]
        if found:
            left.remove(found[-1])
            data += canonical(found[-1]) + b"\r\n"
    data += canonical(re.sub(rb"b=[A-Za-z0-9+/=\s]+$", b"b=", fields[0]))
    signature = base64.b64decode(re.sub(rb"\s", b"", tags[b"b"]))
    KEY.public_key().verify(signature, data, padding.PKCS1v15(), hashes.SHA256())


def canonical(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    return name.lower() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()


def test_signature_verifies() -> None:
    """Two independent judges accept it, and its lines are short."""
    signed = signed_(MESSAGE, SIGNER, NOON)
    assert signed.endswith(MESSAGE)
    assert accepted(signed)
    check(signed)
    assert all(len(line) <= 78 for line in signed.split(b"\r\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"A long", b"B long"), (b"Body", b"Bodi"), (b"spaces ", b"spaces"),
        (b"Subject: ", b"Subject: second\r\nSubject: "),
        (b"From: ", b"From: evil@example.com\r\nFrom: "),
        (b"List-Unsubscribe: ", b"List-Unsubscribe: <https://evil.org>\r\nList-Unsubscribe: "),
        (b"List-Unsubscribe-Post: ", b"List-Unsubscribe-Post: x\r\nList-Unsubscribe-Post: "),
        (b"Message-ID", b"Reply-To: evil@example.com\r\nMessage-ID"),
    ],
)
def test_changes_break_it(old: bytes, new: bytes) -> None:
    """A changed subject, a changed byte, a second header: none passes."""
    changed = signed_(MESSAGE, SIGNER, NOON).replace(old, new, 1)
    assert not accepted(changed)
    with pytest.raises((InvalidSignature, AssertionError)):
        check(changed)


def test_unsubscribe_headers_are_oversigned() -> None:
    """Both unsubscribe headers are named once more than they occur."""
    head = signed_(MESSAGE, SIGNER, NOON).partition(b"\r\nFrom")[0].replace(b"\r\n ", b"")
    names = head.partition(b"h=")[2].partition(b";")[0].split(b":")
    assert names.count(b"list-unsubscribe") == 2
    assert names.count(b"list-unsubscribe-post") == 2


@pace(max_examples=25)
@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=200), st.lists(st.sampled_from([b"", b" ", b"a", b".", b"a  ", b"\t"])))
def test_any_content_verifies(subject: str, body: list[bytes]) -> None:
    """Whatever the subject and the body, also an empty one, the signature holds."""
    signed = signed_(b"From: a@example.org\r\nSubject: " + subject.encode() + b"\r\n\r\n" + b"\r\n".join(body), SIGNER, NOON)
    assert accepted(signed)
    check(signed)
