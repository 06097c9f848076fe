"""Hashing and sealing as they are defined, commit by commit and event by event: what kernels are held to."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from eventstore.columns.cells import CommitRows, EventCells, Origins
from eventstore.columns.codec import EncodedCommit, EventCodec
from eventstore.columns.packed import payload_columns
from eventstore.integrity.diagnosis import LEAF_PREFIX_BYTES
from eventstore.integrity.hashing import leaf_hash
from eventstore.integrity.merkle import merkle_root
from eventstore.kernels.texts import pack_texts
from eventstore.record import Commit, StoredBatch
from eventstore.writer.group import seal


def encode(commits: Sequence[Commit[Any]], codec: EventCodec) -> bytes:
    """Return the plain columns of these commits; raises TextTooLong for an identifier of more than 64 bytes."""
    return encode_columns([commit.header for commit in commits], [commit.events for commit in commits], codec)


def encode_columns(
    headers: Sequence[tuple[Any, ...]], event_groups: Sequence[Sequence[Any]], codec: EventCodec
) -> bytes:
    """Return the plain columns of commits with these headers (eight values each) and events."""
    origins, events = Origins(), EventCells()
    rows = CommitRows(
        aggregate_ids=pack_texts([header[0] for header in headers]),
        command_ids=pack_texts([header[3] for header in headers]),
        first_versions=np.array([header[1] for header in headers], np.int64),
        timestamps=np.array([header[2] for header in headers], np.int64),
        origins=origins,
        origin_numbers=np.array([origins.number(*header[4:8]) for header in headers], np.int32),
        event_counts=np.array(list(map(len, event_groups)), np.int64),
    )
    for event in chain.from_iterable(event_groups):
        events.add(event)
    return payload_columns(rows, events, codec.formulas)


def hash_commit(header: tuple[Any, ...], events: Sequence[Any], codec: EventCodec) -> tuple[bytes, ...]:
    """Return the leaf hash of every event of a commit."""
    encoded = codec.encode_value(header)
    return tuple([leaf_hash(encoded, place, codec.encode_value(event)) for place, event in enumerate(events)])


def encoded_commit(commit: Commit[Any], codec: EventCodec) -> EncodedCommit:
    """Return the exact bytes of a commit, as the hashes cover them."""
    return EncodedCommit(codec.encode_value(commit.header), [codec.encode_value(event) for event in commit.events])


def compressed(commits: Sequence[Commit[Any]], codec: EventCodec) -> bytes:
    """Return the payload that holds these commits."""
    return codec.compress_bytes(encode(commits, codec))


def sealed(
    headers: Sequence[tuple[Any, ...]], event_groups: Sequence[Sequence[Any]], *, codec: EventCodec, **place: Any
) -> StoredBatch:
    """Return the batch that holds these commits; `place` is its partition, its seq and the hash before it."""
    leaves = [leaf for of in zip(headers, event_groups, strict=True) for leaf in hash_commit(*of, codec)]
    return seal(
        codec.compress_bytes(encode_columns(headers, event_groups, codec)),
        leaf_prefixes=b"".join([leaf[:LEAF_PREFIX_BYTES] for leaf in leaves]),
        merkle_root=merkle_root(leaves),
        commit_count=len(headers),
        first_timestamp=headers[0][2],
        last_timestamp=headers[-1][2],
        **place,
    )
