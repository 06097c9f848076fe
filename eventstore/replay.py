"""Replay: every event of the journal, verified, folded into the states of its aggregates, as fast as can be.

An ordinary evolver is given one event after another. One that is a BulkEvolver takes events of its commonest types as
columns, many batches at a time, and never pays for an object that it does not need. The result is the same (tests hold
both to it); what differs is the time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np

from eventstore.errors import IntegrityError
from eventstore.event_cells import EventCells
from eventstore.kernels.compiling import Integers
from eventstore.kernels.rows import count_up
from eventstore.kernels.texts import NameTable, Texts, pack_texts, text_of
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
        self.numbers: list[Integers] = []
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
        self._touched: list[Integers] = []
        self._names = NameTable()
        self._aggregate_ids: list[str] = []
        self._by_number: list[S] = []
        self._standing: Integers = np.zeros(1_024, np.int64)
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
        commits, events = columns.commits, columns.events
        numbers = self._numbers_of(commits.aggregate_ids)
        wrong = count_up(self._standing, numbers, commits.first_versions)
        if wrong >= 0:
            raise self._out_of_order(seq, int(numbers[wrong]), int(commits.first_versions[wrong]))
        self._touched.append(numbers)
        for place, tag in enumerate(events.tags):
            if self._bulk[tag]:
                window = self._windows.setdefault(tag, _Window())
                window.numbers.append(numbers[events.types == place])
                window.parts.append(events)

    def _numbers_of(self, aggregate_ids: Texts) -> Integers:
        """Return the number of each commit's aggregate; one that is new has a state from here on."""
        numbers = self._names.find(aggregate_ids)
        new: dict[str, int] = {}
        for row in np.flatnonzero(numbers < 0).tolist():
            name = text_of(aggregate_ids[row])
            if name not in new:
                new[name] = self._names.add(aggregate_ids[row : row + 1])
                self._aggregate_ids.append(name)
                self._by_number.append(self._state(name))
            numbers[row] = new[name]
        if len(self._aggregate_ids) > len(self._standing):
            longer = np.zeros(2 * len(self._aggregate_ids), np.int64)
            longer[: len(self._standing)] = self._standing
            self._standing = longer
        return numbers

    def _flush(self) -> None:
        """Apply what the windows hold."""
        if self._in_bulk is not None:
            for tag, window in self._windows.items():
                columns = self._reader.fields(tag, window.parts, only=self._bulk[tag])
                states = list(map(self._by_number.__getitem__, np.concatenate(window.numbers).tolist()))
                self._in_bulk.evolve_columns(tag, states, columns)
        self._windows.clear()
        if self._touched:
            touched = np.unique(np.concatenate(self._touched))
            names = map(self._aggregate_ids.__getitem__, touched.tolist())
            self._versions.update(zip(names, self._standing[touched].tolist(), strict=True))
            self._touched.clear()

    def _apply_one_by_one(self, stored: StoredBatch, through_timestamp: int) -> int:
        self._flush()
        commits = self._reader.decode(stored, with_event_ids=False).commits
        commits = [commit for commit in commits if commit.timestamp <= through_timestamp]
        numbers = self._numbers_of(pack_texts([commit.aggregate_id for commit in commits])).tolist()
        for number, commit in zip(numbers, commits, strict=True):
            if self._standing[number] + 1 != commit.first_version:
                raise self._out_of_order(stored.seq, number, commit.first_version)
            state = self._by_number[number]
            for event in commit.events:
                state = self._evolver.evolve(state, event)
            self._states[commit.aggregate_id] = self._by_number[number] = state
            self._versions[commit.aggregate_id] = self._standing[number] = commit.last_version
        return sum(len(commit.events) for commit in commits)

    def _state(self, aggregate_id: str) -> S:
        state = self._states.get(aggregate_id)
        if state is None:
            state = self._states[aggregate_id] = self._evolver.initial(aggregate_id)
        return state

    def _out_of_order(self, seq: int, number: int, version: int) -> IntegrityError:
        return IntegrityError(
            f"the version should be {self._standing[number] + 1}",
            partition=self._partition,
            seq=seq,
            aggregate_id=self._aggregate_ids[number],
            version=version,
        )
