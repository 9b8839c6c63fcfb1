"""Keys and signatures."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from publisher import crypto, tokens
from publisher.errors import PublisherError


def test_keys_are_made_once_and_kept_to_their_owner(tmp_path: Path) -> None:
    """Mode 0600, the same at every start, nothing else left behind."""
    path = tmp_path / "var/keys.json"
    made = crypto.load_keys(path)
    assert crypto.load_keys(path) == made
    assert [len(key) for key in made.secrets] == [32]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert crypto.load_keys(tmp_path / "other.json") != made


def test_all_who_start_at_once_get_the_same_keys(tmp_path: Path) -> None:
    """Whoever is first makes them."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(crypto.load_keys, [tmp_path / "keys.json"] * 16))
    assert len(set(found)) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "keys.json"]


def test_old_keys_are_read_after_the_newest(tmp_path: Path) -> None:
    """In the order of the file."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": ["bmV3bmV3bmV3bmV3bmV3bmV3", "b2xkb2xkb2xkb2xkb2xkb2xk"]}))
    assert crypto.load_keys(path).secrets == (b"newnewnewnewnewnew", b"oldoldoldoldoldold")


def test_sealed_secret_opens_under_our_keys_and_in_its_own_place_only() -> None:
    """An old key too; never twice the same; whatever else stands there opens nothing."""
    old, new = b"o" * 32, b"n" * 32
    sealed = crypto.seal(crypto.Keys((old,)), "hub", b"secret", "row 1")
    assert crypto.unseal(crypto.Keys((new, old)), "hub", sealed, "row 1") == b"secret"
    assert crypto.unseal(crypto.Keys((new,), (old,)), "hub", sealed, "row 1") == b"secret"  # it outlives a revocation
    assert crypto.seal(crypto.Keys((old,)), "hub", b"secret", "row 1") != sealed
    for keys, purpose, content, bound in (
        ((new,), "hub", sealed, "row 1"), ((old,), "other", sealed, "row 1"), ((old,), "hub", sealed, "row 2"),
        ((old,), "hub", "", "row 1"), ((old,), "hub", "no base64 ä", "row 1"), ((old,), "hub", sealed[:-8], "row 1"),
        ((old,), "hub", sealed[:16], "row 1"),
    ):
        assert crypto.unseal(crypto.Keys(keys), purpose, content, bound) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"keys": "abcd"}', b'{"keys": [1]}', b'{"keys": null}', b'{"keys": []}', b'{"keys": [""]}',
     b'{"keys": ["c2hvcnQ="]}', b'{"keys": ["?"]}', b"\xff\xfe", b'{"keys": ["\xc3\xa9"]}'],
)
def test_damaged_key_file_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    """Links that were mailed depend on it: one clear line, and the file as it was."""
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    with pytest.raises(PublisherError, match="restore it from a backup"):
        crypto.load_keys(path)
    assert path.read_bytes() == content


def test_key_file_that_cannot_be_read_or_made_gives_one_line(tmp_path: Path) -> None:
    """A folder in its place, a file in the place of its folder."""
    with pytest.raises(PublisherError, match="cannot read the key file"):
        crypto.load_keys(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(PublisherError, match=r"cannot (read|make) the key file"):
        crypto.load_keys(tmp_path / "file/keys.json")


def test_macs_differ_by_key_purpose_and_message() -> None:
    """32 bytes each."""
    found = {
        crypto.mac(key, purpose, message) for key in (b"1", b"2") for purpose in ("a", "b") for message in (b"x", b"y")
    }
    assert len(found) == 8
    assert {len(mac) for mac in found} == {32}
    assert crypto.same(b"ab", b"ab")
    assert not crypto.same(b"ab", b"abc")


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_signature_is_verified_by_the_public_key(tmp_path: Path) -> None:
    """RSA with SHA-256, as DKIM asks."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "dkim.pem").touch(0o600)
    (tmp_path / "dkim.pem").write_bytes(_pem(key))
    loaded = crypto.load_rsa(tmp_path / "dkim.pem")
    signature = crypto.sign_rsa_sha256(loaded, b"message")
    key.public_key().verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())
    assert len(signature) == 256


def test_key_that_is_none_gives_one_line(tmp_path: Path) -> None:
    """Missing, rubbish, locked by a password, of another kind."""
    path = tmp_path / "dkim.pem"
    with pytest.raises(PublisherError, match="cannot read the key"):
        crypto.load_rsa(path)
    path.touch(0o600)
    for content in (b"rubbish", b"", _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048), b"word")):
        path.write_bytes(content)
        for read in (crypto.load_rsa, crypto.check_rsa):
            with pytest.raises(PublisherError, match="no private key in PEM form"):
                read(path)
    path.write_bytes(_pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(PublisherError, match="no RSA key"):
        crypto.load_rsa(path)


def test_new_key_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """Written for its owner's eyes, read back, and replaced only where that is asked for."""
    path = tmp_path / "keys/dkim.pem"
    key = crypto.make_rsa(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key.key_size == 2048
    assert crypto.public_base64(crypto.load_rsa(path)) == crypto.public_base64(key)
    crypto.check_rsa(path)
    with pytest.raises(PublisherError, match="is there already"):
        crypto.make_rsa(path)
    assert crypto.public_base64(crypto.make_rsa(path, replace=True)) != crypto.public_base64(key)
    assert [found.name for found in path.parent.iterdir()] == ["dkim.pem"]
    with pytest.raises(PublisherError, match="cannot write the key"):
        crypto.make_rsa(path / "below")


@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o620, True)])
def test_key_of_our_own_is_for_nobody_else(tmp_path: Path, mode: int, refused: bool) -> None:
    """The line says what to run."""
    path = tmp_path / "my key.pem"
    crypto.make_rsa(path)
    path.chmod(mode)
    if refused:
        with pytest.raises(PublisherError, match="chmod 600 '"):
            crypto.load_rsa(path)
    else:
        crypto.load_rsa(path)


@pytest.mark.parametrize(("mode", "refused"), [(0o640, False), (0o660, True), (0o644, True)])
def test_key_of_another_may_be_shared_by_its_group(mode: int, refused: bool) -> None:
    """As root's with the service's group: then the mode is all that lets us read it."""
    status = os.stat_result((mode, 0, 0, 1, os.geteuid() + 1, 0, 0, 0, 0, 0))
    if refused:
        with pytest.raises(PublisherError, match=r"chmod 600 dkim\.pem"):
            crypto._refuse_open_to_others(Path("dkim.pem"), status)
    else:
        crypto._refuse_open_to_others(Path("dkim.pem"), status)


def test_keys_show_no_secret() -> None:
    """Not in a log, nor in a traceback that prints values."""
    assert "secret" * 5 not in repr(crypto.Keys((b"secret" * 5,)))


def test_rotation_puts_a_new_key_first_and_keeps_the_old(tmp_path: Path) -> None:
    """Links of before verify; new ones are made by the new key; mode and folder are as they were."""
    path = tmp_path / "keys.json"
    first = crypto.load_keys(path)
    second = crypto.rotate_keys(path, revoke=False)
    assert second == crypto.load_keys(path)
    assert (second.secrets[1:], second.revoked) == (first.secrets, ())
    old = tokens.make(first, tokens.PREFERENCES, 7)
    assert tokens.valid(second, tokens.PREFERENCES, old)
    assert tokens.make(second, tokens.PREFERENCES, 7) != old
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_revoked_keys_are_good_for_what_must_outlive_them(tmp_path: Path) -> None:
    """To unsubscribe, and for what was asked of hubs; neither to confirm nor for preferences nor for fresh links."""
    path = tmp_path / "keys.json"
    first = crypto.load_keys(path)
    crypto.rotate_keys(path, revoke=True)
    last = crypto.rotate_keys(path, revoke=True)
    assert (len(last.secrets), len(last.revoked)) == (1, 2)
    assert last == crypto.load_keys(path)
    lasting = (tokens.UNSUBSCRIBE, "push")
    ending = (tokens.CONFIRM, tokens.PREFERENCES, tokens.EXPORT, tokens.ERASE, tokens.ADDRESS, tokens.NEW_ADDRESS)
    for purpose in (*lasting, *ending):
        assert tokens.valid(last, purpose, tokens.make(first, purpose, 7)) is (purpose in lasting), purpose


def test_a_damaged_key_file_is_not_rotated(tmp_path: Path) -> None:
    """What is in it may still be mended by hand."""
    path = tmp_path / "keys.json"
    for content in (b"{", b'{"keys": []}', b'{"keys": ["a2tra2tra2tra2tra2tra2tra2tr"], "revoked": ["?"]}'):
        path.write_bytes(content)
        with pytest.raises(PublisherError, match="restore it from a backup"):
            crypto.rotate_keys(path, revoke=True)
        assert path.read_bytes() == content
