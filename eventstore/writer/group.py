"""One group of commands for one partition: decided one after another, on forks, and sealed into one batch.

Nothing of it is durable before the batch is; then `publish` moves the partition on. If another writer took the place,
`drop` undoes the group, and it is decided again.

This is where a platform spends its time. So a command leaves no records behind, only its header's values, its events,
and its place among them; and one loop takes them all.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from eventstore.errors import CommandIdExpired, CommandIdReused, WrongExpectedVersion
from eventstore.idempotency.command_ids import is_expired
from eventstore.record import StoredBatch
from eventstore.serialization.codec import EventCodec
from eventstore.writer.batch import hash_commit, seal
from eventstore.writer.decider import Decider
from eventstore.writer.first_results import identity_of
from eventstore.writer.loading import Aggregate
from eventstore.writer.partition import PartitionState
from eventstore.writer.request import Committed, Failed, Outcome, Request

S = TypeVar("S")
C = TypeVar("C")

FindFirstResult = Callable[[int, Request[C]], Committed | None]
"""From the seq of a batch and a request to the result that the request had there before."""


class Group(Generic[S, C]):
    """The pending commits of one partition, all at one instant: the clock's, or the partition's if that is later."""

    def __init__(
        self,
        partition: PartitionState[S],
        *,
        codec: EventCodec,
        decider: Decider[S, C],
        clock_now: int,
        first_result: FindFirstResult[C],
    ) -> None:
        """`first_result` reads the result of a command that was executed before from where it may be."""
        self.partition = partition
        self.now = max(clock_now, partition.last_timestamp)
        self.seq = partition.seq + 1
        self._codec = codec
        self._decider = decider
        self._first_result = first_result
        self._headers: list[tuple[Any, ...]] = []
        self._events: list[tuple[Any, ...]] = []
        self._indexes: list[int] = []
        self._repeated: list[tuple[int, int]] = []
        self._leaves: list[tuple[bytes, ...]] = []
        self._keys: list[int] = []
        self._working: dict[str, Aggregate[S]] = {}
        self._before: list[tuple[Aggregate[S], S, int]] = []
        self._new: list[str] = []
        self._notes: list[Any] = []

    def __len__(self) -> int:
        return len(self._headers)

    @property
    def indexes(self) -> list[int]:
        """The indexes of all requests whose events are pending, in order."""
        return sorted(self._indexes + [index for index, _ in self._repeated])

    def take(
        self,
        indexes: Iterable[int],
        requests: Sequence[Request[C]],
        outcomes: dict[int, Outcome],
        is_behind: Callable[[], bool],
    ) -> bool:
        """Take requests in, one after another; afterwards their events are pending.

        One that was executed before has its first result; one that cannot be decided, or whose events cannot be
        stored, fails alone: both at once. False when one failed and others have moved on from the state that it was
        decided on.
        """
        indexes = list(indexes)
        key, remembered = self.partition.key, self.partition.remembered
        keys = [key(of.aggregate_id, of.actor, of.command_id) for of in map(requests.__getitem__, indexes)]
        earlier = remembered.find(keys)
        evolve, remember = self._decider.evolve_noted, remembered.remember
        notes, working, seq = self._notes, self._working, self.seq
        for place, index in enumerate(indexes):
            request, at = requests[index], keys[place]
            aggregate_id = request.aggregate_id
            try:
                seqs = (*earlier.get(place, ()), *remembered.find_recent(at))
                if seqs and self._is_known(index, request, seqs, outcomes):
                    continue
                aggregate = working.get(aggregate_id) or self._work_on(aggregate_id)
                version, state = aggregate.version, aggregate.state
                header, events, leaves = self._decided(request, version, state)
            except Exception as error:  # One command that cannot be decided must not stop the others.
                if is_behind():
                    return False
                outcomes[index] = Failed(error)
                continue
            for event in events:
                state = evolve(state, event, notes)
            aggregate.state, aggregate.version = state, version + len(events)
            remember(at, seq=seq)
            if version == 0:
                self._new.append(aggregate_id)
            self._headers.append(header)
            self._events.append(events)
            self._leaves.append(leaves)
            self._keys.append(at)
            self._indexes.append(index)
        return True

    def seal(self) -> StoredBatch:
        """Return the batch to append: the next seq of the partition, linked to its head."""
        return seal(
            self._headers,
            self._events,
            leaves=[leaf for of_commit in self._leaves for leaf in of_commit],
            codec=self._codec,
            partition=self.partition.number,
            seq=self.seq,
            previous_hash=self.partition.hash,
        )

    def publish(self, batch: StoredBatch) -> list[tuple[int, Committed]]:
        """Make the durable batch the partition's head; return each request's index with its outcome."""
        partition = self.partition
        self._notes.clear()
        self._before.clear()
        for aggregate_id in self._new:
            partition.aggregates[aggregate_id] = self._working[aggregate_id]
        partition.move_on(seq=self.seq, hash_=batch.hash, last_timestamp=batch.last_timestamp)
        committed = list(map(Committed, self._headers, self._events, self._leaves))
        outcomes = list(zip(self._indexes, committed, strict=True))
        for index, position in self._repeated:
            first = committed[position]
            outcomes.append((index, Committed(first.header, first.events, first.leaves, True)))
        return outcomes

    def drop(self) -> None:
        """Leave the partition's aggregates as they were before this group; nothing is left to do after `publish`."""
        if not self._before:
            return
        self._decider.undo(self._notes)
        for key in self._keys:
            self.partition.remembered.forget(key, seq=self.seq)
        for aggregate, state, version in self._before:
            aggregate.state, aggregate.version = state, version
        self._before.clear()

    def _decided(
        self, request: Request[C], version: int, state: S
    ) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[bytes, ...]]:
        """Return a new command's header, its events, and their hashes, which are over the bytes that can be stored."""
        if request.expected_version is not None and request.expected_version != version:
            expected = request.expected_version
            raise WrongExpectedVersion(aggregate_id=request.aggregate_id, expected=expected, actual=version)
        if is_expired(request.command_id, complete_since=self.partition.remembered.complete_since, now=self.now):
            raise CommandIdExpired(request.command_id)
        events = tuple(self._decider.decide(state, request.command, self.now))
        assert events, "a decision is at least one event"
        header = request.header(version + 1, self.now)
        return header, events, hash_commit(header, events, self._codec)

    def _work_on(self, aggregate_id: str) -> Aggregate[S]:
        aggregate = self._working[aggregate_id] = self.partition.aggregate(aggregate_id)
        self._before.append((aggregate, aggregate.state, aggregate.version))
        aggregate.state = self._decider.fork(aggregate.state)
        return aggregate

    def _is_known(self, index: int, request: Request[C], seqs: Iterable[int], outcomes: dict[int, Outcome]) -> bool:
        """Tell whether a command is one of those that share its key, and see to its outcome then.

        Raises CommandIdReused when its id was spent on something else.
        """
        for seq in seqs:
            if seq == self.seq:
                position = self._position(request)
                if position is not None:
                    self._check_repeats(request, self._events[position])
                    self._repeated.append((index, position))
                    return True
                continue
            first = self._first_result(seq, request)
            if first is not None:
                self._check_repeats(request, first.events)
                outcomes[index] = first
                return True
        return False

    def _position(self, request: Request[C]) -> int | None:
        """Return where in this group a command stands already."""
        identity = identity_of(request.aggregate_id, request.actor, request.command_id)
        return next((n for n, of in enumerate(self._headers) if identity_of(of[0], of[6], of[3]) == identity), None)

    def _check_repeats(self, request: Request[C], events: Sequence[Any]) -> None:
        if not self._decider.asks_the_same(request.command, events):
            raise CommandIdReused(request.command_id)
