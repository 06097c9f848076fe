"""Batches as columns: joined or in parts, they say what ordinary reading says."""

import uuid

import msgspec
import numpy as np
import pytest

from eventstore.columns.batches import join
from eventstore.columns.cells import VALUE_LIMIT
from eventstore.columns.codec import EventCodec
from eventstore.engines.memory import MemoryEngine
from eventstore.errors import UnknownEventType
from eventstore.store import EventStore
from eventstore.tests.counter import Added, CounterDecider, add, open_counters

IDS = [str(uuid.UUID(int=number, version=4)) for number in (1, 2**127 - 1, 2**100 + 7)]


class Noted(msgspec.Struct, frozen=True, array_like=True, tag="Noted@1"):
    """Another type, with a text and a number that no 64 bits hold."""

    text: str
    total: int


class TwoKinds(CounterDecider):
    """Leads to one event, or to two of different types."""

    def decide(self, state, command, now):
        if command % 3:
            return (Added(command, state + command),)
        return Noted(f"text {command % 2}", 2**63 + 1), Added(command, state + command)

    def evolve(self, state, event):
        return state if isinstance(event, Noted) else event.total


@pytest.fixture
def store():
    opened = EventStore.open(MemoryEngine(), codec=EventCodec([Added, Noted]), partition_count=1)
    writer = opened.writer(TwoKinds())
    for number in range(20):
        actors = [{"actor": f"actor {number % 3}"}, {"actor": "other", "correlation_id": "together"}]
        writer.execute(
            [
                msgspec.structs.replace(add(aggregate_id, 1 + number, f"{aggregate_id}-{number}"), **actors[number % 2])
                for aggregate_id in IDS
            ]
        )
    return opened


def said_by(events):
    """Return what columns say, event by event."""
    keys, numbers, rows = events.aggregate_keys, events.aggregate_numbers, events.commits
    said = []
    for place, commit in enumerate(events.commit_of.tolist()):
        said.append(
            (
                int(events.seqs[commit]),
                str(uuid.UUID(bytes=keys[numbers[commit]].tobytes())),
                int(events.versions[place]),
                int(rows.timestamps[commit]),
                events.command_id(commit),
                rows.origins.values(int(rows.origin_numbers[commit]))[:3],
                events.event(place),
                str(uuid.UUID(bytes=events.ids[place].tobytes())),
            )
        )
    return said


def expected_of(store, *, is_wanted=lambda commit: True):
    """Return the same by ordinary reading."""
    said = []
    for batch in store.read_batches(partition=0, after_seq=0, limit=100):
        for commit in filter(is_wanted, batch.commits):
            origin = (commit.correlation_id, commit.causation_id, commit.actor)
            for index, (event, event_id) in enumerate(zip(commit.events, commit.event_ids, strict=True)):
                place = (batch.seq, commit.aggregate_id, commit.first_version + index, commit.timestamp)
                said.append((*place, commit.command_id, origin, event, event_id))
    return said


def read(store):
    return store.read_column_batches(partition=0, after_seq=0, limit=100)


def test_joined_batches_say_what_ordinary_reading_says(store):
    events = join(read(store))
    assert said_by(events) == expected_of(store)
    assert len(events) == 20 * 3 + 6 * 3
    assert events.aggregate_keys.tolist() == sorted(events.aggregate_keys.tolist())
    assert events.are_of("Noted@1").sum() == 6 * 3
    assert not events.are_of("Other@1").any()


def test_values_and_origins_have_one_number_in_all_batches(store):
    events = join(read(store))
    assert len(events.commits.origins) == len({said[5] for said in expected_of(store)})
    cells = events.cells.cells
    assert len(np.unique(cells[cells < VALUE_LIMIT])) == events.cells.values.count == 3


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_a_part_of_the_commits_is_what_they_say(store, chosen):
    events = join(read(store))
    is_own = [events.aggregate_keys[number].tobytes() for number in events.aggregate_numbers.tolist()]
    wanted = uuid.UUID(IDS[chosen]).bytes
    part = events.of_commits(np.flatnonzero(np.array([key == wanted for key in is_own])))
    assert said_by(part) == expected_of(store, is_wanted=lambda commit: commit.aggregate_id == IDS[chosen])
    assert len(part.aggregate_keys) == 1
    assert len(events.of_commits(np.array([], np.int64)).aggregate_keys) == 0


class AddedOnce(msgspec.Struct, frozen=True, array_like=True, tag="Added@0"):
    """An older form."""

    amount: int


class AddedWithNote(msgspec.Struct, frozen=True, array_like=True, tag="Added@1"):
    """A later form, of which older events have a field fewer."""

    amount: int
    total: int
    note: str = "none"


@pytest.mark.parametrize(
    ("codec", "current"),
    [
        (EventCodec([AddedWithNote, Noted]), lambda event: AddedWithNote(event.amount, event.total)),
        (
            EventCodec([Added, AddedOnce, Noted], {Added: lambda event: AddedOnce(event.total)}),
            lambda event: AddedOnce(event.total),
        ),
    ],
)
def test_events_of_an_older_schema_are_read_as_the_current_ones_and_keep_their_ids(store, codec, current):
    newer = EventStore.open(store.engine, codec=codec, partition_count=1)
    expected = [
        (*said[:6], current(said[6]) if isinstance(said[6], Added) else said[6], said[7]) for said in expected_of(store)
    ]
    assert said_by(join(read(newer))) == expected


def test_a_type_that_nobody_knows_and_an_aggregate_that_is_no_uuid_are_refused(store):
    with pytest.raises(UnknownEventType, match=r"partition 0, seq \d+: .*Noted@1"):
        read(open_counters(store.engine, partition_count=1))
    other = open_counters(MemoryEngine(), partition_count=1)
    other.writer(CounterDecider()).execute([add("not-a-uuid", 1, "c")])
    with pytest.raises(ValueError, match="no UUID"):
        _ = join(read(other)).aggregate_keys
