"""Reading by aggregate: its events by version, and its state at any version or instant.

Pages give everything up to the page position, the tail of the journal what came after. The cost of a state does not
grow with the length of the history: one page, at most 100 events, and what the tail holds of the aggregate.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np

from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import CommitColumns
from eventstore.engines.base import Engine
from eventstore.errors import FeedGap, IntegrityError, InvalidRange, UnknownAggregate
from eventstore.kernels.texts import NameTable, pack_texts, text_of
from eventstore.pages.evolver import Evolver
from eventstore.pages.page import Page, PageReader
from eventstore.pages.states import Folded, PageStates
from eventstore.reader import ALARMS, READ_BATCHES_AT_ONCE, Reader, Source, fill_event_ids, say_unconfirmed, stretches
from eventstore.record import Commit, RecordedEvent, StoredBatch, partition_of, recorded_events

S = TypeVar("S")

PAGES_AT_ONCE: Final = 16


class StateAt(NamedTuple, Generic[S]):
    """An aggregate's state, the version it is of, and when (UTC microseconds) and by which commit it became so, with
    the ids of its events.
    """

    state: S
    version: int
    timestamp: int
    commit: Commit[Any] | None


class Tail:
    """Where the events of each aggregate stand in the part of a partition's journal that is not in pages yet.

    Reads every batch once and keeps of it which aggregates it holds and of when it is; the snapshotter keeps the tail
    short. `follow` and `seqs` are used from one thread at a time.
    """

    def __init__(self, *, partition: int, engine: Engine, reader: Reader) -> None:
        self._partition = partition
        self._engine = engine
        self._reader = reader
        self._position = 0
        self._through_seq = 0
        self._hash: bytes | None = None
        self._seqs: dict[str, list[int]] = defaultdict(list)
        self._timestamps: dict[int, int] = {}

    def follow(self) -> None:
        """Move on to the partition's page position and head of now."""
        self._drop_through(self._engine.page_position(partition=self._partition))
        for batch in self._reader.following(
            partition=self._partition, after_seq=self._through_seq, previous_hash=self._hash
        ):
            for aggregate_id in set(self._reader.aggregate_ids(batch)):
                self._seqs[aggregate_id].append(batch.seq)
            self._timestamps[batch.seq] = batch.first_timestamp
            self._through_seq, self._hash = batch.seq, batch.hash

    def seqs(self, aggregate_id: str, *, through_timestamp: int | None = None) -> Sequence[int]:
        """Return the batches with commits of an aggregate that begin at or before an instant (UTC microseconds), or
        all, as of the last `follow`.
        """
        found = self._seqs.get(aggregate_id, ())
        if through_timestamp is None:
            return tuple(found)
        return tuple([seq for seq in found if self._timestamps[seq] <= through_timestamp])

    def columns(self, aggregate_id: str, seqs: Sequence[int]) -> Iterator[CommitColumns]:
        """Yield the commits of an aggregate in some batches of the journal, in order, many batches at a time."""
        own = NameTable()
        own.enter(pack_texts([aggregate_id] if seqs else []))
        for start in range(0, len(seqs), READ_BATCHES_AT_ONCE):
            for batches in stretches(self._stored(seqs[start : start + READ_BATCHES_AT_ONCE])):
                columns = self._reader.columns(batches)
                yield columns.of_commits(np.flatnonzero(own.find(columns.commits.aggregate_ids) >= 0))

    def _stored(self, seqs: Sequence[int]) -> list[StoredBatch]:
        """Return batches by their seqs; those that follow one another are read together."""
        found: list[StoredBatch] = []
        while len(found) < len(seqs):
            start = end = len(found)
            while end < len(seqs) and seqs[end] - seqs[start] == end - start:
                end += 1
            after_seq = seqs[start] - 1
            found += self._reader.stored(
                partition=self._partition, after_seq=after_seq, previous_hash=None, limit=end - start
            )
            if len(found) < end:
                raise FeedGap(partition=self._partition, expected_seq=seqs[len(found)], found_seq=None)
        return found

    def _drop_through(self, position: int) -> None:
        if position == self._position:
            return
        if position > self._through_seq or position < self._position:
            self._seqs.clear()
            self._timestamps.clear()
            self._through_seq, self._hash = position, None
        else:
            kept = {name: [seq for seq in seqs if seq > position] for name, seqs in self._seqs.items()}
            self._seqs = defaultdict(list, {name: seqs for name, seqs in kept.items() if seqs})
            self._timestamps = {seq: instant for seq, instant in self._timestamps.items() if seq > position}
        self._position = position


class Streams:
    """The aggregates of one store. May be used from several threads."""

    def __init__(self, engine: Engine, codec: EventCodec, *, partition_count: int) -> None:
        self._source = Source(engine, codec)
        self._pages = PageReader(engine, codec)
        self._partition_count = partition_count
        reader = Reader(engine, codec)
        self._tails = [Tail(partition=number, engine=engine, reader=reader) for number in range(partition_count)]
        self._locks = [threading.Lock() for _ in range(partition_count)]

    def columns(
        self, aggregate_id: str, *, after_version: int = 0, through_version: int | None = None
    ) -> Iterator[CommitColumns]:
        """Yield the commits of an aggregate that have events past a version, in order and without a gap, some of them
        at a time.
        """
        try:
            for columns in self._columns_read_once(aggregate_id, after_version, through_version):
                yield columns
                after_version = _last_version(columns)
            return
        except ALARMS as error:
            alarm = error
        with self._source.second() as source:
            yield from self._of(source)._columns_read_once(aggregate_id, after_version, through_version)
        say_unconfirmed(alarm)

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
        for columns in self.columns(aggregate_id, after_version=from_version - 1, through_version=through_version):
            is_known = True
            for event in chain.from_iterable(map(recorded_events, self.commits(columns, with_event_ids=True))):
                if event.version >= from_version and (through_version is None or event.version <= through_version):
                    yield event
        if not is_known and not self._exists(aggregate_id):
            raise UnknownAggregate(aggregate_id)

    def commits(self, columns: CommitColumns, *, with_event_ids: bool = False) -> list[Commit[Any]]:
        """Return the commits of an aggregate, of current events; raises IntegrityError when they are none."""
        try:
            commits = self._source.codec.commits(columns)
            if with_event_ids:
                fill_event_ids(columns, commits)
            return commits
        except ValueError as error:
            aggregate_id, version = text_of(columns.commits.aggregate_ids[0]), int(columns.commits.first_versions[0])
            raise self._damaged(str(error), aggregate_id, version) from error

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
        if version is not None and version < 1:
            raise UnknownAggregate(aggregate_id)
        page, tail = self._pages.last(aggregate_id, version=version, timestamp=timestamp), None
        if page is None or not _covers(page, version=version, timestamp=timestamp):
            tail = self._tail(aggregate_id, through_timestamp=timestamp)
            page = self._pages.last(aggregate_id, version=version, timestamp=timestamp)
        folded = Folded.alone(
            evolver,
            state=evolver.initial(aggregate_id) if page is None else PageStates(evolver, self._pages).before(page),
            version=0 if page is None else page.first_version - 1,
            aggregate_id=aggregate_id,
            codec=self._source.codec,
            partition=partition_of(aggregate_id, self._partition_count),
        )
        paged = [] if page is None else [page.columns()]
        latest: CommitColumns | None = None
        for columns in chain(paged, tail or ()):
            place = folded.fold(columns, through_version=version, through_timestamp=timestamp)
            if place is not None:
                latest = columns.of_commits(np.array([place]))
            if folded.version == version or (timestamp is not None and columns.commits.timestamps[-1] > timestamp):
                break
        if latest is None:
            raise UnknownAggregate(aggregate_id)
        if version is not None and folded.version < version:
            raise InvalidRange(f"aggregate {aggregate_id} is at version {folded.version}, found {version}")
        (commit,) = self.commits(latest, with_event_ids=True)
        return StateAt(folded.state, folded.version, commit.timestamp, commit)

    def _columns_read_once(
        self, aggregate_id: str, after_version: int, through_version: int | None
    ) -> Iterator[CommitColumns]:
        version = after_version
        for columns in self._paged_then_tail(aggregate_id, after_version):
            firsts, counts = columns.commits.first_versions, columns.commits.event_counts
            start = int(np.searchsorted(firsts + counts, version + 1, side="right"))
            end = len(firsts) if through_version is None else int(np.searchsorted(firsts, through_version, "right"))
            if start < end:
                found = columns.of_commits(np.arange(start, end))
                self._check_order(aggregate_id, version, found)
                yield found
                version = _last_version(found)
            if end < len(firsts):
                return

    def _paged_then_tail(self, aggregate_id: str, after_version: int) -> Iterator[CommitColumns]:
        tail = self._tail(aggregate_id)
        limit = 1  # Who asks for one event needs one page.
        while pages := self._pages.after(aggregate_id, after_version=after_version, limit=limit):
            yield from (page.columns() for page in pages)
            after_version, limit = pages[-1].last_version, min(2 * limit, PAGES_AT_ONCE)
        yield from tail

    def _check_order(self, aggregate_id: str, version: int, columns: CommitColumns) -> None:
        """Refuse commits of which the first begins behind the next version, or one does not follow that before it."""
        firsts, counts = columns.commits.first_versions, columns.commits.event_counts
        expected = np.append(min(version + 1, int(firsts[0])), (firsts + counts)[:-1])
        wrong = np.flatnonzero(firsts != expected)
        if len(wrong):
            detail = f"the version should be {int(expected[wrong[0]])}"
            raise self._damaged(detail, aggregate_id, int(firsts[wrong[0]]))

    def _damaged(self, detail: str, aggregate_id: str, version: int) -> IntegrityError:
        return IntegrityError(
            detail,
            partition=partition_of(aggregate_id, self._partition_count),
            seq=None,
            aggregate_id=aggregate_id,
            version=version,
        )

    def _tail(self, aggregate_id: str, *, through_timestamp: int | None = None) -> Iterator[CommitColumns]:
        """Return an aggregate's commits in the tail as it is now, up to an instant or later, which are read as they are
        asked for. To be called before any page is read, so that what becomes a page meanwhile is not missed.
        """
        tail, seqs = self._in_tail(aggregate_id, through_timestamp=through_timestamp)
        return tail.columns(aggregate_id, seqs)

    def _in_tail(self, aggregate_id: str, *, through_timestamp: int | None = None) -> tuple[Tail, Sequence[int]]:
        partition = partition_of(aggregate_id, self._partition_count)
        with self._locks[partition]:
            tail = self._tails[partition]
            tail.follow()
            return tail, tail.seqs(aggregate_id, through_timestamp=through_timestamp)

    def _exists(self, aggregate_id: str) -> bool:
        _, seqs = self._in_tail(aggregate_id)
        return bool(seqs) or self._pages.last(aggregate_id) is not None


def _covers(page: Page, *, version: int | None, timestamp: int | None) -> bool:
    """Tell whether what happened up to a version or an instant ends within a page."""
    if version is not None:
        return page.last_version >= version
    return timestamp is not None and page.last_timestamp > timestamp


def _last_version(columns: CommitColumns) -> int:
    return int(columns.commits.first_versions[-1] + columns.commits.event_counts[-1]) - 1
