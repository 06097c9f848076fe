"""Group commit: commands that arrive together are decided in order and become durable with one write.

`execute` answers a command only after its events are on disk. The conditional append decides who writes a seq: a group
that lost its place to another writer is decided again on top of what that writer wrote; a write whose answer was lost
is looked up by its batch id. Correct with any number of writers; one per partition only saves retries.

It is used from one thread and does not own queues, lanes or processes (that is the application's writer).
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from eventstore.engines.base import Engine
from eventstore.errors import ConflictLimitReached, EventStoreError, IntegrityError
from eventstore.idempotency.command_ids import key_function
from eventstore.idempotency.remembered import RememberedCommands
from eventstore.integrity.hashing import genesis_hash
from eventstore.reader import READ_BATCHES_AT_ONCE, Reader
from eventstore.record import StoredBatch, StoreMetadata, partition_of
from eventstore.serialization.codec import EventCodec
from eventstore.writer.decider import Decider
from eventstore.writer.durable import append_each, append_together
from eventstore.writer.first_results import FirstResults, identity_of
from eventstore.writer.group import Group
from eventstore.writer.limits import CONFLICT_PAUSE_MS_MAX, CONFLICT_TRIES_MAX
from eventstore.writer.loading import CommandLoader, PageLoader
from eventstore.writer.partition import PartitionState
from eventstore.writer.request import Committed, Failed, Outcome, Request

S = TypeVar("S")
C = TypeVar("C")


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
        clock: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._codec = codec
        self._reader = reader
        self._metadata = metadata
        self._decider = decider
        self._clock = clock
        self._key = key_function(metadata.store_id)
        self._first_results = FirstResults(reader=reader)
        self._partitions: dict[int, PartitionState[S]] = {}
        self.latest_times = GroupTimes(0.0, 0.0)

    def load(self, partition: int) -> int:
        """Bring a partition's state up to what is durable now; return its head's seq."""
        return self._caught_up(partition).seq

    def partition_of(self, aggregate_id: str) -> int:
        """Return the partition that an aggregate lives in."""
        return partition_of(aggregate_id, self._metadata.partition_count)

    def state(self, aggregate_id: str) -> tuple[S, int]:
        """Return an aggregate's durable state and version (0 when it has no events). Not to be changed by the
        caller.
        """
        number = partition_of(aggregate_id, self._metadata.partition_count)
        aggregate = self._caught_up(number).aggregate(aggregate_id)
        return aggregate.state, aggregate.version

    def execute(self, requests: Sequence[Request[C]]) -> list[Outcome]:
        """Decide commands in order and make their events durable; return one outcome per request, in order.

        Never raises for what a command holds: whatever goes wrong that nobody foresaw is narrowed down by halves until
        the command that it comes from fails alone. What became durable before it went wrong is found by the ids.
        """
        try:
            return self._execute(requests)
        except Exception as error:
            for number in self._by_partition(requests):
                self._partitions.pop(number, None)  # What it left behind is not known: it is loaded again.
            if len(requests) == 1:
                return [Failed(error)]
            half = len(requests) // 2
            return self.execute(requests[:half]) + self.execute(requests[half:])

    def _execute(self, requests: Sequence[Request[C]]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        self.latest_times = GroupTimes(0.0, 0.0)
        waiting = self._by_partition(requests)
        for attempt in range(CONFLICT_TRIES_MAX):
            try:
                with self._turn(attempt, waiting):
                    self._try_once(requests, waiting, outcomes)
            except EventStoreError as error:
                self._fail([index for indexes in waiting.values() for index in indexes], error, outcomes)
                waiting.clear()
            if not waiting:
                break
        self._fail([index for indexes in waiting.values() for index in indexes], _conflict(), outcomes)
        return [outcomes[index] for index in range(len(requests))]

    def execute_together(self, requests: Sequence[Request[C]]) -> list[Committed]:
        """Decide commands in order and make all of their events durable or none, whatever partitions they touch.

        Raises the first command's error that there is, ConflictLimitReached, OutcomeUnknown or StoreUnavailable.
        """
        partitions = self._by_partition(requests)
        for attempt in range(CONFLICT_TRIES_MAX):
            with self._turn(attempt, partitions):
                committed = self._try_together(requests)
            if committed is not None:
                return committed
        raise _conflict()

    @contextmanager
    def _turn(self, attempt: int, partitions: Iterable[int]) -> Iterator[None]:
        """Wait before trying again, a random time so that writers do not march in step; then come up to date and try
        while the others wait, where the engine can make them.
        """
        if attempt == 0:
            yield
            return
        time.sleep(random.uniform(0, min(CONFLICT_PAUSE_MS_MAX, 2**attempt)) / 1_000)  # noqa: S311 - not a secret.
        with self._engine.turn():
            for number in partitions:
                self._caught_up(number)
            yield

    def _try_together(self, requests: Sequence[Request[C]]) -> list[Committed] | None:
        """Decide and append everything; None when another writer took a place."""
        outcomes: dict[int, Outcome] = {}
        with ExitStack() as undoing:
            groups: list[Group[S, C]] = []
            for number, indexes in self._by_partition(requests).items():
                group = undoing.enter_context(self._group(self._partition(number)))
                is_sound = group.take(indexes, requests, outcomes, partial(self._is_behind, number))
                failed = next((outcome for outcome in outcomes.values() if isinstance(outcome, Failed)), None)
                if failed is not None:
                    raise failed.error
                if not is_sound:
                    return None
                groups += [group] if len(group) else []
            return self._append_together(groups, outcomes)

    def _append_together(self, groups: Sequence[Group[S, C]], outcomes: dict[int, Outcome]) -> list[Committed] | None:
        batches = [group.seal() for group in groups]
        try:
            are_durable = not batches or append_together(self._engine, batches)
        except EventStoreError:
            for group in groups:
                del self._partitions[group.partition.number]
            raise
        if not are_durable:
            return None
        for group, batch in zip(groups, batches, strict=True):
            outcomes.update(group.publish(batch))
        return [outcome for _, outcome in sorted(outcomes.items()) if isinstance(outcome, Committed)]

    def _try_once(
        self, requests: Sequence[Request[C]], waiting: dict[int, list[int]], outcomes: dict[int, Outcome]
    ) -> None:
        """Decide and append everything that waits; leave in `waiting` only what lost its place to another writer."""
        started = time.perf_counter()
        with ExitStack() as undoing:
            groups: list[tuple[Group[S, C], StoredBatch]] = []
            for number, indexes in list(waiting.items()):
                try:
                    group = undoing.enter_context(self._group(self._partition(number)))
                    is_sound = group.take(indexes, requests, outcomes, partial(self._is_behind, number))
                except EventStoreError as error:
                    self._fail(indexes, error, outcomes)
                    del waiting[number]
                    continue
                if is_sound and len(group):
                    groups.append((group, group.seal()))
                elif is_sound:
                    del waiting[number]
            self._append_each(groups, waiting, outcomes, started)

    def _append_each(
        self,
        groups: Sequence[tuple[Group[S, C], StoredBatch]],
        waiting: dict[int, list[int]],
        outcomes: dict[int, Outcome],
        started: float,
    ) -> None:
        decided = time.perf_counter()
        written = append_each(self._engine, [batch for _, batch in groups]) if groups else []
        deciding, writing = self.latest_times
        self.latest_times = GroupTimes(deciding + decided - started, writing + time.perf_counter() - decided)
        for (group, batch), outcome in zip(groups, written, strict=True):
            number = group.partition.number
            if outcome is None:
                outcomes.update(group.publish(batch))
                del waiting[number]
            elif isinstance(outcome, EventStoreError):
                self._fail(group.indexes, outcome, outcomes)
                del waiting[number]
                del self._partitions[number]  # What is durable now is not known: it is loaded again.
            else:
                waiting[number] = group.indexes

    @contextmanager
    def _group(self, partition: PartitionState[S]) -> Iterator[Group[S, C]]:
        """Begin a group, and undo what it decided if that did not become durable in the block."""
        group = Group(
            partition,
            codec=self._codec,
            decider=self._decider,
            clock_now=self._clock(),
            first_result=partial(self._first_result, partition.number),
        )
        try:
            yield group
        finally:
            group.drop()

    def _first_result(self, partition: int, seq: int, request: Request[C]) -> Committed | None:
        """Return the stored result of a command that was executed before, or None when it is not in that batch."""
        identity = identity_of(request.aggregate_id, request.actor, request.command_id)
        commit = self._first_results.find(identity, partition=partition, seq=seq)
        return None if commit is None else Committed.before(commit)

    def _partition(self, number: int) -> PartitionState[S]:
        found = self._partitions.get(number)
        return self._caught_up(number) if found is None else found

    def _caught_up(self, number: int) -> PartitionState[S]:
        partition = self._partitions.get(number) or self._at_page_position(number)
        self._move_on(partition)
        self._partitions[number] = partition
        return partition

    def _at_page_position(self, number: int) -> PartitionState[S]:
        """Return a partition as of the end of its pages; its aggregates are loaded when they are asked for."""
        seq = self._engine.page_position(partition=number)
        remembered = RememberedCommands()
        hash_, last_timestamp = genesis_hash(self._metadata.store_id, number), 0
        if seq:
            standing = self._reader.stored(partition=number, after_seq=seq - 1, previous_hash=None, limit=1)
            if not standing:
                raise IntegrityError(
                    "the pages go further than the journal: drop them and make them again (manage.py rebuild_pages)",
                    partition=number,
                    seq=seq,
                )
            hash_, last_timestamp = standing[0].hash, standing[0].last_timestamp
            loader = CommandLoader(
                engine=self._engine, reader=self._reader, codec=self._codec, store_id=self._metadata.store_id
            )
            loader.load(remembered, partition=number, through_seq=seq, latest=last_timestamp)
        return PartitionState(
            number=number,
            seq=seq,
            hash_=hash_,
            last_timestamp=last_timestamp,
            decider=self._decider,
            pages=PageLoader(engine=self._engine, codec=self._codec, decider=self._decider) if seq else None,
            key=self._key,
            remembered=remembered,
        )

    def _is_behind(self, number: int) -> bool:
        return bool(self._engine.read(partition=number, after_seq=self._partition(number).seq, limit=1))

    def _move_on(self, partition: PartitionState[S]) -> None:
        """Apply every durable batch that the partition's state does not have yet."""
        while batches := self._reader.batches(
            partition=partition.number,
            after_seq=partition.seq,
            limit=READ_BATCHES_AT_ONCE,
            with_event_ids=False,
            previous_hash=partition.hash,
        ):
            for batch in batches:
                partition.apply(batch)

    def _by_partition(self, requests: Sequence[Request[C]]) -> dict[int, list[int]]:
        """Return the indexes of the requests for each partition."""
        count = self._metadata.partition_count
        indexes: dict[int, list[int]] = defaultdict(list)
        for index, request in enumerate(requests):
            indexes[partition_of(request.aggregate_id, count)].append(index)
        return indexes

    @staticmethod
    def _fail(indexes: Sequence[int], error: Exception, outcomes: dict[int, Outcome]) -> None:
        for index in indexes:
            outcomes.setdefault(index, Failed(error))


def _conflict() -> ConflictLimitReached:
    return ConflictLimitReached(
        f"other writers won {CONFLICT_TRIES_MAX} tries in a row, nothing was written: try again, "
        "or let one writer own the partition"
    )
