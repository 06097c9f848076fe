"""Who signs a manifest and how a signature is checked: two small contracts, fulfilled by the store's signing key.

It is the key that signs checkpoints as well (see signing_keys.py); the two kinds of message begin differently, so that
a signature of one is never one of the other.
"""

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from eventstore.audit.signing_keys import former_public_keys, raw_public_key, read_signing_key, signing_key
from eventstore.integrity.checkpoints import key_id

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
        public_keys = former_public_keys(path)
        if os.access(path, os.R_OK):
            public_keys.append(raw_public_key(read_signing_key(path)))
        known = {key_id(public): public for public in public_keys}
        try:
            Ed25519PublicKey.from_public_bytes(known[signed_with]).verify(signature, message)
        except (KeyError, InvalidSignature):
            return False
        return True

    return verify
