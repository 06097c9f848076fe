"""Signed checkpoints: what the whole journal was at one moment, in a few lines that anybody can keep and check.

A checkpoint's *statement* names, for every partition, its newest seq, that batch's hash and the root of the Merkle tree
over all its batches' hashes; it also names the hash of the statement before it, so checkpoints are a chain as well. The
statement is signed with Ed25519 over its canonical bytes: a fixed prefix and JSON with sorted keys, no spaces, ASCII.

Beside the statement a stored checkpoint keeps the frontier of every partition's tree, which is not signed: each must
give the signed root. Pure: no clock, no files, no store.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from eventstore.integrity.merkle import Frontier

CHECKPOINT_FORMAT: Final = 1
SIGNED_PREFIX: Final = b"event-store checkpoint\n"
FIRST_PREVIOUS_HASH: Final = "00" * 32
"""What the first checkpoint names as the one before it."""

KEY_ID_DIGITS: Final = 16


class SignedHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a partition stood. `seq` 0, the genesis hash and the root of nothing for one without a batch."""

    partition: int
    seq: int
    hash: str
    root: str


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed. Hashes are lower-case hex, `made_at` is UTC microseconds."""

    format: int
    store_id: str
    number: int
    made_at: int
    key_id: str
    previous_hash: str
    partitions: tuple[SignedHead, ...]


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed statement with what is needed to check it, and to go on from it."""

    statement: Statement
    signature: str
    public_key: str
    frontiers: tuple[tuple[str, ...], ...] = ()

    def frontier(self, partition: int) -> Frontier:
        """Return the frontier of a partition's tree; raises ValueError when it does not give the signed root."""
        head = self.statement.partitions[partition]
        hashes = self.frontiers[partition] if partition < len(self.frontiers) else ()
        frontier = Frontier(size=head.seq, hashes=[bytes.fromhex(digest) for digest in hashes])
        if frontier.root().hex() != head.root:
            raise ValueError(f"the frontier of partition {partition} does not give the signed root")
        return frontier


_decode = msgspec.json.Decoder(Checkpoint).decode


def key_id(public_key: bytes) -> str:
    """Return the name of a raw public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:KEY_ID_DIGITS]


def signed_bytes(statement: Statement) -> bytes:
    """Return the canonical bytes that the signature covers."""
    return SIGNED_PREFIX + msgspec.json.encode(statement, order="sorted")


def statement_hash(statement: Statement) -> str:
    """Return the hash by which the next checkpoint names this one."""
    return hashlib.sha256(signed_bytes(statement)).hexdigest()


def sign(statement: Statement, *, key: Ed25519PrivateKey, frontiers: Sequence[Frontier]) -> Checkpoint:
    """Return the signed checkpoint; `frontiers` are those of partitions 0, 1, 2 ..."""
    public_key = key.public_key().public_bytes_raw()
    if statement.key_id != key_id(public_key):
        raise ValueError(f"the statement names key {statement.key_id}, found key {key_id(public_key)} to sign it with")
    return Checkpoint(
        statement=statement,
        signature=key.sign(signed_bytes(statement)).hex(),
        public_key=public_key.hex(),
        frontiers=tuple(tuple(digest.hex() for digest in frontier.hashes) for frontier in frontiers),
    )


def encode(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint as the JSON that is stored."""
    return msgspec.json.encode(checkpoint)


def decode(body: bytes) -> Checkpoint:
    """Return a stored checkpoint, nothing about it checked but its shape; raises ValueError."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ValueError(f"the document is not a checkpoint ({error})") from error


def check(
    checkpoint: Checkpoint, *, store_id: str, number: int, trusted_keys: Sequence[bytes], has_frontiers: bool = True
) -> None:
    """Check one checkpoint by itself: shape, key, signature, frontiers; raises ValueError that says what is wrong.

    `trusted_keys` are raw public keys; `has_frontiers` is False for one that was exported. What it says about the
    journal and about the checkpoint before it is checked elsewhere.
    """
    statement = checkpoint.statement
    if statement.format != CHECKPOINT_FORMAT:
        raise ValueError(f"format {statement.format} is not {CHECKPOINT_FORMAT}: use the release that made it")
    if checkpoint.public_key not in {key.hex() for key in trusted_keys}:
        raise ValueError(f"it is signed with key {statement.key_id}, which is not a key that is trusted here")
    public_key = bytes.fromhex(checkpoint.public_key)
    if statement.key_id != key_id(public_key):
        raise ValueError("it names another key than the one that it carries")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(_hex(checkpoint.signature), signed_bytes(statement))
    except InvalidSignature as error:
        raise ValueError("the signature is not that of the statement: it was altered") from error
    if statement.store_id != store_id:
        raise ValueError(f"it is about store {statement.store_id}, not about this one, {store_id}")
    if statement.number != number:
        raise ValueError(f"it is checkpoint {statement.number}, which stands in the place of {number}")
    if [head.partition for head in statement.partitions] != list(range(len(statement.partitions))):
        raise ValueError("it does not name every partition once, in order")
    if not has_frontiers:
        return
    if len(checkpoint.frontiers) != len(statement.partitions):
        raise ValueError("it has not one frontier for each partition")
    for head in statement.partitions:
        checkpoint.frontier(head.partition)


def _hex(text: str) -> bytes:
    """Read lower-case hex and nothing else: one value has one form."""
    found = bytes.fromhex(text)
    if found.hex() != text:
        raise ValueError(f"expected lower-case hex, found {text!r}")
    return found
