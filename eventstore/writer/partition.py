"""What a writer holds of one partition: the head of its chain and the state of its aggregates, durable events only.

An aggregate is loaded when it is first asked for: its last page, then what the tail of the journal holds of it. So a
writer starts as fast as it reads the tail, however long the history is.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from eventstore.errors import IntegrityError
from eventstore.idempotency.remembered import RememberedCommands
from eventstore.record import Batch, Commit
from eventstore.writer.decider import Decider
from eventstore.writer.loading import Aggregate, PageLoader

S = TypeVar("S")


class _TailCommit(NamedTuple):
    commit: Commit[Any]
    seq: int


class PartitionState(Generic[S]):
    """One partition as of its batch `seq`; begins at the end of its pages."""

    def __init__(
        self,
        *,
        number: int,
        seq: int,
        hash_: bytes,
        last_timestamp: int,
        decider: Decider[S, Any],
        pages: PageLoader[S] | None,
        key: Callable[[str, str, str], int],
        remembered: RememberedCommands,
    ) -> None:
        """`remembered` has the commands of the batches through `seq`; `key` makes keys as they are remembered by."""
        self.number = number
        self.seq = seq
        self.hash = hash_
        self.last_timestamp = last_timestamp
        self.aggregates: dict[str, Aggregate[S]] = {}
        self.key = key
        self.remembered = remembered
        self._decider = decider
        self._pages = pages
        self._tail: dict[str, list[_TailCommit]] = defaultdict(list)

    def aggregate(self, aggregate_id: str) -> Aggregate[S]:
        """Return an aggregate, a new one at version 0 when it has no events; a new one is not kept."""
        found = self.aggregates.get(aggregate_id)
        if found is not None:
            return found
        found = self._pages.load(aggregate_id) if self._pages is not None else None
        tail = self._tail.get(aggregate_id, ())
        if found is None:
            found = Aggregate(self._decider.initial(aggregate_id), 0)
            if not tail:
                return found
        for commit, seq in tail:
            if commit.first_version > found.version:  # Pages may have been written since the tail was read.
                self._apply(found, commit, seq)
        self._tail.pop(aggregate_id, None)
        self.aggregates[aggregate_id] = found
        return found

    def apply(self, batch: Batch) -> None:
        """Move on by one verified batch; raises IntegrityError when an aggregate's versions do not run on."""
        for commit in batch.commits:
            self.remembered.remember(self.key(commit.aggregate_id, commit.actor, commit.command_id), seq=batch.seq)
            aggregate = self.aggregates.get(commit.aggregate_id)
            if aggregate is None:
                self._tail[commit.aggregate_id].append(_TailCommit(commit, batch.seq))
            else:
                self._apply(aggregate, commit, batch.seq)
        self.move_on(seq=batch.seq, hash_=batch.hash, last_timestamp=batch.last_timestamp)

    def move_on(self, *, seq: int, hash_: bytes, last_timestamp: int) -> None:
        """Make a durable batch the head; its commands are remembered already."""
        self.seq = seq
        self.hash = hash_
        self.last_timestamp = last_timestamp
        self.remembered.move_on(seq=seq, timestamp=last_timestamp)

    def _apply(self, aggregate: Aggregate[S], commit: Commit[Any], seq: int) -> None:
        if commit.first_version != aggregate.version + 1:
            raise IntegrityError(
                f"the version should be {aggregate.version + 1}",
                partition=self.number,
                seq=seq,
                aggregate_id=commit.aggregate_id,
                version=commit.first_version,
            )
        state = aggregate.state
        for event in commit.events:
            state = self._decider.evolve(state, event)
        aggregate.state = state
        aggregate.version = commit.last_version
