"""The program's own secret keys: made at first start, kept beside the store, part of a backup.

The key file is JSON: {"keys": ["<base64>", ...], "revoked": ["<base64>", ...]}, the newest first. The first key makes
new tokens, all `keys` verify old ones; `revoked` ones verify what must outlive every change (`publisher.tokens`).
The only code that knows `cryptography`.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import shlex
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from publisher.errors import PublisherError

_KEY_BYTES = 32
#: NIST SP 800-38D, section 8.2: 96 bits.
_NONCE_BYTES = 12
_SEAL = b"seal"


@dataclass(frozen=True, slots=True)
class Keys:
    """Secret keys, newest first; never without one that is good for all."""

    secrets: tuple[bytes, ...] = field(repr=False)
    #: Older ones, good only for what must outlive every change: unsubscribe links, and the marks of erased addresses.
    revoked: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def ever(self) -> tuple[bytes, ...]:
        """All keys that there ever were, newest first."""
        return self.secrets + self.revoked


def mac(key: bytes, purpose: str, message: bytes) -> bytes:
    """HMAC-SHA-256 of `message` under a key of its own for each purpose, 32 bytes."""
    return hmac.digest(key, purpose.encode() + b"\0" + message, "sha256")


def same(left: bytes, right: bytes) -> bool:
    """Equal, in a time that tells nothing."""
    return hmac.compare_digest(left, right)


def seal(keys: Keys, purpose: str, secret: bytes, bound: str) -> str:
    """`secret`, encrypted under our newest key (AES-256-GCM, base64): who reads the store alone learns nothing of it.

    It is bound to `bound`: put into another row it opens no more.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    key = mac(keys.secrets[0], purpose, _SEAL)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, secret, bound.encode())).decode()


def unseal(keys: Keys, purpose: str, sealed: str, bound: str) -> bytes | None:
    """The secret that `seal` hid, under any key that we ever had; None where none of them opens it."""
    try:
        raw = base64.b64decode(sealed, validate=True)
    except ValueError:
        return None
    for key in keys.ever:
        try:
            opener = AESGCM(mac(key, purpose, _SEAL))
            return opener.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound.encode())
        except (InvalidTag, ValueError):  # another key's; too short to be any
            continue
    return None


def load_keys(path: Path) -> Keys:
    """The keys of `path`; made there (mode 0600) where there are none yet."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return _make_keys(path)
    except OSError as error:
        raise PublisherError(f"cannot read the key file {path}: {error.strerror}") from error
    try:
        content = json.loads(raw)
        found = Keys(_decoded(content["keys"]), _decoded(content.get("revoked", [])))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PublisherError(f"the key file {path} is damaged; restore it from a backup") from error
    if not found.secrets or min(len(key) for key in found.ever) < _KEY_BYTES // 2:
        raise PublisherError(f"the key file {path} holds no key, or one too short; restore it from a backup")
    return found


def rotate_keys(path: Path, *, revoke: bool) -> Keys:
    """Puts a new key before those of `path`; `revoke` takes from the older ones all that need not outlive it.

    The file is replaced whole or not at all. Raises PublisherError as `load_keys` does.
    """
    old = load_keys(path)
    new = (secrets.token_bytes(_KEY_BYTES),)
    keys = Keys(new, old.ever) if revoke else Keys(new + old.secrets, old.revoked)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_secret(temporary, _encoded(keys))
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise PublisherError(f"cannot write the key file {path}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return keys


def _decoded(values: list[str]) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(value, validate=True) for value in values)


def _encoded(keys: Keys) -> bytes:
    lists = {"keys": keys.secrets} | ({"revoked": keys.revoked} if keys.revoked else {})
    written = {name: [base64.b64encode(key).decode() for key in found] for name, found in lists.items()}
    return json.dumps(written).encode()


def _make_keys(path: Path) -> Keys:
    """A new key file, whole or not at all; where another process was faster, its keys count."""
    keys = Keys((secrets.token_bytes(_KEY_BYTES),))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_secret(temporary, _encoded(keys))
        os.link(temporary, path)
        _sync_folder(path.parent)
    except FileExistsError:
        return load_keys(path)
    except OSError as error:
        raise PublisherError(f"cannot make the key file {path}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return keys


def _write_secret(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Puts the folder's entries on the disk: with the keys lost, no link in mail already sent would work."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load_rsa(path: Path) -> rsa.RSAPrivateKey:
    """The RSA private key in the PEM file `path`, which nobody but its owner may read."""
    return _read_rsa(path, trusted=False)


def check_rsa(path: Path) -> None:
    """Raises PublisherError where `load_rsa` would, but for a key whose numbers are wrong: that takes long to see."""
    _read_rsa(path, trusted=True)


def _read_rsa(path: Path, *, trusted: bool) -> rsa.RSAPrivateKey:
    try:
        with path.open("rb") as file:
            _refuse_open_to_others(path, os.fstat(file.fileno()))
            key = load_pem_private_key(file.read(), password=None, unsafe_skip_rsa_key_validation=trusted)
    except OSError as error:
        raise PublisherError(f"cannot read the key {path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PublisherError(f"{path} holds no private key in PEM form") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise PublisherError(f"{path} holds no RSA key; DKIM here is RSA-2048")
    return key


def _refuse_open_to_others(path: Path, status: os.stat_result) -> None:
    """A key of our own is for nobody else; another's (root's, say) may be shared with us by its group."""
    group = 0o070 if status.st_uid == os.geteuid() else 0o020
    if status.st_mode & (group | 0o007):
        remedy = f"chmod 600 {shlex.quote(str(path))}"
        raise PublisherError(f"the private key {path} is open to others; run: {remedy}")


def make_rsa(path: Path, *, replace: bool = False) -> rsa.RSAPrivateKey:
    """A new RSA-2048 key, written to `path` in PEM form for its owner's eyes only, whole or not at all.

    Raises PublisherError where `path` exists and is not to be replaced.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_secret(temporary, pem)
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)
        _sync_folder(path.parent)
    except FileExistsError as error:
        if not path.exists():
            raise PublisherError(f"cannot write the key {path}: {path.parent} is no folder") from error
        told = "`dkim record` prints its record, --force makes a new key"
        raise PublisherError(f"{path} is there already: {told}") from error
    except OSError as error:
        raise PublisherError(f"cannot write the key {path}: {error.strerror}") from error
    finally:
        with suppress(OSError):  # there is none where its folder is none
            temporary.unlink()
    return key


def public_base64(key: rsa.RSAPrivateKey) -> str:
    """The public half, as `p=` of a DKIM record has it (RFC 6376 section 3.6.1): SubjectPublicKeyInfo, DER, base64."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode("ascii")


def sign_rsa_sha256(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 with SHA-256, as RFC 6376 section 3.3.1 asks."""
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
