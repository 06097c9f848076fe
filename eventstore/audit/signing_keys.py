"""The Ed25519 key that signs checkpoints and manifests: a PEM file (PKCS8, mode 0600), made when it is first needed.

Whoever has this file can sign anything, so it belongs on the machine that signs and in no backup of the journal. The
public half is made from it, to be given to auditors. The two kinds of message begin differently, so that a signature of
one is never one of the other.

After a change of keys, the public halves of the former ones stay beside the new key as `*.public.pem`: what they signed
is still trusted.
"""

import os
import secrets
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from eventstore.errors import ConfigurationMismatch
from eventstore.integrity.checkpoints import key_id

_UNREADABLE = (OSError, ValueError, TypeError, UnsupportedAlgorithm)


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key, making it the first time; of several processes that race, one makes it and all return it.

    Raises ConfigurationMismatch when the file is no Ed25519 key.
    """
    if not path.exists():
        _make(path)
    return read_signing_key(path)


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key that is there; raises ConfigurationMismatch when it is not, or is no Ed25519 key."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except _UNREADABLE as error:
        raise ConfigurationMismatch(f"{path} cannot be read as a private key ({error}): restore it") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationMismatch(f"{path} holds a key of another kind, {type(key).__name__}: expected Ed25519")
    return key


def read_public_key(path: Path) -> bytes:
    """Return the raw public key of a PEM file; raises ConfigurationMismatch."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except _UNREADABLE as error:
        raise ConfigurationMismatch(f"{path} cannot be read as a public key in PEM ({error})") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationMismatch(f"{path} holds a key of another kind, {type(key).__name__}: expected Ed25519")
    return key.public_bytes_raw()


def known_public_keys(path: Path) -> list[bytes]:
    """Return the raw public keys that are trusted here: the key's at `path`, if it may be read, and the former ones."""
    own = [raw_public_key(read_signing_key(path))] if os.access(path, os.R_OK) else []
    return own + former_public_keys(path)


def former_public_keys(path: Path) -> list[bytes]:
    """Return the raw public keys that are kept beside the signing key at `path`; raises ConfigurationMismatch."""
    return [read_public_key(former) for former in sorted(path.parent.glob("*.public.pem"))]


def raw_public_key(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 bytes of the public half."""
    return key.public_key().public_bytes_raw()


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """Return the public half as PEM, to be given away."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(made, path)  # Fails when another process was first: then its key counts.
    except FileExistsError:
        pass
    finally:
        made.unlink()


Verify = Callable[[str, bytes, bytes], bool]
"""verify(key_id, message, signature): whether a known key of that id made the signature."""


class Ed25519Signer:
    """Signs with the Ed25519 key in a file, made there when something is signed for the first time (RFC 8032)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return signing_key(self._path)

    @property
    def key_id(self) -> str:
        """The name under which the public key is known."""
        return key_id(raw_public_key(self._key))

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._key.sign(message)


def verifier(path: Path) -> Verify:
    """Return a function that checks signatures against the key in a file and the public keys beside it."""

    def verify(signed_with: str, message: bytes, signature: bytes) -> bool:
        known = {key_id(public): public for public in known_public_keys(path)}
        try:
            Ed25519PublicKey.from_public_bytes(known[signed_with]).verify(signature, message)
        except (KeyError, InvalidSignature):
            return False
        return True

    return verify
