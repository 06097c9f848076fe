"""One group of commands for one partition: decided one after another, on copies, and sealed into one batch.

Nothing here is visible to anybody until the batch is durable; then `publish` moves the partition on. If another writer
took the place, the group is dropped and decided again.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from eventstore.errors import WrongExpectedVersion
from eventstore.record import Commit, StoredBatch
from eventstore.serialization.codec import EventCodec
from eventstore.serialization.columns import EncodedCommit
from eventstore.writer.batch import seal
from eventstore.writer.decider import Decider
from eventstore.writer.loading import Aggregate
from eventstore.writer.partition import PartitionState
from eventstore.writer.remembered import RememberedCommands
from eventstore.writer.request import Committed, Request

S = TypeVar("S")
C = TypeVar("C")


class Group(Generic[S, C]):
    """The pending commits of one partition. `entries` maps each request's index to the position of its commit."""

    def __init__(self, partition: PartitionState[S], *, codec: EventCodec, decider: Decider[S, C]) -> None:
        self.partition = partition
        self.entries: list[tuple[int, int]] = []
        self._codec = codec
        self._decider = decider
        self._working: dict[str, Aggregate[S]] = {}
        self._commits: list[Commit[Any]] = []
        self._encoded: list[EncodedCommit] = []
        self._remembered: list[tuple[RememberedCommands, bytes]] = []
        self._positions: dict[tuple[str, str], int] = {}
        self._last_timestamp = partition.last_timestamp
        self._leaves: list[bytes] = []

    def __len__(self) -> int:
        return len(self._commits)

    def joins_pending(self, index: int, request: Request[C]) -> bool:
        """Tell whether this group holds the same command already; if so the request shares its outcome."""
        position = self._positions.get((request.aggregate_id, request.command_id))
        if position is None:
            return False
        self.entries.append((index, position))
        return True

    def add(self, index: int, request: Request[C], hashed: bytes, clock_now: int) -> None:
        """Decide one command after all earlier ones of the group; raises what the decider raises."""
        aggregate = self._work_on(request.aggregate_id)
        if request.expected_version is not None and request.expected_version != aggregate.version:
            raise WrongExpectedVersion(
                aggregate_id=request.aggregate_id, expected=request.expected_version, actual=aggregate.version
            )
        now = max(clock_now, self._last_timestamp)
        events = tuple(self._decider.decide(aggregate.state, request.command, now))
        assert events, "a decision is at least one event"
        header = (
            request.aggregate_id,
            aggregate.version + 1,
            now,
            request.command_id,
            request.correlation_id,
            request.causation_id,
            request.actor,
            request.metadata,
        )
        self._encoded.append(self._codec.encode_commit(header, events))
        for event in events:
            aggregate.state = self._decider.evolve(aggregate.state, event)
        aggregate.version += len(events)
        self._last_timestamp = now
        self._positions[(request.aggregate_id, request.command_id)] = len(self._commits)
        self.entries.append((index, len(self._commits)))
        self._commits.append(Commit(*header, events))
        self._remembered.append((aggregate.remembered, hashed))

    def seal(self) -> StoredBatch:
        """Return the batch to append: the next seq of the partition, linked to its head."""
        batch, self._leaves = seal(
            self._commits,
            encoded=self._encoded,
            codec=self._codec,
            partition=self.partition.number,
            seq=self.partition.seq + 1,
            previous_hash=self.partition.hash,
            first_timestamp=self._commits[0].timestamp,
            last_timestamp=self._last_timestamp,
        )
        return batch

    def publish(self, batch: StoredBatch) -> Sequence[tuple[int, Committed]]:
        """Make the durable batch the partition's head; return each request's index with its outcome."""
        partition = self.partition
        partition.aggregates.update(self._working)
        for commit, (remembered, hashed) in zip(self._commits, self._remembered, strict=True):
            remembered.remember(hashed, version=commit.first_version, seq=batch.seq, timestamp=commit.timestamp)
        partition.seq = batch.seq
        partition.hash = batch.hash
        partition.last_timestamp = batch.last_timestamp
        return self._outcomes()

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
