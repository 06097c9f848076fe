"""What a writer holds of one partition: the head of its chain and the state of its aggregates, durable events only.

An aggregate is loaded when it is first asked for: its last page, then what the tail of the journal holds of it. So a
writer starts as fast as it reads the tail, however long the history is.
"""

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import CommitColumns
from eventstore.errors import IntegrityError
from eventstore.idempotency.command_ids import CommandKeys
from eventstore.idempotency.remembered import RememberedCommands
from eventstore.kernels.texts import NameTable, Texts, pack_texts, text_of
from eventstore.pages.evolver import Evolver, per_event
from eventstore.pages.states import Folded
from eventstore.record import StoredBatch
from eventstore.writer.commands import Commands
from eventstore.writer.loading import PageLoader
from eventstore.writer.state_machine import StateMachine, Turn
from eventstore.writer.tail import Tail

S = TypeVar("S")
C = TypeVar("C")


class PartitionState(Generic[S, C]):
    """One partition as of its batch `seq`; begins at the end of its pages."""

    def __init__(
        self,
        *,
        number: int,
        seq: int,
        hash_: bytes,
        last_timestamp: int,
        evolver: Evolver[S],
        machine: StateMachine[S, C],
        pages: PageLoader[S] | None,
        codec: EventCodec,
        keys: CommandKeys,
        remembered: RememberedCommands,
    ) -> None:
        """`remembered` has the commands of the batches through `seq`; `keys` makes keys as they are remembered by."""
        self.number = number
        self.seq = seq
        self.hash = hash_
        self.last_timestamp = last_timestamp
        self.machine = machine
        self.remembered = remembered
        self._names = NameTable()
        self._evolver = evolver
        self._pages = pages
        self._keys = keys
        self._codec = codec
        self._tail = Tail()

    def aggregate(self, aggregate_id: str) -> tuple[S, int]:
        """Return an aggregate's state and version, a new one at version 0 when it has no events."""
        failures: dict[int, Exception] = {}
        number = int(self._numbers(pack_texts([aggregate_id]), failures)[0])
        if failures:
            raise failures[0]
        if number < 0:
            return self._evolver.initial(aggregate_id), 0
        return self.machine.state(number), self.machine.version(number)

    def turn(self, commands: Commands[C], places: NDArray[np.int64], failures: dict[int, Exception]) -> Turn[C]:
        """Return the commands at some places with the numbers of their aggregates, which are loaded; note in `failures`
        the indexes of those that cannot be.
        """
        aggregate_ids = commands.aggregate_ids[places]
        numbers = self._numbers(aggregate_ids, failures)

        def enter(index: int) -> int:
            number = self._add(aggregate_ids[index : index + 1], None)
            numbers[:] = self._names.find(aggregate_ids)
            return number

        return Turn(commands, places, numbers, enter)

    def apply(self, batch: StoredBatch, columns: CommitColumns) -> None:
        """Move on by one verified batch; raises IntegrityError when an aggregate's versions do not run on."""
        commits, events = columns
        origins = [commits.origins.values(number) for number in range(len(commits.origins))]
        keys = self._keys.of(
            commits.aggregate_ids,
            commits.command_ids,
            actors=[actor for _, _, actor, _ in origins],
            actors_of=commits.origin_numbers.astype(np.int64),
        )
        self.remembered.remember(keys, seq=batch.seq)
        numbers = self._names.find(commits.aggregate_ids)
        if (numbers < 0).any():  # The events of some are kept until they are asked for.
            self._tail.add(batch.seq, columns)
        of_events, versions = per_event(numbers, commits.first_versions, commits.event_counts)
        wrong = self.machine.fold(of_events, versions, events, self._codec)
        if wrong is not None:
            raise self._out_of_order(int(of_events[wrong]), batch.seq, int(versions[wrong]))
        self.move_on(seq=batch.seq, hash_=batch.hash, last_timestamp=batch.last_timestamp)

    def move_on(self, *, seq: int, hash_: bytes, last_timestamp: int) -> None:
        """Make a durable batch the head; its commands are remembered already."""
        self.seq = seq
        self.hash = hash_
        self.last_timestamp = last_timestamp
        self.remembered.move_on(seq=seq, timestamp=last_timestamp)

    def _numbers(self, aggregate_ids: Texts, failures: dict[int, Exception]) -> NDArray[np.int64]:
        """Return the numbers of aggregates, which are loaded when they are not yet; -1 for one that has no events."""
        numbers = self._names.find(aggregate_ids)
        for index in np.flatnonzero(numbers < 0).tolist():
            row = aggregate_ids[index : index + 1]
            number = int(self._names.find(row)[0])  # One of the same name may have been loaded just now.
            try:
                numbers[index] = self._load(row) if number < 0 else number
            except Exception as error:  # What is wrong with one aggregate's pages is nobody else's business.
                failures[index] = error
        return numbers

    def _load(self, row: Texts) -> int:
        found = self._pages.load(text_of(row[0])) if self._pages is not None else None
        tail = list(self._tail.commits(row))
        if found is None and not tail:
            return -1
        number = self._add(row, found)
        folded = Folded(self.machine, number, aggregate_id=text_of(row[0]), codec=self._codec, partition=self.number)
        for seq, columns in tail:  # Pages may have been written since it was read: what they have is passed over.
            folded.fold(columns, seq=seq)
        return number

    def _add(self, row: Texts, found: tuple[S, int] | None) -> int:
        """Add an aggregate with the state and version that were found of it, a new one for None; return its number."""
        state, version = found or (self._evolver.initial(text_of(row[0])), 0)
        number, named = self.machine.add(state, version), int(self._names.enter(row)[0])
        assert number == named, "names and states have the same numbers"
        return number

    def _out_of_order(self, number: int, seq: int, version: int) -> IntegrityError:
        return IntegrityError(
            f"the version should be {self.machine.version(number) + 1}",
            partition=self.number,
            seq=seq,
            aggregate_id=self._names.name(number),
            version=version,
        )
