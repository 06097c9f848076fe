"""Sealing: the commits of one group and partition become one StoredBatch, hashed and linked to the batch before it."""

import uuid
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from eventstore.integrity.diagnosis import LEAF_PREFIX_BYTES
from eventstore.integrity.hashing import batch_hash, payload_hash
from eventstore.integrity.merkle import merkle_root
from eventstore.record import Commit, StoredBatch
from eventstore.serialization.codec import EventCodec


def seal(
    commits: Sequence[Commit[Any]],
    *,
    leaves: Sequence[bytes],
    codec: EventCodec,
    partition: int,
    seq: int,
    previous_hash: bytes,
) -> StoredBatch:
    """Return the batch to append; `leaves` are the hashes of all events of the commits, in order."""
    payload = codec.compress(commits)
    unsealed = StoredBatch(
        partition=partition,
        seq=seq,
        batch_id=uuid.uuid4().bytes,
        first_timestamp=commits[0].timestamp,
        last_timestamp=commits[-1].timestamp,
        commit_count=len(commits),
        event_count=len(leaves),
        previous_hash=previous_hash,
        merkle_root=merkle_root(leaves),
        payload_hash=payload_hash(payload),
        hash=b"",
        leaf_prefixes=b"".join([leaf[:LEAF_PREFIX_BYTES] for leaf in leaves]),
        payload_crc=zlib.crc32(payload),
        payload=payload,
    )
    return msgspec.structs.replace(unsealed, hash=batch_hash(unsealed))
