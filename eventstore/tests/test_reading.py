"""Reading by aggregate, by time, by type and from positions; appending with expected versions; and what is refused."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from eventstore.asynchronous import AsyncEventStore
from eventstore.errors import (
    ConfigurationMismatch,
    InvalidAppend,
    InvalidRange,
    UnknownAggregate,
    WrongExpectedVersion,
)
from eventstore.instants import instant_of
from eventstore.integrity.hashing import FORMAT
from eventstore.record import StoreMetadata
from eventstore.serialization.codec import EventCodec
from eventstore.store import EventStore
from eventstore.tests.counter import Added, CounterDecider, add, open_counters
from eventstore.writer.plain_append import EVENT_BYTES_MAX, Append

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Renamed(msgspec.Struct, frozen=True, array_like=True, tag="Renamed@1"):
    name: str


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
        for batch in store.read_after(dict.fromkeys(range(4), 0))
        for commit in batch.commits
    }
    for aggregate_id in "ab":
        for event in store.events(aggregate_id):
            assert event.event_id == from_journal[(aggregate_id, event.version)]


def test_events_are_read_by_time_the_end_left_out(store):
    assert versions(store.events_between("a", start=START + 2 * MINUTE, end=START + 5 * MINUTE)) == [3, 4, 5]
    assert versions(store.events_between("a", start=START - MINUTE, end=START)) == []
    assert versions(store.events_between("a", start=START + 9 * MINUTE, end=START + MINUTE * 60)) == [10]


def test_events_are_read_by_type_and_time_across_aggregates(store):
    found = list(store.events_of_types(["Added"], start=START + 8 * MINUTE, end=START + 12 * MINUTE))
    assert [(event.aggregate_id, event.version) for event in found] == [("a", 9), ("a", 10), ("b", 1), ("b", 2)]


def test_everything_past_a_vector_of_positions_is_read_once(store):
    partition = store.partition_of("a")
    seqs = [batch.seq for batch in store.read_after({partition: 4}) if batch.partition == partition]
    assert seqs == list(range(5, store.heads()[partition] + 1))
    assert sum(batch.event_count for batch in store.read_after(dict.fromkeys(range(4), 0))) == 13


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
        list(store.events_between("nobody", start=START, end=START + MINUTE))
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
    with pytest.raises(InvalidRange, match="time range"):
        list(store.events_between("a", start=START, end=START - MINUTE))
    with pytest.raises(InvalidRange, match="time zone"):
        store.state(decider, "a", at=datetime(2026, 3, 1))
    with pytest.raises(InvalidRange, match="'Subtracted' is no event type of this store: they are Added"):
        list(store.events_of_types(["Subtracted"], start=START, end=START + MINUTE))
    with pytest.raises(InvalidRange, match="partitions 0 to 3, found 4"):
        list(store.read_after({4: 0}))


@pytest.fixture
def empty(make_engine):
    return EventStore.open(make_engine(), codec=EventCodec([Added, Renamed]), partition_count=4)


def append(aggregate_id, expected_version, *events, command_id="c"):
    return Append(
        aggregate_id=aggregate_id,
        expected_version=expected_version,
        events=events,
        command_id=command_id,
        actor="tester",
    )


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


def test_events_are_appended_at_the_expected_version(empty):
    (first,) = empty.append(append("a", 0, Added(1, 1), Renamed("x")))
    assert (first.version, len(first.event_ids)) == (2, 2)
    (second,) = empty.append(append("a", 2, Added(1, 2), command_id="d"))
    assert second.version == 3
    assert [event.data for event in empty.events("a")] == [Added(1, 1), Renamed("x"), Added(1, 2)]


def test_the_same_append_again_gives_the_first_result(empty):
    first, again = (empty.append(append("a", 0, Added(1, 1)))[0] for _ in range(2))
    assert (again.is_duplicate, again.version, again.event_ids) == (True, 1, first.event_ids)
    assert versions(empty.events("a")) == [1]


def test_a_wrong_expected_version_carries_both_and_nothing_is_written_for_anybody(empty):
    empty.append(append("a", 0, Added(1, 1)))
    heads = empty.heads()
    for other in "bcdefg":  # Some of them live in other partitions.
        with pytest.raises(WrongExpectedVersion) as refused:
            empty.append(append(other, 0, Added(1, 1)), append("a", 5, Added(1, 2), command_id="d"))
        assert (refused.value.aggregate_id, refused.value.expected, refused.value.actual) == ("a", 5, 1)
    assert empty.heads() == heads


def test_an_append_to_many_aggregates_is_all_or_nothing_when_others_write_in_between(empty, make_engine):
    other = EventStore.open(make_engine(), codec=empty.codec, partition_count=4)
    names = [f"aggregate {number}" for number in range(8)]
    empty.append(*(append(name, 0, Added(1, 1)) for name in names))
    for version in range(1, 6):
        writer = (empty, other)[version % 2]
        done = writer.append(
            *(append(name, version, Added(1, version + 1), command_id=f"c{version}") for name in names)
        )
        assert [outcome.version for outcome in done] == [version + 1] * len(names)
    assert {name: versions(empty.events(name)) for name in names} == {name: [1, 2, 3, 4, 5, 6] for name in names}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (append("a", 0), "at least one event, found none"),
        (append("", 0, Added(1, 1)), "found an empty one"),
        (append("a", -1, Added(1, 1)), "found -1"),
        (append("a", 0, "text"), "str is not a registered event of this store: they are Added, Renamed"),
        (append("a", 0, Renamed("x" * EVENT_BYTES_MAX)), "at most 65,536 bytes, found Renamed with 65,5"),
        (append("a", 0, *[Added(1, 1)] * 10_001), "at most 10,000 events, found 10,001"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_malformed_append_is_refused_and_nothing_is_written(empty, wrong, message):
    with pytest.raises(InvalidAppend, match=message):
        empty.append(append("b", 0, Added(1, 1)), wrong)
    assert empty.heads() == {0: 0, 1: 0, 2: 0, 3: 0}


def test_the_asynchronous_face_gives_the_same(store):
    async def read():
        face = AsyncEventStore(store)
        events = [event async for event in face.events("a", from_version=2)]
        between = [event async for event in face.events_between("a", start=START, end=START + 3 * MINUTE)]
        with pytest.raises(UnknownAggregate):
            await face.state(CounterDecider(), "nobody")
        return events, between, await face.state(CounterDecider(), "a", version=7)

    events, between, state = asyncio.run(read())
    assert events == list(store.events("a", from_version=2))
    assert versions(between) == [1, 2, 3]
    assert state == store.state(CounterDecider(), "a", version=7)
