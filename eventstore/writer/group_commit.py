"""Group commit: commands that arrive together are decided in order and become durable with one write.

`execute` answers a command only after its events are on disk. The conditional append decides who writes a seq: a group
that lost its place to another writer is decided again on top of what that writer wrote; a write whose answer was lost
is looked up by its batch id. Correct with any number of writers; one per partition only saves retries.

It is used from one thread and does not own queues, lanes or processes (that is the application's writer).
"""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from eventstore.columns.codec import EventCodec
from eventstore.engines.base import AppendOutcome, Engine
from eventstore.errors import ConflictLimitReached, EventStoreError, IntegrityError, OutcomeUnknown, StoreUnavailable
from eventstore.idempotency.command_ids import CommandKeys
from eventstore.idempotency.remembered import Keys, RememberedCommands
from eventstore.integrity.hashing import genesis_hash
from eventstore.kernels.partitions import places_by_partition
from eventstore.reader import Reader, confirmed
from eventstore.record import StoredBatch, StoreMetadata, partition_of
from eventstore.writer.clock import WriterClock
from eventstore.writer.commands import Commands
from eventstore.writer.group import FirstResults, Group, identity_of
from eventstore.writer.limits import CONFLICT_PAUSE_MS_MAX, CONFLICT_TRIES_MAX, UNKNOWN_TRIES_MAX
from eventstore.writer.loading import CommandLoader, PageLoader
from eventstore.writer.outcomes import Outcomes
from eventstore.writer.partition import PartitionState
from eventstore.writer.request import Committed, Failed, Outcome, Request
from eventstore.writer.state_machine import Decider

S = TypeVar("S")
C = TypeVar("C")

Places: TypeAlias = NDArray[np.int64]
"""Places of commands among those that were asked for together."""


class GroupTimes(NamedTuple):
    """How long one `execute` took: deciding, with encoding and hashing; and writing, until it was durable."""

    deciding_seconds: float
    writing_seconds: float


class GroupCommit(Generic[S, C]):
    """The writer of one store. Holds the state of the partitions that it was asked about, durable events only."""

    def __init__(
        self,
        *,
        engine: Engine,
        codec: EventCodec,
        reader: Reader,
        metadata: StoreMetadata,
        decider: Decider[S, C],
        clock: WriterClock,
        held_bytes_max: int,
    ) -> None:
        self._engine = engine
        self._codec = codec
        self._reader = reader
        self._metadata = metadata
        self._decider = decider
        self.clock = clock
        self._keys = CommandKeys(metadata.store_id)
        self._first_results = FirstResults(reader=reader)
        self._partitions: dict[int, PartitionState[S, C]] = {}
        self.latest_times = GroupTimes(0.0, 0.0)
        self._partition_bytes_max = held_bytes_max // metadata.partition_count
        self.let_go_count = 0
        """How many aggregates were let go since this writer began."""

    def load(self, partition: int) -> int:
        """Bring a partition's state up to what is durable now; return its head's seq."""
        found = self._caught_up(partition)
        self.clock.look(partition=partition, newest=found.last_timestamp)
        return found.seq

    @property
    def partition_count(self) -> int:
        """How many partitions the store has."""
        return self._metadata.partition_count

    def state(self, aggregate_id: str) -> tuple[S, int]:
        """Return an aggregate's durable state and version (0 when it has no events). Not to be changed by the
        caller.
        """
        number = partition_of(aggregate_id, self._metadata.partition_count)
        return self._caught_up(number).aggregate(aggregate_id)

    @property
    def held_count(self) -> int:
        """How many aggregates are held."""
        return sum(map(len, self._partitions.values()))

    def let_go(self) -> None:
        """Let aggregates go that were not asked for the longest, when all take more memory than they may: after each
        group, once its callers have their answers. What was let go is loaded again when it is asked for.
        """
        for partition in self._partitions.values():
            self.let_go_count += partition.let_go(bytes_max=self._partition_bytes_max)

    def execute(self, requests: Sequence[Request[C]]) -> list[Outcome]:
        """Do what `run` does for commands that are objects; return one outcome per request, in order."""
        try:
            commands = self._decider.commands(requests)
        except Exception as error:
            if len(requests) == 1:
                return [Failed(error)]
            half = len(requests) // 2
            return self.execute(requests[:half]) + self.execute(requests[half:])
        return self.run(commands).as_list()

    def run(self, commands: Commands[C]) -> Outcomes:
        """Decide commands in order and make their events durable.

        Never raises for what a command holds: whatever goes wrong that nobody foresaw is narrowed down by halves until
        the command that it comes from fails alone. What became durable before it went wrong is found by the ids.
        """
        return self._run(commands, np.arange(len(commands)))

    def _run(self, commands: Commands[C], places: Places) -> Outcomes:
        outcomes = Outcomes(len(commands))
        try:
            self._run_all(commands, places, outcomes)
        except Exception as error:
            for number in self._by_partition(commands, places):
                self._partitions.pop(number, None)  # What it left behind is not known: it is loaded again.
            if len(places) == 1:
                outcomes.single[int(places[0])] = Failed(error)
                return outcomes
            half = len(places) // 2
            outcomes = self._run(commands, places[:half])
            outcomes.add(self._run(commands, places[half:]))
        return outcomes

    def _run_all(self, commands: Commands[C], places: Places, outcomes: Outcomes) -> None:
        self.latest_times = GroupTimes(0.0, 0.0)
        keys = commands.keys(self._keys)
        waiting = self._by_partition(commands, places)
        for attempt in range(CONFLICT_TRIES_MAX):
            try:
                with self._turn(attempt, waiting):
                    self._try_once(commands, keys, waiting, outcomes)
            except EventStoreError as error:
                for left in waiting.values():
                    _fail(left, error, outcomes)
                waiting.clear()
            if not waiting:
                return
        for left in waiting.values():
            _fail(left, _conflict(), outcomes)

    @contextmanager
    def _turn(self, attempt: int, partitions: Iterable[int]) -> Iterator[None]:
        """Wait before trying again, a random time so that writers do not march in step; then come up to date and try
        while the others wait, where the engine can make them.
        """
        if attempt == 0:
            yield
            return
        time.sleep(random.uniform(0, min(CONFLICT_PAUSE_MS_MAX, 2**attempt)) / 1_000)  # noqa: S311 - not a secret.
        with self._engine.write_lock():
            for number in partitions:
                self._caught_up(number)
            yield

    def _try_once(self, commands: Commands[C], keys: Keys, waiting: dict[int, Places], outcomes: Outcomes) -> None:
        """Decide and append everything that waits; leave in `waiting` only what lost its place to another writer."""
        started = time.perf_counter()
        begun: list[Group[S, C]] = []
        groups: list[tuple[Group[S, C], StoredBatch]] = []
        try:
            for number, places in list(waiting.items()):
                try:
                    group = self._begin_group(self._partition(number))
                    begun.append(group)
                    is_behind = partial(self._is_behind, number)
                    is_sound = group.take(commands, places, keys[places], outcomes.single, is_behind)
                except EventStoreError as error:
                    _fail(places, error, outcomes)
                    del waiting[number]
                    continue
                if is_sound and len(group):
                    groups.append((group, group.seal()))
                elif is_sound:
                    del waiting[number]
            self._append_each(groups, waiting, outcomes, started)
        finally:
            for group in begun:  # What did not become durable is undone.
                group.drop()

    def _append_each(
        self,
        groups: Sequence[tuple[Group[S, C], StoredBatch]],
        waiting: dict[int, Places],
        outcomes: Outcomes,
        started: float,
    ) -> None:
        decided = time.perf_counter()
        written = append_each(self._engine, [batch for _, batch in groups]) if groups else []
        deciding, writing = self.latest_times
        self.latest_times = GroupTimes(deciding + decided - started, writing + time.perf_counter() - decided)
        for (group, batch), outcome in zip(groups, written, strict=True):
            number = group.partition.number
            if outcome is None:
                outcomes.durable.append(group.publish(batch))
                del waiting[number]
            elif isinstance(outcome, EventStoreError):
                _fail(group.places, outcome, outcomes)
                del waiting[number]
                del self._partitions[number]  # What is durable now is not known: it is loaded again.
            else:
                waiting[number] = group.places

    def _begin_group(self, partition: PartitionState[S, C]) -> Group[S, C]:
        return Group(
            partition,
            codec=self._codec,
            asks_the_same=self._decider.asks_the_same,
            clock_now=self.clock.timestamp(partition=partition.number, newest=partition.last_timestamp),
            first_result=partial(self._first_result, partition.number),
        )

    def _first_result(self, partition: int, seq: int, commands: Commands[C], place: int) -> Committed | None:
        """Return the stored result of a command that was executed before, or None when it is not in that batch."""
        actor = commands.origin(place).actor
        identity = identity_of(commands.aggregate_id(place), actor, commands.command_id(place))
        commit = self._first_results.find(identity, partition=partition, seq=seq)
        return None if commit is None else Committed.before(commit)

    def _partition(self, number: int) -> PartitionState[S, C]:
        found = self._partitions.get(number)
        return self._caught_up(number) if found is None else found

    def _caught_up(self, number: int) -> PartitionState[S, C]:
        """Return a partition as of its head; an alarm counts if it is raised again with nothing held in memory."""
        return confirmed(
            lambda: self._moved_on(number, self._partitions.get(number)), lambda: self._moved_on(number, None)
        )

    def _moved_on(self, number: int, held: PartitionState[S, C] | None) -> PartitionState[S, C]:
        partition = held or self._at_page_position(number)
        self._move_on(partition)
        self._partitions[number] = partition
        return partition

    def _at_page_position(self, number: int) -> PartitionState[S, C]:
        """Return a partition as of the end of its pages; its aggregates are loaded when they are asked for."""
        seq = self._engine.page_position(partition=number)
        remembered = RememberedCommands()
        hash_, last_timestamp = genesis_hash(self._metadata.store_id, number), 0
        if seq:
            standing = self._reader.stored(partition=number, after_seq=seq - 1, previous_hash=None, limit=1)
            if not standing:
                raise IntegrityError(
                    "the pages go further than the journal, which was cut short or replaced: remove them while nothing "
                    "runs, and they are made again",
                    partition=number,
                    seq=seq,
                )
            hash_, last_timestamp = standing[0].hash, standing[0].last_timestamp
            loader = CommandLoader(engine=self._engine, reader=self._reader, store_id=self._metadata.store_id)
            loader.load(remembered, partition=number, through_seq=seq, latest=last_timestamp)
        return PartitionState(
            number=number,
            seq=seq,
            hash_=hash_,
            last_timestamp=last_timestamp,
            evolver=self._decider,
            machine=self._decider.machine(),
            pages=PageLoader(engine=self._engine, codec=self._codec, evolver=self._decider, partition=number),
            codec=self._codec,
            keys=self._keys,
            remembered=remembered,
        )

    def _is_behind(self, number: int) -> bool:
        return bool(self._engine.read(partition=number, after_seq=self._partition(number).seq, limit=1))

    def _move_on(self, partition: PartitionState[S, C]) -> None:
        """Apply every durable batch that the partition's state does not have yet."""
        for batch in self._reader.following(
            partition=partition.number, after_seq=partition.seq, previous_hash=partition.hash
        ):
            partition.apply(batch, self._reader.columns([batch]))

    def _by_partition(self, commands: Commands[C], places: Places) -> dict[int, Places]:
        """Return the places of the commands for each partition, in order."""
        ordered, ends = places_by_partition(commands.aggregate_ids, places, self._metadata.partition_count)
        bounds = pairwise([0, *ends.tolist()])
        return {number: ordered[start:end] for number, (start, end) in enumerate(bounds) if start < end}


def _fail(places: Places, error: Exception, outcomes: Outcomes) -> None:
    for place in places.tolist():
        outcomes.single.setdefault(place, Failed(error))


def _conflict() -> ConflictLimitReached:
    return ConflictLimitReached(
        f"other writers won {CONFLICT_TRIES_MAX} tries in a row, nothing was written: try again, "
        "or let one writer own the partition"
    )


def append_each(engine: Engine, batches: Sequence[StoredBatch]) -> list[AppendOutcome]:
    """Write batches, each on its own; return for each None, the batch that stands in its place, or its error."""
    outcomes: Sequence[AppendOutcome]
    try:
        outcomes = engine.append(batches)
    except EventStoreError as error:
        outcomes = [error] * len(batches)
    return [
        _settled(engine, batch) if isinstance(outcome, OutcomeUnknown) else outcome
        for batch, outcome in zip(batches, outcomes, strict=True)
    ]


def _settled(engine: Engine, batch: StoredBatch) -> AppendOutcome:
    """Find out what became of a batch whose write was not answered; write it again if nothing stands there."""
    outcome: AppendOutcome
    for _ in range(UNKNOWN_TRIES_MAX):
        try:
            standing = engine.read(partition=batch.partition, after_seq=batch.seq - 1, limit=1)
            outcome = standing[0] if standing else engine.append([batch])[0]
        except OutcomeUnknown:
            continue
        except StoreUnavailable as error:  # It could not be looked at: the write that was sent may stand there.
            return _unknown(batch, error)
        except EventStoreError as error:
            return error
        if isinstance(outcome, OutcomeUnknown):
            continue
        if isinstance(outcome, StoreUnavailable):
            return _unknown(batch, outcome)
        if isinstance(outcome, StoredBatch) and outcome.batch_id == batch.batch_id:
            return None
        return outcome
    return _unknown(batch)


def _unknown(batch: StoredBatch, reason: EventStoreError | None = None) -> OutcomeUnknown:
    found = "" if reason is None else f" ({reason})"
    return OutcomeUnknown(
        f"the storage did not say in {UNKNOWN_TRIES_MAX} tries whether partition {batch.partition}, seq {batch.seq} "
        f"was written{found}: ask again with the same command id"
    )
