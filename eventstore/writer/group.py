"""One group of commands for one partition: decided one after another, on copies, and sealed into one batch.

Nothing here is visible to anybody until the batch is durable; then `publish` moves the partition on. If another writer
took the place, the group is dropped and decided again.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from eventstore.errors import WrongExpectedVersion
from eventstore.integrity.hashing import leaf_hash
from eventstore.record import Commit, StoredBatch
from eventstore.serialization.codec import EventCodec
from eventstore.writer.batch import seal
from eventstore.writer.decider import Decider
from eventstore.writer.loading import Aggregate
from eventstore.writer.partition import PartitionState
from eventstore.writer.remembered import Place, RememberedCommands, command_hash
from eventstore.writer.request import Committed, Outcome, Request

S = TypeVar("S")
C = TypeVar("C")

FindFirstResult = Callable[[Place, Request[C]], Committed | None]


class Group(Generic[S, C]):
    """The pending commits of one partition. `entries` maps each request's index to the position of its commit."""

    def __init__(self, partition: PartitionState[S], *, codec: EventCodec, decider: Decider[S, C]) -> None:
        self.partition = partition
        self.entries: list[tuple[int, int]] = []
        self._codec = codec
        self._decider = decider
        self._working: dict[str, Aggregate[S]] = {}
        self._commits: list[Commit[Any]] = []
        self._leaves: list[bytes] = []
        self._remembered: list[tuple[RememberedCommands, bytes]] = []
        self._positions: dict[tuple[str, str], int] = {}
        self._last_timestamp = partition.last_timestamp

    def __len__(self) -> int:
        return len(self._commits)

    def take(
        self, index: int, request: Request[C], *, clock: Callable[[], int], first_result: FindFirstResult[C]
    ) -> Outcome | None:
        """Take one command in, after all earlier ones of the group: None when its events are pending now.

        A command that this group holds already shares its outcome; one that was executed before has its first result,
        which `first_result` reads from where it may be. Raises what the decider raises.
        """
        identity = (request.aggregate_id, request.command_id)
        position = self._positions.get(identity)
        if position is not None:
            self.entries.append((index, position))
            return None
        aggregate = self._working.get(request.aggregate_id) or self._work_on(request.aggregate_id)
        hashed = command_hash(request.command_id)
        place = aggregate.remembered.find(hashed)
        known = None if place is None else first_result(place, request)
        if known is not None:
            return known
        position = len(self._commits)
        self._decide(aggregate, request, clock())
        self._remembered.append((aggregate.remembered, hashed))
        self._positions[identity] = position
        self.entries.append((index, position))
        return None

    def seal(self) -> StoredBatch:
        """Return the batch to append: the next seq of the partition, linked to its head."""
        return seal(
            self._commits,
            leaves=self._leaves,
            codec=self._codec,
            partition=self.partition.number,
            seq=self.partition.seq + 1,
            previous_hash=self.partition.hash,
        )

    def publish(self, batch: StoredBatch) -> Sequence[tuple[int, Committed]]:
        """Make the durable batch the partition's head; return each request's index with its outcome."""
        partition = self.partition
        partition.aggregates.update(self._working)
        seq = batch.seq
        for commit, (remembered, hashed) in zip(self._commits, self._remembered, strict=True):
            remembered.remember(hashed, version=commit.first_version, seq=seq, timestamp=commit.timestamp)
        partition.seq = seq
        partition.hash = batch.hash
        partition.last_timestamp = batch.last_timestamp
        return self._outcomes()

    def _decide(self, aggregate: Aggregate[S], request: Request[C], clock_now: int) -> None:
        version = aggregate.version
        if request.expected_version is not None and request.expected_version != version:
            raise WrongExpectedVersion(
                aggregate_id=request.aggregate_id, expected=request.expected_version, actual=version
            )
        now = max(clock_now, self._last_timestamp)
        decider = self._decider
        events = tuple(decider.decide(aggregate.state, request.command, now))
        assert events, "a decision is at least one event"
        header = (
            request.aggregate_id,
            version + 1,
            now,
            request.command_id,
            request.correlation_id,
            request.causation_id,
            request.actor,
            request.metadata,
        )
        encode = self._codec.encode_value
        encoded = encode(header)
        leaves = [leaf_hash(encoded, place, encode(event)) for place, event in enumerate(events)]
        for event in events:
            aggregate.state = decider.evolve(aggregate.state, event)
        aggregate.version = version + len(events)
        self._last_timestamp = now
        self._leaves += leaves
        self._commits.append(Commit(*header, events))

    def _work_on(self, aggregate_id: str) -> Aggregate[S]:
        worked = self._working.get(aggregate_id)
        if worked is None:
            durable = self.partition.aggregate(aggregate_id)
            worked = Aggregate(self._decider.copy(durable.state), durable.version, durable.remembered)
            self._working[aggregate_id] = worked
        return worked

    def _outcomes(self) -> list[tuple[int, Committed]]:
        leaves = self._leaves
        if len(leaves) == len(self._commits):
            committed = [Committed(commit, (leaf,)) for commit, leaf in zip(self._commits, leaves, strict=True)]
        else:
            stream = iter(leaves)
            committed = [Committed(commit, tuple(islice(stream, len(commit.events)))) for commit in self._commits]
        if len(self.entries) == len(committed):
            return [(index, committed[position]) for index, position in self.entries]
        seen: set[int] = set()
        outcomes: list[tuple[int, Committed]] = []
        for index, position in self.entries:
            outcome = committed[position]
            if position in seen:
                outcome = Committed(commit=outcome.commit, leaves=outcome.leaves, is_duplicate=True)
            seen.add(position)
            outcomes.append((index, outcome))
        return outcomes
