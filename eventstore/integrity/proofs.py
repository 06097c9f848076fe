"""Proofs to export: JSON documents that scripts/verify_proof.py checks without the platform.

An *event proof* leads from the exact bytes of one event to the Merkle root of its batch, to the batch's hash, to the
root of its partition's tree in a signed checkpoint. A *consistency proof* shows that each partition's tree in one
checkpoint is the beginning of the tree in a later one. docs/integrity.md describes every field.

Pure, and only building: nothing is checked here but what would make a useless proof.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from eventstore.integrity.checkpoints import Checkpoint
from eventstore.integrity.hashing import FORMAT, event_id, leaf_hash
from eventstore.integrity.merkle import consistency_path, inclusion_path, merkle_root
from eventstore.record import CommitHeader, StoredBatch

PROOF_FORMAT: Final = 1
EVENT_PROOF: Final = "event-store/event-proof"
CONSISTENCY_PROOF: Final = "event-store/consistency-proof"

Json = dict[str, Any]


def event_proof(
    *,
    batch: StoredBatch,
    commits: Sequence[tuple[bytes, Sequence[bytes]]],
    place: tuple[int, int],
    field_names: Sequence[str],
    batch_hashes: Sequence[bytes],
    checkpoint: Checkpoint,
) -> Json:
    """Return the proof for one event.

    `commits` are the exact bytes (header, events) of all commits of the batch and `place` says which commit and which
    event of it. `field_names` name the event's fields for readers. `batch_hashes` are those of the partition's batches
    1 to the seq that the checkpoint names.
    """
    head = checkpoint.statement.partitions[batch.partition]
    if len(batch_hashes) != head.seq or not batch.seq <= head.seq:
        raise ValueError(f"the checkpoint names {head.seq} batches, found the hashes of {len(batch_hashes)}")
    leaves = [leaf_hash(header, index, event) for header, events in commits for index, event in enumerate(events)]
    commit_index, event_index = place
    leaf_index = sum(len(events) for _, events in commits[:commit_index]) + event_index
    header, events = commits[commit_index]
    return {
        "kind": EVENT_PROOF,
        "format": PROOF_FORMAT,
        "event": _event(header, event_index, events[event_index], field_names),
        "batch": {
            **_batch_header(batch),
            "hash": batch.hash.hex(),
            "event_index": leaf_index,
            "event_path": _hex(inclusion_path(leaves, leaf_index)),
        },
        "batch_path": _hex(inclusion_path(batch_hashes, batch.seq - 1)),
        "checkpoint": exported(checkpoint),
    }


def consistency_proof(*, old: Checkpoint, new: Checkpoint, batch_hashes: Mapping[int, Sequence[bytes]]) -> Json:
    """Return the proof that `new` continues `old`; `batch_hashes` are each partition's, up to what `new` names.

    Raises ValueError when it does not: then there is no proof.
    """
    if old.statement.number >= new.statement.number:
        raise ValueError(f"checkpoint {old.statement.number} is not older than {new.statement.number}")
    paths = []
    for before, after in zip(old.statement.partitions, new.statement.partitions, strict=True):
        hashes = batch_hashes[after.partition]
        for head in (before, after):
            if merkle_root(hashes[: head.seq]).hex() != head.root:
                raise ValueError(
                    f"partition {head.partition}: the journal's first {head.seq} batches do not give the signed root: "
                    "run `manage.py verify_events`"
                )
        paths.append(_hex(consistency_path(hashes, before.seq)))
    return {
        "kind": CONSISTENCY_PROOF,
        "format": PROOF_FORMAT,
        "from": exported(old),
        "to": exported(new),
        "partition_paths": paths,
    }


def exported(checkpoint: Checkpoint) -> Json:
    """Return what others need of a checkpoint: the statement, its signature and the public key."""
    return {
        "statement": msgspec.json.decode(msgspec.json.encode(checkpoint.statement)),
        "signature": checkpoint.signature,
        "public_key": checkpoint.public_key,
    }


def readable(value: Any) -> Any:
    """Return a decoded MessagePack value as JSON can show it: what has no form of its own becomes a map."""
    if isinstance(value, bytes):
        return {"base64": _base64(value)}
    if isinstance(value, datetime):  # An extension that the library has a type for.
        packed = msgspec.msgpack.encode(value)
        return {"extension": -1, "base64": _base64(packed[3 if packed[0] == 0xC7 else 2 :])}
    if isinstance(value, msgspec.msgpack.Ext):
        return {"extension": value.code, "base64": _base64(bytes(value.data))}
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {"float": str(value)}
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: readable(item) for key, item in value.items()}
        return {"map": [[readable(key), readable(item)] for key, item in value.items()]}
    return value


def _event(header: bytes, index: int, event: bytes, field_names: Sequence[str]) -> Json:
    values = readable(msgspec.msgpack.decode(header))
    kind, *fields = readable(msgspec.msgpack.decode(event, ext_hook=msgspec.msgpack.Ext))
    names = field_names if len(field_names) == len(fields) else [str(place) for place in range(len(fields))]
    return {
        "aggregate_id": values[0],
        "version": values[1] + index,
        "event_id": event_id(leaf_hash(header, index, event)),
        "index_in_commit": index,
        "header": dict(zip(CommitHeader.__struct_fields__, values, strict=True)),
        "header_base64": _base64(header),
        "type": kind,
        "fields": dict(zip(names, fields, strict=True)),
        "event_base64": _base64(event),
    }


def _batch_header(batch: StoredBatch) -> Json:
    """Return what the batch's hash covers, in that order."""
    return {
        "format": FORMAT,
        "partition": batch.partition,
        "seq": batch.seq,
        "batch_id": batch.batch_id.hex(),
        "first_timestamp": batch.first_timestamp,
        "last_timestamp": batch.last_timestamp,
        "commit_count": batch.commit_count,
        "event_count": batch.event_count,
        "previous_hash": batch.previous_hash.hex(),
        "merkle_root": batch.merkle_root.hex(),
        "payload_hash": batch.payload_hash.hex(),
    }


def _hex(path: Sequence[bytes]) -> list[str]:
    return [digest.hex() for digest in path]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
