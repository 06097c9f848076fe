"""Replay: every event of the journal, verified, folded into the states of its aggregates, as fast as can be.

An ordinary evolver is given one event after another. One that is a BulkEvolver takes events of its commonest types as
columns, many batches at a time, and never pays for an object that it does not need. The result is the same (tests hold
both to it); what differs is the time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from eventstore.errors import IntegrityError
from eventstore.event_cells import EventCells
from eventstore.pages.evolver import Evolver
from eventstore.reader import READ_BATCHES_AT_ONCE, Reader
from eventstore.record import StoredBatch
from eventstore.serialization.packed import CommitColumns

S = TypeVar("S")


@runtime_checkable
class BulkEvolver(Evolver[S], Protocol[S]):
    """An evolver that takes whole columns of the types that `bulk_columns` names (tag to the fields that it needs).

    Events of different types among these must commute: they are given type by type, each in its order.
    """

    bulk_columns: Mapping[str, Sequence[str]]

    def evolve_columns(self, tag: str, states: Sequence[S], columns: Sequence[Sequence[Any]]) -> None:
        """Apply events in order: row i of the columns happened to state i (one state may come many times)."""


class Replayed(NamedTuple, Generic[S]):
    """How far a replay is: the states so far by aggregate, their versions, how many events they took, and the seq of
    the last batch that was read.
    """

    states: dict[str, S]
    versions: dict[str, int]
    event_count: int
    through_seq: int


class _Window:
    """Events of one type, gathered from many batches; they are decoded together, which costs a third of one by one."""

    def __init__(self) -> None:
        self.aggregate_ids: list[str] = []
        self.parts: list[EventCells] = []


class Replay(Generic[S]):
    """Replays one partition; call `run` once."""

    def __init__(self, evolver: Evolver[S], *, partition: int, genesis: bytes, reader: Reader) -> None:
        self._evolver = evolver
        self._in_bulk: BulkEvolver[S] | None = evolver if isinstance(evolver, BulkEvolver) else None
        self._bulk = {} if self._in_bulk is None else self._in_bulk.bulk_columns
        self._partition = partition
        self._genesis = genesis
        self._reader = reader
        self._windows: dict[str, _Window] = {}
        self._states: dict[str, S] = {}
        self._versions: dict[str, int] = defaultdict(int)

    def run(self, *, through_timestamp: int | None = None) -> Iterator[Replayed[S]]:
        """Fold from the first batch to the head, or through the last event at or before an instant (UTC microseconds).

        Yields now and then how far it is; the last one yielded is the result.
        """
        after_seq, previous_hash, count = 0, self._genesis, 0
        while batches := self._reader.stored(
            partition=self._partition, after_seq=after_seq, previous_hash=previous_hash, limit=READ_BATCHES_AT_ONCE
        ):
            for stored in batches:
                count += self._apply(stored, through_timestamp)
            self._flush()
            yield Replayed(self._states, self._versions, count, batches[-1].seq)
            if through_timestamp is not None and batches[-1].last_timestamp > through_timestamp:
                return
            after_seq, previous_hash = batches[-1].seq, batches[-1].hash

    def _apply(self, stored: StoredBatch, through_timestamp: int | None) -> int:
        if through_timestamp is not None and stored.last_timestamp > through_timestamp:
            return self._apply_one_by_one(stored, through_timestamp)
        columns = self._reader.columns(stored)
        if not columns.has_single_events or not self._bulk.keys() >= set(columns.events.tags):
            return self._apply_one_by_one(stored, stored.last_timestamp)
        self._gather(columns, stored.seq)
        return stored.event_count

    def _gather(self, columns: CommitColumns, seq: int) -> None:
        """Add a batch of events that are taken in columns to the windows."""
        aggregate_ids, events = columns.aggregate_ids(), columns.events
        self._count_up(aggregate_ids, columns.commits.first_versions.tolist(), seq)
        for place, tag in enumerate(events.tags):
            if self._bulk[tag]:
                window = self._windows.setdefault(tag, _Window())
                window.aggregate_ids += compress(aggregate_ids, (events.types == place).tolist())
                window.parts.append(events)

    def _count_up(self, aggregate_ids: Sequence[str], first_versions: Sequence[int], seq: int) -> None:
        """Check that the events of a batch come next in their aggregates, and note that they came."""
        versions = self._versions
        is_usual = len(set(aggregate_ids)) == len(aggregate_ids) == len(first_versions) and 1 not in first_versions
        if is_usual and [version - 1 for version in first_versions] == list(map(versions.get, aggregate_ids)):
            # Every aggregate is known, and here once: no loop of our own is needed.
            versions.update(zip(aggregate_ids, first_versions, strict=True))
            return
        for aggregate_id, version in zip(aggregate_ids, first_versions, strict=True):
            if versions[aggregate_id] + 1 != version:
                raise self._out_of_order(seq, aggregate_id, version)
            versions[aggregate_id] = version
            if version == 1:
                self._state(aggregate_id)

    def _flush(self) -> None:
        """Apply what the windows hold."""
        if self._in_bulk is not None:
            for tag, window in self._windows.items():
                columns = self._reader.fields(tag, window.parts, only=self._bulk[tag])
                states = list(map(self._states.__getitem__, window.aggregate_ids))  # Made at their version 1.
                self._in_bulk.evolve_columns(tag, states, columns)
        self._windows.clear()

    def _apply_one_by_one(self, stored: StoredBatch, through_timestamp: int) -> int:
        self._flush()
        count = 0
        for commit in self._reader.decode(stored, with_event_ids=False).commits:
            if commit.timestamp > through_timestamp:
                break
            if self._versions[commit.aggregate_id] + 1 != commit.first_version:
                raise self._out_of_order(stored.seq, commit.aggregate_id, commit.first_version)
            state = self._state(commit.aggregate_id)
            for event in commit.events:
                state = self._evolver.evolve(state, event)
            self._states[commit.aggregate_id] = state
            self._versions[commit.aggregate_id] = commit.last_version
            count += len(commit.events)
        return count

    def _state(self, aggregate_id: str) -> S:
        state = self._states.get(aggregate_id)
        if state is None:
            state = self._states[aggregate_id] = self._evolver.initial(aggregate_id)
        return state

    def _out_of_order(self, seq: int, aggregate_id: str, version: int) -> IntegrityError:
        return IntegrityError(
            f"the version should be {self._versions[aggregate_id] + 1}",
            partition=self._partition,
            seq=seq,
            aggregate_id=aggregate_id,
            version=version,
        )
