"""What a writer holds of one partition: the head of its chain and the state of its aggregates, durable events only.

An aggregate is loaded when it is asked for: its last page, then what the tail of the journal holds of it. So a writer
starts as fast as it reads the tail, however long the history is. Those that were not asked for the longest are let go
when all take more memory than they may (`let_go`): only those whose every event is in pages, which is what they are
loaded from again.
"""

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import CommitColumns
from eventstore.errors import IntegrityError
from eventstore.idempotency.command_ids import CommandKeys
from eventstore.idempotency.remembered import RememberedCommands
from eventstore.kernels.texts import NameTable, Texts, pack_texts, text_of
from eventstore.pages.evolver import Evolver
from eventstore.pages.states import Folded, per_event
from eventstore.record import StoredBatch
from eventstore.writer.commands import Commands
from eventstore.writer.limits import LET_GO_AT_ONCE, LOOK_FOR_PAGES_BATCHES
from eventstore.writer.loading import PageLoader
from eventstore.writer.state_machine import StateMachine, Turn

S = TypeVar("S")
C = TypeVar("C")

ENTRY_BYTES: Final = 104
"""What an aggregate takes here: its name, the hash of it, four cells of the table, and when it was asked for."""
_COLDEST_SHARE: Final = 16
"""One in so many aggregates is chosen at once to be let go."""
_NOBODY: Final = np.iinfo(np.int64).max


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
        pages: PageLoader[S],
        codec: EventCodec,
        keys: CommandKeys,
        remembered: RememberedCommands,
    ) -> None:
        """`remembered` has the commands of the batches through `seq`, which are in pages; `keys` makes keys as they are
        remembered by.
        """
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
        self._paged_seq = seq
        self._look_for_pages_at_seq = seq
        self._latest_seqs = np.full(1_024, _NOBODY, np.int64)
        """For each number the seq of the latest batch that may have events of its aggregate; nobody's are the last."""
        self._coldest: NDArray[np.int64] = np.empty(0, np.int64)
        self._coldest_seq = 0
        self._let_go_seq = seq
        self._added = 0
        """Where `let_go` was called last, and how many were added since then."""

    def aggregate(self, aggregate_id: str) -> tuple[S, int]:
        """Return an aggregate's state and version, a new one at version 0 when it has no events."""
        failures: dict[int, Exception] = {}
        number = int(self._numbers(pack_texts([aggregate_id]), failures)[0])
        if failures:
            raise failures[0]
        if number < 0:
            return self._evolver.initial(aggregate_id), 0
        self._latest_seqs[number] = self.seq
        return self.machine.state(number), self.machine.version(number)

    def turn(self, commands: Commands[C], places: NDArray[np.int64], failures: dict[int, Exception]) -> Turn[C]:
        """Return the commands at some places with the numbers of their aggregates, which are loaded; note in `failures`
        the indexes of those that cannot be.
        """
        aggregate_ids = commands.aggregate_ids[places]
        numbers = self._numbers(aggregate_ids, failures)
        self._latest_seqs[numbers[numbers >= 0]] = self.seq + 1

        def enter(index: int) -> int:
            number = self._enter(aggregate_ids[index : index + 1])
            self.machine.add(number, self._evolver.initial(commands.aggregate_id(int(places[index]))), 0)
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
        self._latest_seqs[numbers[numbers >= 0]] = batch.seq
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

    def __len__(self) -> int:
        return len(self._names)

    def let_go(self, *, bytes_max: int) -> int:
        """Let aggregates go, those first that were not asked for the longest, while all take more than `bytes_max`;
        return how many went. Nothing is waiting to be kept or taken back.

        Takes a bounded time: no more go at once than were added since the last call, and a few; none when nothing was
        decided since then. Those whose latest events are in no page yet stay, so as long as no pages are made there may
        be more than there should be.
        """
        if self.seq == self._let_go_seq and not self._added:
            return 0
        held_bytes, added = self.held_bytes(), self._added
        self._let_go_seq, self._added = self.seq, 0
        if held_bytes <= bytes_max:
            return 0
        wanted = min(-(-(held_bytes - bytes_max) * len(self) // held_bytes), added + LET_GO_AT_ONCE)
        gone = 0
        while gone < wanted and (len(self._coldest) or self._choose_coldest()):
            numbers, self._coldest = np.split(self._coldest, [wanted - gone])
            numbers = numbers[self._latest_seqs[numbers] <= self._coldest_seq]
            self._forget(numbers)
            gone += len(numbers)
        return gone

    def held_bytes(self) -> int:
        """Return how much memory the aggregates take, in bytes, as near as it is known."""
        return len(self) * ENTRY_BYTES + self.machine.held_bytes(len(self))

    def _choose_coldest(self) -> bool:
        """Choose the aggregates that go next; False when there is none that may."""
        if self.seq < self._look_for_pages_at_seq:
            return False
        self._paged_seq = self._pages.position()
        self._tail.drop(through_seq=self._paged_seq)
        coldest = np.flatnonzero(self._latest_seqs <= self._paged_seq)
        count = 1 + len(self) // _COLDEST_SHARE
        if count < len(coldest):
            coldest = coldest[np.argpartition(self._latest_seqs[coldest], count)[:count]]
        if not len(coldest):
            self._look_for_pages_at_seq = self.seq + LOOK_FOR_PAGES_BATCHES
            return False
        self._coldest, self._coldest_seq = coldest, int(self._latest_seqs[coldest].max())
        return True

    def _forget(self, numbers: NDArray[np.int64]) -> None:
        self.machine.let_go(numbers)
        self._names.remove(numbers)
        self._latest_seqs[numbers] = _NOBODY

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
        found = self._pages.load(text_of(row[0])) if self._paged_seq else None
        tail = list(self._tail.commits(row))
        if found is None and not tail:
            return -1
        number = self._enter(row)
        try:
            state, version = found or (self._evolver.initial(text_of(row[0])), 0)
            self.machine.add(number, state, version)
            folded = Folded(
                self.machine, number, aggregate_id=text_of(row[0]), codec=self._codec, partition=self.number
            )
            for seq, columns in tail:  # Pages may have been written since it was read: what they have is passed over.
                folded.fold(columns, seq=seq)
        except Exception:  # Half of an aggregate is nothing to decide on.
            self._forget(np.array([number], np.int64))
            raise
        return number

    def _enter(self, row: Texts) -> int:
        """Give an aggregate a number, under which the machine has nothing yet."""
        number = int(self._names.enter(row)[0])
        if number >= len(self._latest_seqs):
            self._latest_seqs = np.concatenate([self._latest_seqs, np.full_like(self._latest_seqs, _NOBODY)])
        self._latest_seqs[number] = self.seq + 1
        self._added += 1
        return number

    def _out_of_order(self, number: int, seq: int, version: int) -> IntegrityError:
        return IntegrityError(
            f"the version should be {self.machine.version(number) + 1}",
            partition=self.number,
            seq=seq,
            aggregate_id=self._names.name(number),
            version=version,
        )


_PLACE_BITS: Final = 32


class Tail:
    """The commits of one partition past its pages, of aggregates that nobody has asked for yet.

    Batches stay the columns that they are read as; the index over their commits is made when the first aggregate is
    asked for. Not safe for threads.
    """

    def __init__(self) -> None:
        self._names = NameTable()
        self._batches: list[tuple[int, CommitColumns]] = []
        self._numbers: list[NDArray[np.int64]] = []
        self._index: NDArray[np.int64] = np.empty(0, np.int64)
        self._places: NDArray[np.int64] = np.empty(0, np.int64)
        self._indexed = 0

    def add(self, seq: int, columns: CommitColumns) -> None:
        self._batches.append((seq, columns))
        self._numbers.append(self._names.enter(columns.commits.aggregate_ids))

    def drop(self, *, through_seq: int) -> None:
        """Drop the batches through a seq, which are in pages."""
        kept = [(seq, columns) for seq, columns in self._batches if seq > through_seq]
        if len(kept) < len(self._batches):
            self._names, self._batches, self._numbers, self._indexed = NameTable(), [], [], 0
            for seq, columns in kept:
                self.add(seq, columns)

    def commits(self, aggregate_id: Texts) -> Iterator[tuple[int, CommitColumns]]:
        """Yield the commits of an aggregate, a matrix of one row, in order, by the seqs of their batches."""
        number = int(self._names.find(aggregate_id)[0])
        if number < 0:
            return
        self._bring_up_to_date()
        first, last = np.searchsorted(self._index, [number, number + 1])
        own = self._places[first:last]
        ends = np.flatnonzero(np.diff(own >> _PLACE_BITS, append=-1)) + 1
        for places in np.split(own, ends[:-1]):
            seq, columns = self._batches[int(places[0]) >> _PLACE_BITS]
            yield seq, columns.of_commits(places & ((1 << _PLACE_BITS) - 1))

    def _bring_up_to_date(self) -> None:
        """Sort all commits by aggregate; those of one stay in the order of the journal."""
        if self._indexed == len(self._batches):
            return
        numbers = np.concatenate(self._numbers)
        places = [(batch << _PLACE_BITS) + np.arange(len(own)) for batch, own in enumerate(self._numbers)]
        order = np.argsort(numbers, kind="stable")
        self._index, self._places = numbers[order], np.concatenate(places)[order]
        self._indexed = len(self._batches)
