"""Reading by aggregate: its events by version, and its state at any version or instant.

Pages give everything up to the page position, the tail of the journal what came after. The cost of a state does not
grow with the length of the history: one page, at most 100 events, and what the tail holds of the aggregate.
"""

import threading
from collections.abc import Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

from eventstore.columns.codec import EventCodec
from eventstore.engines.base import Engine
from eventstore.errors import IntegrityError, InvalidRange, UnknownAggregate
from eventstore.pages.evolver import Evolver
from eventstore.pages.page import PageReader
from eventstore.pages.states import PageStates
from eventstore.pages.tail import Tail
from eventstore.reader import Reader
from eventstore.record import Commit, RecordedEvent, partition_of, recorded_events
from eventstore.second_reading import ALARMS, Source, say_unconfirmed

S = TypeVar("S")

PAGES_AT_ONCE: Final = 16


class StateAt(NamedTuple, Generic[S]):
    """An aggregate's state, the version it is of, and when (UTC microseconds) and by which commit it became so."""

    state: S
    version: int
    timestamp: int
    commit: Commit[Any] | None


class Streams:
    """The aggregates of one store. May be used from several threads."""

    def __init__(self, engine: Engine, codec: EventCodec, *, partition_count: int) -> None:
        self._source = Source(engine, codec)
        self._pages = PageReader(engine, codec)
        self._partition_count = partition_count
        reader = Reader(engine, codec)
        self._tails = [Tail(partition=number, engine=engine, reader=reader) for number in range(partition_count)]
        self._locks = [threading.Lock() for _ in range(partition_count)]

    def events(
        self, aggregate_id: str, *, from_version: int = 1, through_version: int | None = None
    ) -> Iterator[RecordedEvent]:
        """Yield an aggregate's events by version, both ends included.

        Raises UnknownAggregate when it has no events at all, InvalidRange for a range that is none.
        """
        if from_version < 1 or (through_version is not None and through_version < from_version):
            raise InvalidRange(
                f"versions begin with 1 and a range ends where it begins or later: found {from_version} to "
                f"{through_version}"
            )
        is_known = False
        for commit in self._commits(aggregate_id, after_version=from_version - 1):
            is_known = True
            for event in recorded_events(commit):
                if through_version is not None and event.version > through_version:
                    return
                if event.version >= from_version:
                    yield event
        if not is_known and not self._exists(aggregate_id):
            raise UnknownAggregate(aggregate_id)

    def state(
        self, evolver: Evolver[S], aggregate_id: str, *, version: int | None = None, timestamp: int | None = None
    ) -> StateAt[S]:
        """Return an aggregate's state at a version, at an instant (events at it included), or now.

        Raises UnknownAggregate when it had no events then, InvalidRange for a version that is not reached yet.
        """
        return self._source.read(
            lambda source: self._of(source)._state(evolver, aggregate_id, version=version, timestamp=timestamp)
        )

    def _of(self, source: Source) -> "Streams":
        if source is self._source:
            return self
        return Streams(source.engine, source.codec, partition_count=self._partition_count)

    def _state(
        self, evolver: Evolver[S], aggregate_id: str, *, version: int | None, timestamp: int | None
    ) -> StateAt[S]:
        tail = self._tail_commits(aggregate_id, with_event_ids=False)
        page = self._pages.last(aggregate_id, version=version, timestamp=timestamp)
        if page is None:
            found = StateAt(evolver.initial(aggregate_id), 0, 0, None)
            commits = tail
        else:
            found = StateAt(PageStates(evolver, self._pages).before(page), page.first_version - 1, 0, None)
            commits = page.commits() + [commit for commit in tail if commit.first_version > page.last_version]
        for commit in commits:
            if timestamp is not None and commit.timestamp > timestamp:
                break
            if version is not None and found.version >= version:
                break
            if commit.first_version != found.version + 1:
                raise self._out_of_order(aggregate_id, found.version, commit)
            found = _with_commit(evolver, found, commit, version)
        if found.version == 0 or (version is not None and version < 1):
            raise UnknownAggregate(aggregate_id)
        if version is not None and found.version < version:
            raise InvalidRange(f"aggregate {aggregate_id} is at version {found.version}, found {version}")
        return found

    def _commits(self, aggregate_id: str, *, after_version: int) -> Iterator[Commit[Any]]:
        """Yield commits that end past a version, in order and without a gap, event ids filled in."""
        try:
            for commit in self._commits_read_once(aggregate_id, after_version):
                yield commit
                after_version = commit.last_version
            return
        except ALARMS as error:
            alarm = error
        with self._source.second() as source:
            yield from self._of(source)._commits_read_once(aggregate_id, after_version)
        say_unconfirmed(alarm)

    def _commits_read_once(self, aggregate_id: str, after_version: int) -> Iterator[Commit[Any]]:
        version = after_version
        for commit in self._paged_then_tail(aggregate_id, after_version):
            if commit.first_version > version + 1:
                raise self._out_of_order(aggregate_id, version, commit)
            version = commit.last_version
            yield commit

    def _paged_then_tail(self, aggregate_id: str, after_version: int) -> Iterator[Commit[Any]]:
        tail = self._tail_commits(aggregate_id, with_event_ids=True)
        while pages := self._pages.after(aggregate_id, after_version=after_version, limit=PAGES_AT_ONCE):
            for page in pages:
                yield from [c for c in page.commits(with_event_ids=True) if c.last_version > after_version]
                after_version = page.last_version
        yield from [commit for commit in tail if commit.last_version > after_version]

    def _out_of_order(self, aggregate_id: str, version: int, commit: Commit[Any]) -> IntegrityError:
        return IntegrityError(
            f"the version should be {version + 1}",
            partition=partition_of(aggregate_id, self._partition_count),
            seq=None,
            aggregate_id=aggregate_id,
            version=commit.first_version,
        )

    def _tail_commits(self, aggregate_id: str, *, with_event_ids: bool) -> list[Commit[Any]]:
        """Return what the tail holds; read before any page, so that what becomes a page meanwhile is not missed."""
        partition = partition_of(aggregate_id, self._partition_count)
        with self._locks[partition]:
            tail = self._tails[partition]
            tail.follow()
            return tail.commits(aggregate_id, with_event_ids=with_event_ids)

    def _exists(self, aggregate_id: str) -> bool:
        return self._pages.last(aggregate_id) is not None or bool(
            self._tail_commits(aggregate_id, with_event_ids=False)
        )


def _with_commit(evolver: Evolver[S], at: StateAt[S], commit: Commit[Any], version: int | None) -> StateAt[S]:
    state, reached = at.state, at.version
    for event in commit.events:
        if version is not None and reached >= version:
            break
        state = evolver.evolve(state, event)
        reached += 1
    return StateAt(state, reached, commit.timestamp, commit)
