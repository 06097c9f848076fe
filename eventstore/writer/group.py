"""One group of commands for one partition: decided one after another, on forks, and sealed into one batch.

Nothing of it is durable before the batch is; then `publish` moves the partition on. If another writer took the place,
`drop` undoes the group, and it is decided again.

This is where a platform spends its time. So a command leaves no records behind, only its header's values, its events,
and its place among them; and one loop takes them all.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from eventstore.errors import WrongExpectedVersion
from eventstore.record import StoredBatch
from eventstore.serialization.codec import EventCodec
from eventstore.writer.batch import hash_events, seal
from eventstore.writer.decider import Decider
from eventstore.writer.loading import Aggregate
from eventstore.writer.partition import PartitionState
from eventstore.writer.remembered import Place, RememberedCommands, place_of
from eventstore.writer.request import Committed, Failed, Outcome, Request

S = TypeVar("S")
C = TypeVar("C")

FindFirstResult = Callable[[Place, Request[C]], Committed | None]


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
        self._committed: list[Committed] = []
        self._working: dict[str, Aggregate[S]] = {}
        self._before: list[tuple[Aggregate[S], S, int]] = []
        self._new: list[str] = []
        self._grown: list[RememberedCommands] = []
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

        One that was executed before has its first result, one that cannot be decided fails alone: both at once. False
        when one could not be decided and others have moved on from the state that it was decided on.
        """
        decide, evolve = self._decider.decide, self._decider.evolve_noted
        headers, events_of, taken = self._headers, self._events, self._indexes
        notes, working, now, seq = self._notes, self._working, self.now, self.seq
        for index in indexes:
            request = requests[index]
            aggregate_id, command_id = request.aggregate_id, request.command_id
            try:
                aggregate = working.get(aggregate_id) or self._work_on(aggregate_id)
                hashed, remembered = hash(command_id), aggregate.remembered
                if hashed in remembered and self._is_known(index, request, remembered[hashed], outcomes):
                    continue
                version, state = aggregate.version, aggregate.state
                if request.expected_version is not None:
                    _expect(request, version)
                events = tuple(decide(state, request.command, now))
            except Exception as error:  # One command that cannot be decided must not stop the others.
                if is_behind():
                    return False
                outcomes[index] = Failed(error)
                continue
            assert events, "a decision is at least one event"
            for event in events:
                state = evolve(state, event, notes)
            aggregate.state, aggregate.version = state, version + len(events)
            remembered[hashed] = seq
            if len(remembered) >= remembered.look_at:
                self._grown.append(remembered)
            if version == 0:
                self._new.append(aggregate_id)
            headers.append(request.header(version + 1, now))
            events_of.append(events)
            taken.append(index)
        return True

    def seal(self) -> StoredBatch:
        """Return the batch to append: the next seq of the partition, linked to its head."""
        headers, events = self._headers, self._events
        leaves = hash_events(headers, events, self._codec)
        if len(leaves) == len(headers):
            self._committed = list(map(Committed, headers, events, zip(leaves, strict=True)))
        else:
            stream = iter(leaves)
            self._committed = list(map(Committed, headers, events, [tuple(islice(stream, len(of))) for of in events]))
        return seal(
            headers,
            events,
            leaves=leaves,
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
        for remembered in self._grown:
            remembered.forget(through_seq=partition.forgettable_seq)
        partition.move_on(seq=self.seq, hash_=batch.hash, last_timestamp=batch.last_timestamp)
        outcomes = list(zip(self._indexes, self._committed, strict=True))
        for index, position in self._repeated:
            first = self._committed[position]
            outcomes.append((index, Committed(first.header, first.events, first.leaves, True)))
        return outcomes

    def drop(self) -> None:
        """Leave the partition's aggregates as they were before this group; nothing is left to do after `publish`."""
        if not self._before:
            return
        self._decider.undo(self._notes)
        for aggregate_id, _, _, command_id, *_ in self._headers:
            del self._working[aggregate_id].remembered[hash(command_id)]
        for aggregate, state, version in self._before:
            aggregate.state, aggregate.version = state, version
        self._before.clear()

    def _work_on(self, aggregate_id: str) -> Aggregate[S]:
        aggregate = self._working[aggregate_id] = self.partition.aggregate(aggregate_id)
        self._before.append((aggregate, aggregate.state, aggregate.version))
        aggregate.state = self._decider.fork(aggregate.state)
        return aggregate

    def _is_known(self, index: int, request: Request[C], at: int, outcomes: dict[int, Outcome]) -> bool:
        """Tell whether a command whose hash is remembered was taken before, and see to its outcome then."""
        if at == self.seq:
            identity = (request.aggregate_id, request.command_id)
            position = next((n for n, of in enumerate(self._headers) if (of[0], of[3]) == identity), None)
            if position is not None:
                self._repeated.append((index, position))
            return position is not None
        known = self._first_result(place_of(at), request)
        if known is not None:
            outcomes[index] = known
        return known is not None


def _expect(request: Request[Any], version: int) -> None:
    if request.expected_version != version:
        expected = request.expected_version or 0
        raise WrongExpectedVersion(aggregate_id=request.aggregate_id, expected=expected, actual=version)
