"""Sealing: the commits of one group and partition become one StoredBatch, hashed and linked to the batch before it."""

import uuid
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from eventstore.integrity.diagnosis import LEAF_PREFIX_BYTES
from eventstore.integrity.hashing import batch_hash, leaf_hash, payload_hash
from eventstore.integrity.merkle import merkle_root
from eventstore.record import Commit, StoredBatch
from eventstore.serialization.codec import EventCodec
from eventstore.serialization.columns import EncodedCommit


def seal(
    commits: Sequence[Commit[Any]],
    *,
    encoded: Sequence[EncodedCommit],
    codec: EventCodec,
    partition: int,
    seq: int,
    previous_hash: bytes,
    first_timestamp: int,
    last_timestamp: int,
) -> tuple[StoredBatch, list[bytes]]:
    """Return the batch to append and the leaf hash of each of its events, in order.

    `encoded` are the exact bytes of the same commits, as `EventCodec.encode_commit` gives them.
    """
    leaves = [leaf_hash(header, index, event) for header, events in encoded for index, event in enumerate(events)]
    payload = codec.compress(commits)
    unsealed = StoredBatch(
        partition=partition,
        seq=seq,
        batch_id=uuid.uuid4().bytes,
        first_timestamp=first_timestamp,
        last_timestamp=last_timestamp,
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
    return msgspec.structs.replace(unsealed, hash=batch_hash(unsealed)), leaves
