"""Replay: every event of the journal, verified, folded into the states of its aggregates, as fast as can be.

A state machine holds the states, and takes the events of many batches at once as the cells that they are read as.
States become objects when somebody asks for one.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import CommitColumns
from eventstore.errors import IntegrityError
from eventstore.kernels.texts import NameTable, Texts, texts_of
from eventstore.pages.evolver import Evolver, Fold
from eventstore.pages.states import per_event
from eventstore.reader import Reader, stretches
from eventstore.record import StoredBatch

S = TypeVar("S")

BATCHES_AT_ONCE: Final = 256
"""Batches that are read at once: what is done once for all of them is not felt then."""


class ReplayedStates(Mapping[str, S]):
    """The states of a replay by aggregate, each made when it is asked for; they are those of the moment of asking."""

    def __init__(self, machine: Fold[S], names: NameTable) -> None:
        self._machine = machine
        self._names = names
        self._numbers: dict[str, int] = {}

    def __getitem__(self, aggregate_id: str) -> S:
        return self._machine.state(self._number(aggregate_id))

    def __iter__(self) -> Iterator[str]:
        self._name_all()
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._names)

    def version(self, aggregate_id: str) -> int:
        """Return the version of an aggregate."""
        return self._machine.version(self._number(aggregate_id))

    def versions(self) -> dict[str, int]:
        """Return the version of every aggregate."""
        return {aggregate_id: self.version(aggregate_id) for aggregate_id in self}

    def _number(self, aggregate_id: str) -> int:
        self._name_all()
        return self._numbers[aggregate_id]

    def _name_all(self) -> None:
        known = len(self._numbers)
        self._numbers.update(zip(texts_of(self._names.names()[known:]), range(known, len(self._names)), strict=True))


class Replayed(NamedTuple, Generic[S]):
    """How far a replay is: the states so far, how many events they took, and the seq of the last batch read."""

    states: ReplayedStates[S]
    event_count: int
    through_seq: int


class Replay(Generic[S]):
    """Replays one partition; call `run` once."""

    def __init__(
        self, evolver: Evolver[S], *, partition: int, genesis: bytes, reader: Reader, codec: EventCodec
    ) -> None:
        self._partition = partition
        self._genesis = genesis
        self._reader = reader
        self._codec = codec
        self._machine = evolver.machine()
        self._names = NameTable()

    def run(self, *, through_timestamp: int | None = None) -> Iterator[Replayed[S]]:
        """Fold from the first batch to the head, or through the last event at or before an instant (UTC microseconds).

        Yields now and then how far it is; the last one yielded is the result.
        """
        after_seq, previous_hash, count = 0, self._genesis, 0
        states = ReplayedStates(self._machine, self._names)
        while batches := self._reader.stored(
            partition=self._partition, after_seq=after_seq, previous_hash=previous_hash, limit=BATCHES_AT_ONCE
        ):
            for together in stretches(batches):
                count += self._apply(together, self._reader.columns(together), through_timestamp)
            yield Replayed(states, count, batches[-1].seq)
            if through_timestamp is not None and batches[-1].last_timestamp > through_timestamp:
                return
            after_seq, previous_hash = batches[-1].seq, batches[-1].hash

    def _apply(self, batches: Sequence[StoredBatch], columns: CommitColumns, through_timestamp: int | None) -> int:
        """Fold the events of some batches; return how many they are."""
        commits, events = columns
        count = len(commits)
        if through_timestamp is not None and batches[-1].last_timestamp > through_timestamp:
            count = int(np.searchsorted(commits.timestamps, through_timestamp, side="right"))
        numbers, versions = per_event(
            self._numbers(commits.aggregate_ids[:count]), commits.first_versions[:count], commits.event_counts[:count]
        )
        wrong = self._machine.fold(numbers, versions, events, self._codec)
        if wrong is not None:
            number, ends = int(numbers[wrong]), np.cumsum([batch.event_count for batch in batches])
            raise IntegrityError(
                f"the version should be {self._machine.version(number) + 1}",
                partition=self._partition,
                seq=batches[int(np.searchsorted(ends, wrong, side="right"))].seq,
                aggregate_id=self._names.name(number),
                version=int(versions[wrong]),
            )
        return len(numbers)

    def _numbers(self, aggregate_ids: Texts) -> NDArray[np.int64]:
        """Return the numbers of aggregates, new ones for those that were not seen before."""
        known = len(self._names)
        numbers = self._names.enter(aggregate_ids)
        if len(self._names) > known:
            self._machine.add_new(texts_of(self._names.names()[known:]))
        return numbers
