"""Who signs a manifest and how a signature is checked: two small contracts, and Ed25519 keys in files that fulfil them.

The private key is one file, readable by its owner only and made on first use. Public keys are `KEY_ID.pub` files
beside it: those of other installations, whose archives are to be read here, are put there as well.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from eventstore.archive.errors import ArchiveError

KEY_BYTES: Final = 32
KEY_ID_DIGITS: Final = 16

Verify = Callable[[str, bytes, bytes], bool]
"""verify(key_id, message, signature): whether a known key of that id made the signature."""


class Signer(Protocol):
    """Signs with one key."""

    @property
    def key_id(self) -> str:
        """The name under which the public key is known."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message."""


class Ed25519Signer:
    """Signs with an Ed25519 key (RFC 8032); its id is the beginning of the SHA-256 of the public key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_bytes = key.public_key().public_bytes_raw()
        self.key_id = hashlib.sha256(self.public_bytes).hexdigest()[:KEY_ID_DIGITS]

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._key.sign(message)


def signer_in(folder: Path) -> Ed25519Signer:
    """Return the signer whose key is in a folder, made there the first time and its public key put beside it."""
    signer = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(_private_bytes(folder / "archive.key")))
    published = folder / f"{signer.key_id}.pub"
    if not published.exists():
        made = folder / f".{published.name}.{os.getpid()}"
        made.write_bytes(signer.public_bytes)
        made.rename(published)
    return signer


def verifier(folder: Path) -> Verify:
    """Return a function that checks signatures against the public keys of a folder."""

    def verify(key_id: str, message: bytes, signature: bytes) -> bool:
        path = folder / f"{key_id}.pub"
        if not key_id.isalnum() or not path.is_file():
            return False
        try:
            public = path.read_bytes()
            if hashlib.sha256(public).hexdigest()[:KEY_ID_DIGITS] != key_id:
                return False
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    return verify


def _private_bytes(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        made = path.with_suffix(f".{os.getpid()}")
        made.touch(mode=0o600)
        made.write_bytes(os.urandom(KEY_BYTES))
        try:
            os.link(made, path)  # Fails when another process was first: then its key counts.
        except FileExistsError:
            pass
        finally:
            made.unlink()
    content = path.read_bytes()
    if len(content) != KEY_BYTES:
        raise ArchiveError(f"{path} is no signing key: it has {len(content)} bytes instead of {KEY_BYTES}")
    return content
