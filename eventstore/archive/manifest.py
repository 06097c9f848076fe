"""Manifests: what an archive file holds, in signed JSON beside it and, the same bytes, in a document of the store.

The signature covers every other field, in the order and form in which they are written. `metadata` is what the store
was created with, so that a store restored from the archive has the same chain from its first hash on.
"""

import hashlib
from typing import Final

import msgspec

from eventstore.archive.errors import ArchiveError
from eventstore.archive.signing import Signer, Verify
from eventstore.record import StoreMetadata

KIND: Final = "archive"
"""The kind of the documents that record manifests."""

_DOMAIN: Final = b"eventstore archive manifest 1\n"
"""What the signed bytes begin with, so that no other signature of the same key can pass for a manifest's."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One archive file. Hashes and the signature are in hexadecimal, instants in UTC microseconds."""

    file: str
    metadata: StoreMetadata
    partition: int
    first_seq: int
    last_seq: int
    batch_count: int
    event_count: int
    first_timestamp: int
    last_timestamp: int
    file_bytes: int
    file_sha256: str
    schema_fingerprint: str
    previous_hash: str
    last_hash: str
    made_at: int
    key_id: str
    signature: str = ""

    @property
    def name(self) -> str:
        """The name of the manifest's own file."""
        return f"{self.file.removesuffix('.avro')}.json"

    def encode(self) -> bytes:
        """Return the manifest as it is stored and recorded."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def signed_bytes(self) -> bytes:
        """Return what the signature covers."""
        return _DOMAIN + msgspec.structs.replace(self, signature="").encode()

    def signed(self, signer: Signer) -> "Manifest":
        """Return the manifest with a signature."""
        named = msgspec.structs.replace(self, key_id=signer.key_id)
        return msgspec.structs.replace(named, signature=signer.sign(named.signed_bytes()).hex())

    def matches(self, content: bytes) -> bool:
        """Return whether these are the bytes of the archive file."""
        return len(content) == self.file_bytes and hashlib.sha256(content).hexdigest() == self.file_sha256


def decode_manifest(encoded: bytes, *, verify: Verify, where: str) -> Manifest:
    """Return a manifest whose signature holds; raises ArchiveError naming `where` it was found."""
    try:
        manifest = msgspec.json.decode(encoded, type=Manifest)
        signature = bytes.fromhex(manifest.signature)
        bytes.fromhex(manifest.previous_hash + manifest.last_hash)
    except (msgspec.DecodeError, ValueError) as error:
        raise ArchiveError(f"{where} is not a manifest ({error}): restore it from a copy of the archive") from error
    if not verify(manifest.key_id, manifest.signed_bytes(), signature):
        raise ArchiveError(
            f"{where}: the signature by key {manifest.key_id} does not hold: the manifest was altered, or the public "
            f"key is not known here (put {manifest.key_id}.pub beside the other keys)"
        )
    return manifest


def manifest_hash(encoded: bytes) -> bytes:
    """Return the hash under which removals name a manifest."""
    return hashlib.sha256(encoded).digest()
