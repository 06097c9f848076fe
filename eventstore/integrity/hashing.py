"""The hashes of the journal, all SHA-256, each over bytes that say what they are (domain separation).

- An event's *leaf hash* covers its commit's header, its index in the commit and its stored bytes.
- A batch's *hash* covers its header, which names the Merkle root of its leaves, the hash of its payload and the hash of
  the batch before it in its partition: that makes a partition a chain.
- The first batch follows the *genesis hash*, which names the store and the partition, so no batch can move between
  them.

The leaf prefix 0x00 and node prefix 0x01 are those of RFC 6962 section 2.1.
"""

import hashlib
from typing import Final

import msgspec

from eventstore.record import StoredBatch, StoredPage

FORMAT: Final = 3
"""Of all that a store holds, its application's events included: a store of another one is refused when it is opened."""

LEAF: Final = b"\x00"
NODE: Final = b"\x01"
BATCH: Final = b"\x02"
GENESIS: Final = b"\x03"
PAGE: Final = b"\x04"

_encode = msgspec.msgpack.Encoder().encode
_INDEX_BYTES: Final = tuple(index.to_bytes(4, "big") for index in range(256))


def leaf_hash(header: bytes, index: int, event: bytes) -> bytes:
    """Hash one event: `header` is the stored commit header, `event` the stored event, both exact MessagePack bytes."""
    place = _INDEX_BYTES[index] if index < 256 else index.to_bytes(4, "big")
    return hashlib.sha256(LEAF + header + place + event).digest()


def genesis_hash(store_id: str, partition: int) -> bytes:
    """Return what the first batch of a partition names as the hash before it."""
    return hashlib.sha256(GENESIS + _encode([FORMAT, store_id, partition])).digest()


def payload_hash(payload: bytes) -> bytes:
    """Hash the stored (compressed) payload; checked on every read, so reading needs no hash per event."""
    return hashlib.sha256(payload).digest()


def batch_hash(batch: StoredBatch) -> bytes:
    """Hash the header of a batch; `batch.hash` itself does not enter."""
    header = [
        FORMAT,
        batch.partition,
        batch.seq,
        batch.batch_id,
        batch.first_timestamp,
        batch.last_timestamp,
        batch.commit_count,
        batch.event_count,
        batch.previous_hash,
        batch.merkle_root,
        batch.payload_hash,
    ]
    return hashlib.sha256(BATCH + _encode(header)).digest()


def page_hash(page: StoredPage) -> bytes:
    """Hash a page; `page.hash` itself does not enter."""
    header = [
        FORMAT,
        page.aggregate_id,
        page.first_version,
        page.last_version,
        page.first_timestamp,
        page.last_timestamp,
        payload_hash(page.payload),
    ]
    return hashlib.sha256(PAGE + _encode(header)).digest()


def event_id(leaf: bytes) -> str:
    """Derive an event's id from its hash: the first 122 bits as a UUID version 8 (RFC 9562 section 5.8)."""
    digits = leaf[:16].hex()
    variant = "89ab"[leaf[8] >> 4 & 0b11]
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
