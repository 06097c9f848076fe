"""What a writer holds of one partition: the head of its chain and the state of its aggregates, durable events only."""

from typing import Any, Generic, TypeVar

from eventstore.errors import IntegrityError
from eventstore.record import Batch
from eventstore.writer.decider import Decider
from eventstore.writer.remembered import RememberedCommands, command_hash

S = TypeVar("S")


class Aggregate(Generic[S]):
    """The state of one aggregate at a version, and the commands that led there."""

    __slots__ = ("remembered", "state", "version")

    def __init__(self, state: S, version: int, remembered: RememberedCommands) -> None:
        self.state = state
        self.version = version
        self.remembered = remembered


class PartitionState(Generic[S]):
    """One partition as of its batch `seq`."""

    def __init__(self, *, number: int, genesis: bytes, decider: Decider[S, Any]) -> None:
        self.number = number
        self.seq = 0
        self.hash = genesis
        self.last_timestamp = 0
        self.aggregates: dict[str, Aggregate[S]] = {}
        self._decider = decider

    def aggregate(self, aggregate_id: str) -> Aggregate[S]:
        """Return an aggregate, a new one at version 0 when it has no events; a new one is not kept."""
        found = self.aggregates.get(aggregate_id)
        if found is None:
            return Aggregate(self._decider.initial(aggregate_id), 0, RememberedCommands())
        return found

    def apply(self, batch: Batch) -> None:
        """Move on by one verified batch; raises IntegrityError when an aggregate's versions do not run on."""
        evolve = self._decider.evolve
        for commit in batch.commits:
            aggregate = self.aggregates.get(commit.aggregate_id)
            if aggregate is None:
                aggregate = self.aggregates[commit.aggregate_id] = self.aggregate(commit.aggregate_id)
            if commit.first_version != aggregate.version + 1:
                raise IntegrityError(
                    f"the version should be {aggregate.version + 1}",
                    partition=self.number,
                    seq=batch.seq,
                    aggregate_id=commit.aggregate_id,
                    version=commit.first_version,
                )
            state = aggregate.state
            for event in commit.events:
                state = evolve(state, event)
            aggregate.state = state
            aggregate.version += len(commit.events)
            aggregate.remembered.remember(command_hash(commit.command_id), seq=batch.seq, timestamp=commit.timestamp)
        self.seq = batch.seq
        self.hash = batch.hash
        self.last_timestamp = batch.last_timestamp
