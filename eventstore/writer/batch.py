"""Sealing: the commits of one group and partition become one StoredBatch, hashed and linked to the batch before it."""

import uuid
import zlib

import msgspec

from eventstore.integrity.diagnosis import LEAF_PREFIX_BYTES
from eventstore.integrity.hashing import batch_hash, payload_hash
from eventstore.record import StoredBatch


def seal(
    payload: bytes,
    *,
    leaf_prefixes: bytes,
    merkle_root: bytes,
    commit_count: int,
    first_timestamp: int,
    last_timestamp: int,
    partition: int,
    seq: int,
    previous_hash: bytes,
) -> StoredBatch:
    """Return the batch to append; `merkle_root` is over the hashes of all events of its commits, in order."""
    unsealed = StoredBatch(
        partition=partition,
        seq=seq,
        batch_id=uuid.uuid4().bytes,
        first_timestamp=first_timestamp,
        last_timestamp=last_timestamp,
        commit_count=commit_count,
        event_count=len(leaf_prefixes) // LEAF_PREFIX_BYTES,
        previous_hash=previous_hash,
        merkle_root=merkle_root,
        payload_hash=payload_hash(payload),
        hash=b"",
        leaf_prefixes=leaf_prefixes,
        payload_crc=zlib.crc32(payload),
        payload=payload,
    )
    return msgspec.structs.replace(unsealed, hash=batch_hash(unsealed))
