"""Exporting proofs: finds what a proof needs in the journal and in the checkpoints, every batch checked on the way."""

from typing import Any, NamedTuple

import msgspec

from eventstore.audit.checkpointing import CHECKPOINT_KIND, numbered_checkpoint, read_checkpoint
from eventstore.integrity.checkpoints import Checkpoint
from eventstore.integrity.proofs import consistency_proof, event_proof
from eventstore.reader import Reader
from eventstore.record import CommitHeader, StoredBatch
from eventstore.store import EventStore

_decode_header = msgspec.msgpack.Decoder(CommitHeader).decode


class Place(NamedTuple):
    """Where an event is: its batch, the exact bytes of that batch's commits, which commit and which event of it."""

    batch: StoredBatch
    commits: list[tuple[bytes, list[bytes]]]
    commit_index: int
    event_index: int


def prove_event(
    store: EventStore, *, aggregate_id: str, version: int, checkpoint_number: int | None = None
) -> dict[str, Any]:
    """Return the proof for one event, to the first checkpoint that covers it or to the one that is asked for.

    Raises ValueError, which says what to do, when there is no such event or no such checkpoint; IntegrityError or
    FeedGap when the journal on the way is not what was written.
    """
    return store.confirmed(lambda read: _event_proof(read, aggregate_id, version, checkpoint_number))


def _event_proof(store: EventStore, aggregate_id: str, version: int, checkpoint_number: int | None) -> dict[str, Any]:
    place = find_event(store, aggregate_id=aggregate_id, version=version)
    partition = place.batch.partition
    checkpoint = _covering(store, partition, place.batch.seq, checkpoint_number)
    event = place.commits[place.commit_index][1][place.event_index]
    return event_proof(
        batch=place.batch,
        commits=place.commits,
        place=(place.commit_index, place.event_index),
        field_names=_field_names(store, event),
        batch_hashes=_batch_hashes(store, partition, checkpoint.statement.partitions[partition].seq),
        checkpoint=checkpoint,
    )


def prove_consistency(store: EventStore, *, old_number: int, new_number: int) -> dict[str, Any]:
    """Return the proof that one checkpoint continues another; raises ValueError when it does not, or is not there."""
    return store.confirmed(lambda read: _consistency_proof(read, old_number, new_number))


def _consistency_proof(store: EventStore, old_number: int, new_number: int) -> dict[str, Any]:
    old, new = numbered_checkpoint(store, old_number), numbered_checkpoint(store, new_number)
    hashes = {head.partition: _batch_hashes(store, head.partition, head.seq) for head in new.statement.partitions}
    return consistency_proof(old=old, new=new, batch_hashes=hashes)


def find_event(store: EventStore, *, aggregate_id: str, version: int) -> Place:
    """Find an event, whatever its type: its page says when it happened, and the rest is read from there on.

    Raises ValueError when there is none.
    """
    partition = store.partition_of(aggregate_id)
    newest_page = store.pages.last(aggregate_id)
    newest = newest_page.last_version if newest_page is not None else 0
    reader = Reader(store.engine, store.codec)
    begin = _begin(store, aggregate_id=aggregate_id, version=version)
    for batch in reader.following(partition=partition, after_seq=begin, previous_hash=None):
        commits = [(bytes(header), [bytes(event) for event in events]) for header, events in reader.raw_commits(batch)]
        for commit_index, (header, events) in enumerate(commits):
            found = _decode_header(header)
            if found.aggregate_id != aggregate_id:
                continue
            newest = max(newest, found.first_version + len(events) - 1)
            if found.first_version <= version < found.first_version + len(events):
                return Place(batch, commits, commit_index, version - found.first_version)
    if newest == 0:
        raise ValueError(f"{aggregate_id} has no events: check the id")
    raise ValueError(f"{aggregate_id} has versions 1 to {newest}, found {version}")


def _begin(store: EventStore, *, aggregate_id: str, version: int) -> int:
    """Return a seq after which the event stands, if there is one."""
    partition = store.partition_of(aggregate_id)
    page = store.pages.last(aggregate_id, version=version)
    if page is not None and version <= page.last_version:
        timestamp = max(command.timestamp for command in page.commands() if command.version <= version)
        return store.engine.seek(partition=partition, timestamp=timestamp)
    return store.engine.page_position(partition=partition)


def _covering(store: EventStore, partition: int, seq: int, number: int | None) -> Checkpoint:
    if number is not None:
        chosen = numbered_checkpoint(store, number)
        if chosen.statement.partitions[partition].seq < seq:
            raise ValueError(f"checkpoint {number} was made before this event: choose a later one")
        return chosen
    for document in store.engine.documents(kind=CHECKPOINT_KIND):
        checkpoint = read_checkpoint(document)
        if checkpoint.statement.partitions[partition].seq >= seq:
            return checkpoint
    raise ValueError("no signed checkpoint covers this event yet: run `manage.py sign_checkpoint` and ask again")


def _batch_hashes(store: EventStore, partition: int, upto_seq: int) -> list[bytes]:
    hashes: list[bytes] = []
    if upto_seq == 0:
        return hashes
    reader = Reader(store.engine, store.codec)
    for batch in reader.following(partition=partition, after_seq=0, previous_hash=store.genesis(partition)):
        hashes.append(batch.hash)
        if batch.seq == upto_seq:
            return hashes
    raise ValueError(
        f"partition {partition} ends at seq {len(hashes)} and the checkpoint names seq {upto_seq}: "
        "run `manage.py verify_events`"
    )


def _field_names(store: EventStore, event: bytes) -> tuple[str, ...]:
    """Return the names of an event's fields, none when this process does not know its type."""
    tag = msgspec.msgpack.decode(event)[0]
    known = store.codec.event_types.get(tag)
    return tuple(known.__struct_fields__) if known is not None else ()
