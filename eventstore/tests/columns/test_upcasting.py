"""A stored event of an old schema version is read as the current one, whichever way it is read."""

import msgspec
import pytest

from eventstore.audit.verify import PartitionRun
from eventstore.columns.codec import EventCodec
from eventstore.store import EventStore
from eventstore.tests.counter import CounterDecider, add
from eventstore.writer.request import Committed


class AddedV1(msgspec.Struct, frozen=True, array_like=True, tag="Added@1"):
    """As the first release wrote it: with the sign apart, and in words."""

    size: int
    sign: str
    total: int


class AddedV2(msgspec.Struct, frozen=True, array_like=True, tag="Added@2"):
    amount: int
    total: int


class AddedV3(msgspec.Struct, frozen=True, array_like=True, tag="Added@3"):
    amount: int
    total: int
    unit: str


class FirstRelease(CounterDecider):
    def decide(self, state, command, now):
        return (AddedV1(abs(command), "minus" if command < 0 else "plus", state + command),)


UPCASTERS = {
    AddedV1: lambda event: AddedV2(-event.size if event.sign == "minus" else event.size, event.total),
    AddedV2: lambda event: AddedV3(event.amount, event.total, "pieces"),
}
CURRENT = EventCodec([AddedV1, AddedV2, AddedV3], UPCASTERS)
READ = [AddedV3(5, 5, "pieces"), AddedV3(-2, 3, "pieces")]


@pytest.fixture(params=["tail", "pages"])
def store(request, make_engine):
    """A store that the first release wrote, opened by the current one."""
    engine = make_engine()
    first = EventStore.open(engine, codec=EventCodec([AddedV1]), partition_count=1)
    written = first.writer(FirstRelease()).execute([add("a", 5, "c1"), add("a", -2, "c2")])
    assert all(isinstance(outcome, Committed) for outcome in written)
    store = EventStore.open(engine, codec=CURRENT, partition_count=1)
    if request.param == "pages":
        page_and_run = 2
        assert store.snapshotter(CounterDecider()).write(partition=0, through_seq=1) == page_and_run
    return store


def test_every_way_of_reading_gives_current_events(store):
    assert [e for batch in store.read_all(partition=0) for c in batch.commits for e in c.events] == READ
    assert [event.data for event in store.events("a")] == READ
    assert store.state(CounterDecider(), "a").commit.events == (READ[1],)


def test_the_writer_goes_on_from_old_events(store):
    class CurrentRelease(CounterDecider):
        def decide(self, state, command, now):
            return (AddedV3(command, state + command, "pieces"),)

    (outcome,) = store.writer(CurrentRelease()).execute([add("a", 4, "c3")])
    assert (outcome.version, outcome.commit.events[0].total) == (3, 7)
    (again,) = store.writer(CurrentRelease()).execute([add("a", 5, "c1")])
    assert (again.is_duplicate, again.commit.events) == (True, (READ[0],))


def test_ids_and_hashes_stay_those_of_the_stored_bytes(store):
    (batch,) = store.read_batches(partition=0, after_seq=0, limit=9)
    ids = [event_id for c in batch.commits for event_id in c.event_ids]
    first = EventStore.open(store.engine, codec=EventCodec([AddedV1]), partition_count=1)
    assert [event.event_id for event in first.events("a")] == [event.event_id for event in store.events("a")]
    assert ids == [event.event_id for event in store.events("a")]
    assert [finding for _, found in PartitionRun(store, 0).run() for finding in found] == []


def test_pages_hold_events_as_they_were_stored(store):
    store.snapshotter(CounterDecider()).write(partition=0, through_seq=1)
    (page,) = store.engine.pages("a", after_version=0, limit=9)
    first = EventCodec([AddedV1])
    from_page = EventStore.open(store.engine, codec=first, partition_count=1).events("a")
    assert [event.data for event in from_page] == [AddedV1(5, "plus", 5), AddedV1(2, "minus", 3)]
    assert page.last_version == 2
