"""Reading by aggregate, at any version and instant; and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from eventstore.columns.codec import EventCodec
from eventstore.errors import (
    ConfigurationMismatch,
    InvalidRange,
    UnknownAggregate,
)
from eventstore.integrity.hashing import FORMAT
from eventstore.record import StoreMetadata, instant_of
from eventstore.store import EventStore
from eventstore.tests.counter import Added, CounterDecider, add, open_counters

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Clock:
    """One minute passes between commands."""

    def __init__(self):
        self.now = START - MINUTE

    def __call__(self):
        self.now += MINUTE
        return int(self.now.timestamp()) * 1_000_000


@pytest.fixture(params=["tail", "pages", "both"])
def store(request, make_engine):
    """Aggregate a has events 1 to 10, one a minute, b has 1 to 3 after that: in pages, in the tail, or in both."""
    store = open_counters(make_engine(), partition_count=4)
    writer = store.writer(CounterDecider(), clock=Clock())
    for number in range(13):
        writer.execute([add("a" if number < 10 else "b", 1, f"c{number}", metadata={"n": str(number)})])
    if request.param != "tail":
        partition = store.partition_of("a")
        through_seq = store.heads()[partition] - (5 if request.param == "both" else 0)
        store.snapshotter(CounterDecider()).write(partition=partition, through_seq=through_seq)
    return store


def versions(events):
    return [event.version for event in events]


def test_events_are_read_by_version_with_all_their_fields(store):
    assert versions(store.events("a")) == list(range(1, 11))
    assert versions(store.events("a", from_version=4, through_version=6)) == [4, 5, 6]
    assert versions(store.events("a", from_version=11)) == []
    (event,) = store.events("a", from_version=3, through_version=3)
    assert (event.aggregate_id, event.event_type, event.timestamp) == (
        "a", "Added", int((START + 2 * MINUTE).timestamp()) * 1_000_000,
    )  # fmt: skip
    assert (event.command_id, event.correlation_id, event.causation_id, event.actor) == ("c2", "c2", None, "tester")
    assert (event.metadata, event.data) == ({"n": "2"}, Added(1, 3))


def test_events_have_the_same_ids_wherever_they_are_read(store):
    from_journal = {
        (commit.aggregate_id, commit.first_version): commit.event_ids[0]
        for partition in range(4)
        for batch in store.read_batches(partition=partition, after_seq=0, limit=99)
        for commit in batch.commits
    }
    for aggregate_id in "ab":
        for event in store.events(aggregate_id):
            assert event.event_id == from_journal[(aggregate_id, event.version)]


@pytest.mark.parametrize("version", [1, 2, 5, 6, 9, 10])
def test_the_state_is_had_at_any_version_and_instant(store, version):
    at_version = store.state(CounterDecider(), "a", version=version)
    assert (at_version.state, at_version.version) == (version, version)
    instant = START + (version - 1) * MINUTE
    assert instant_of(at_version.timestamp) == instant
    assert store.state(CounterDecider(), "a", at=instant) == at_version
    assert store.state(CounterDecider(), "a", at=instant + MINUTE / 2) == at_version


def test_the_state_of_now_is_that_of_the_newest_event(store):
    assert store.state(CounterDecider(), "a").state == 10
    assert store.state(CounterDecider(), "b", at=START + timedelta(days=999)).version == 3


def test_what_cannot_be_read_is_one_clear_error(store):
    decider = CounterDecider()
    with pytest.raises(UnknownAggregate, match="'nobody'"):
        list(store.events("nobody"))
    with pytest.raises(UnknownAggregate):
        store.state(decider, "nobody")
    with pytest.raises(UnknownAggregate):
        store.state(decider, "a", at=START - MINUTE)
    with pytest.raises(UnknownAggregate):
        store.state(decider, "a", version=0)
    with pytest.raises(InvalidRange, match="at version 10, found 11"):
        store.state(decider, "a", version=11)
    with pytest.raises(InvalidRange, match="5 to 4"):
        list(store.events("a", from_version=5, through_version=4))
    with pytest.raises(InvalidRange, match="time zone"):
        store.state(decider, "a", at=datetime(2026, 3, 1))


def test_a_store_of_another_format_is_refused_with_what_to_do(make_engine):
    engine = make_engine()
    engine.open(StoreMetadata(store_id="a-store", format=FORMAT - 1, partition_count=4, created_at=17))
    with pytest.raises(ConfigurationMismatch) as refused:
        EventStore.open(make_engine(), codec=EventCodec([Added]), partition_count=4)
    assert str(refused.value) == (
        f"the store has format {FORMAT - 1} and this release reads format {FORMAT}: use the release that made it, or "
        "begin anew: `make reset` removes what the local platform holds"
    )
    assert engine.heads() == {}
