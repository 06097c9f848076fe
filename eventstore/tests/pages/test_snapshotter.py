"""Pages: what becomes one and when, that they are made again to the same bytes, and that damage is found."""

import msgspec
import pytest

from eventstore.engines.memory import MemoryEngine
from eventstore.errors import IntegrityError
from eventstore.pages.page import EVENTS_PER_PAGE_MAX, Page, seal_page
from eventstore.pages.snapshotter import QUIET_SECONDS, STOPPED_LOOK_SECONDS
from eventstore.reader import Source
from eventstore.record import Stretch
from eventstore.tests.counter import CounterDecider, add, open_counters
from eventstore.tests.reference import encode
from eventstore.writer.request import Committed

SECOND = 1_000_000


class Clock:
    now = 1_000 * SECOND

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(make_engine):
    return open_counters(make_engine(), partition_count=1)


RUN = 1
"""Beside the pages of a stretch stands the run of its command ids."""


@pytest.fixture
def writer(store, clock):
    return store.writer(CounterDecider(), clock=clock)


def write(writer, count, aggregate_id="a", start=0):
    outcomes = writer.execute([add(aggregate_id, 1, f"{aggregate_id} {n}") for n in range(start, start + count)])
    assert all(isinstance(outcome, Committed) for outcome in outcomes)


def pages_of(store, aggregate_id="a"):
    return store.engine.pages(aggregate_id, after_version=0, limit=1_000)


def test_a_tail_within_its_bounds_stays_a_tail(store, writer, clock):
    snapshotter = store.snapshotter(CounterDecider(), tail_events_max=11)
    write(writer, 10)
    assert snapshotter.run(now=clock.now + (QUIET_SECONDS - 1) * SECOND) == 0
    assert snapshotter.position(0) == 0


def test_a_tail_past_its_bound_becomes_pages_of_at_most_a_hundred_events(store, writer, clock):
    snapshotter = store.snapshotter(CounterDecider(), tail_events_max=250)
    write(writer, 250)
    assert snapshotter.run(now=clock.now) == 3 + RUN
    assert [(page.first_version, page.last_version) for page in pages_of(store)] == [(1, 100), (101, 200), (201, 250)]
    assert snapshotter.position(0) == store.heads()[0]
    assert snapshotter.run(now=clock.now + 2 * QUIET_SECONDS * SECOND) == 0


def test_a_quiet_partition_gets_its_pages_however_few_events_it_holds(store, writer, clock):
    snapshotter = store.snapshotter(CounterDecider())
    write(writer, 3)
    assert snapshotter.run(now=clock.now + QUIET_SECONDS * SECOND) == 1 + RUN
    write(writer, 2, start=3)
    assert snapshotter.run(now=clock.now + QUIET_SECONDS * SECOND) == 1 + RUN
    assert [(page.first_version, page.last_version) for page in pages_of(store)] == [(1, 3), (4, 5)]


def test_pages_are_made_again_to_the_same_bytes(store, writer, clock):
    snapshotter = store.snapshotter(CounterDecider())
    for start in range(0, 300, 60):
        write(writer, 60, start=start)
        write(writer, 7, aggregate_id="b", start=start)
        snapshotter.write(partition=0, through_seq=store.heads()[0])
    before = [*pages_of(store), *pages_of(store, "b")]
    assert len(before) == 10
    assert sum(snapshotter.rebuild()) == 10 + 5 * RUN
    assert [*pages_of(store), *pages_of(store, "b")] == before
    assert snapshotter.position(0) == store.heads()[0]


def test_of_two_snapshotters_one_moves_the_position_and_nothing_is_doubled(store, writer):
    first, second = (store.snapshotter(CounterDecider()) for _ in range(2))
    write(writer, 10)
    stale = list(second.make(partition=0, after_seq=0, through_seq=1))
    assert first.write(partition=0, through_seq=1) == 1 + RUN
    assert not store.engine.put_pages(stale, partition=0, stretch=Stretch(0, 1, 1))
    assert second.write(partition=0, through_seq=1) == 0
    assert len(pages_of(store)) == 1


def test_a_crash_between_the_pages_and_the_position_is_repaired_by_the_next_try(store, writer):
    snapshotter = store.snapshotter(CounterDecider())
    write(writer, 10)
    for page in snapshotter.make(partition=0, after_seq=0, through_seq=1):
        store.engine.put_pages([page], partition=99, stretch=Stretch(0, 1, 1))  # Pages, and no position of theirs.
    assert store.state(CounterDecider(), "a").version == 10
    assert snapshotter.write(partition=0, through_seq=1) == 1 + RUN
    assert len(pages_of(store)) == 1


def test_a_writer_starts_from_the_pages_and_a_retry_still_never_executes_twice(store, writer, clock):
    write(writer, EVENTS_PER_PAGE_MAX + 50)
    store.snapshotter(CounterDecider()).write(partition=0, through_seq=store.heads()[0])
    write(writer, 5, start=EVENTS_PER_PAGE_MAX + 50)
    again = store.writer(CounterDecider(), clock=clock)
    for number in (0, 99, 100, 149, 150, 154):
        (outcome,) = again.execute([add("a", 1, f"a {number}")])
        assert (outcome.is_duplicate, outcome.version, outcome.commit.events[0].total) == (True, number + 1, number + 1)
        assert outcome.event_ids == tuple(
            e.event_id for e in store.events("a", from_version=number + 1, through_version=number + 1)
        )
    (outcome,) = again.execute([add("a", 1, "new")])
    assert (outcome.is_duplicate, outcome.version) == (False, 156)


def test_a_damaged_page_is_refused_by_every_reader_and_stops_only_its_aggregate(store, writer, clock):
    write(writer, 3)
    write(writer, 3, aggregate_id="b")
    snapshotter = store.snapshotter(CounterDecider())
    of_a, of_b, _ = snapshotter.make(partition=0, after_seq=0, through_seq=2)
    damaged = msgspec.structs.replace(of_a, payload=of_a.payload[:-1] + bytes([of_a.payload[-1] ^ 1]))
    store.engine.put_pages([damaged, of_b], partition=0, stretch=Stretch(0, 2, 1))
    with pytest.raises(IntegrityError, match="aggregate a, version 1"):
        store.state(CounterDecider(), "a")
    with pytest.raises(IntegrityError, match="rebuild_pages"):
        list(store.events("a"))
    refused, done = store.writer(CounterDecider(), clock=clock).execute([add("a", 1, "x"), add("b", 1, "x")])
    assert isinstance(refused.error, IntegrityError)
    assert done.version == 4


def test_a_page_that_was_edited_with_care_is_found_and_placed(store, writer):
    """Its state is another, its hash is put right: no reader can tell, but the journal can."""
    write(writer, 150)
    write(writer, 3, aggregate_id="b")
    snapshotter = store.snapshotter(CounterDecider())
    honest = list(snapshotter.make(partition=0, after_seq=0, through_seq=2))
    commits = store.commits(Page(honest[1], Source(store.engine, store.codec)).columns())
    assert (honest[1].aggregate_id, honest[1].first_version) == ("a", 101)
    columns = store.codec.unpack(encode(commits, store.codec))
    forged = seal_page(columns, state_before=b"7", codec=store.codec)
    store.engine.put_pages([honest[0], forged, honest[2]], partition=0, stretch=Stretch(0, 2, 1))
    found = [page for page in snapshotter.check() if page is not None]
    assert [(page.aggregate_id, page.first_version) for page in found] == [("a", 101)]
    assert len(list(snapshotter.check())) == 3 + RUN
    assert sum(snapshotter.rebuild()) == 3 + RUN
    assert [page for page in snapshotter.check() if page is not None] == []


def test_a_page_is_the_same_as_if_its_commits_had_been_laid_out_alone(store, writer):
    for number in range(30):
        writer.execute([add(name, 1, f"{number}", metadata={"n": str(number % 3)}) for name in "abc"])
    for page in store.snapshotter(CounterDecider()).make(partition=0, after_seq=0, through_seq=30):
        if not page.aggregate_id.startswith("#"):
            commits = store.commits(Page(page, Source(store.engine, store.codec)).columns())
            columns = store.codec.unpack(encode(commits, store.codec))
            state = str(page.first_version - 1).encode()
            assert seal_page(columns, state_before=state, codec=store.codec) == page


def test_pages_that_go_further_than_the_journal_are_refused(store, writer):
    write(writer, 3)
    store.engine.put_pages([], partition=0, stretch=Stretch(0, 7, 1))
    (outcome,) = store.writer(CounterDecider()).execute([add("a", 1, "x")])
    assert isinstance(outcome.error, IntegrityError)
    assert "further than the journal" in str(outcome.error)


class Damaged(MemoryEngine):
    """One whose partition 0 holds altered bytes while it is said to."""

    is_damaged = True

    def read(self, *, partition, after_seq, limit):
        batches = super().read(partition=partition, after_seq=after_seq, limit=limit)
        if partition or not self.is_damaged:
            return batches
        return [msgspec.structs.replace(batch, payload=batch.payload[:-1] + b"\0") for batch in batches]


def test_a_partition_that_cannot_be_read_keeps_no_other_from_its_pages(clock):
    engine = Damaged()
    with_two = open_counters(engine, partition_count=2)
    names = {with_two.partition_of(str(n)): str(n) for n in range(20)}
    engine.is_damaged = False
    writer = with_two.writer(CounterDecider(), clock=clock)
    for name in names.values():
        write(writer, 3, name)
    snapshotter = with_two.snapshotter(CounterDecider())
    engine.is_damaged = True
    later = clock.now + QUIET_SECONDS * SECOND
    assert snapshotter.run(now=later) == 1 + RUN
    assert (snapshotter.position(0), snapshotter.position(1)) == (0, 1)
    assert [*snapshotter.stopped] == [0]
    assert "partition 0, seq 1" in str(snapshotter.stopped[0])
    engine.is_damaged = False
    assert snapshotter.run(now=later + STOPPED_LOOK_SECONDS * SECOND) == 1 + RUN
    assert (snapshotter.position(0), snapshotter.stopped) == (1, {})
