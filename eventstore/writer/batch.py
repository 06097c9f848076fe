"""Sealing: the commits of one group and partition become one StoredBatch, hashed and linked to the batch before it.

A commit is its header's eight values and its events here: of thousands, records are made of what is durable only.
"""

import uuid
import zlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from eventstore.integrity.diagnosis import LEAF_PREFIX_BYTES
from eventstore.integrity.hashing import batch_hash, leaf_hash, payload_hash
from eventstore.integrity.merkle import merkle_root
from eventstore.record import StoredBatch
from eventstore.serialization.codec import EventCodec

_TIMESTAMP: Final = 2
"""The place of the timestamp in a commit's header."""


def hash_commit(header: tuple[Any, ...], events: Sequence[Any], codec: EventCodec) -> tuple[bytes, ...]:
    """Return the leaf hash of every event of a commit; raises what encoding it raises, when it cannot be stored."""
    encode = codec.encode_value
    encoded = encode(header)
    return tuple([leaf_hash(encoded, place, encode(event)) for place, event in enumerate(events)])


def seal(
    headers: Sequence[tuple[Any, ...]],
    event_groups: Sequence[Sequence[Any]],
    *,
    leaves: Sequence[bytes],
    codec: EventCodec,
    partition: int,
    seq: int,
    previous_hash: bytes,
) -> StoredBatch:
    """Return the batch to append; `leaves` are the hashes of all events of the commits, in order."""
    payload = codec.compress_columns(headers, event_groups)
    first, last = headers[0], headers[-1]
    unsealed = StoredBatch(
        partition=partition,
        seq=seq,
        batch_id=uuid.uuid4().bytes,
        first_timestamp=first[_TIMESTAMP],
        last_timestamp=last[_TIMESTAMP],
        commit_count=len(headers),
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
