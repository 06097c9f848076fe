"""Batches as columns: the same events, ids and commits that ordinary reading gives."""

import uuid

import pytest
from msgspec.structs import astuple

from eventstore.engines.memory import MemoryEngine
from eventstore.tests.counter import Added, CounterDecider, add, open_counters

IDS = [str(uuid.UUID(int=number, version=4)) for number in (1, 2**127 - 1, 2**100 + 7)]


class AddsTwice(CounterDecider):
    """Leads to two events for a command."""

    def decide(self, state, command, now):
        return Added(command, state + command), Added(command, state + 2 * command)


@pytest.fixture
def store():
    opened = open_counters(MemoryEngine(), partition_count=1)
    writer = opened.writer(CounterDecider())
    for number in range(40):
        writer.execute([add(aggregate_id, number, f"{aggregate_id}-{number}") for aggregate_id in IDS])
    return opened


def _fields(commits):
    return [astuple(event) for commit in commits for event in commit.events]


def test_columns_commits_and_ids_are_those_of_ordinary_reading(store):
    ordinary = store.read_batches(partition=0, after_seq=0, limit=100)
    in_columns = store.read_column_batches(partition=0, after_seq=0, limit=100)
    assert [batch.seq for batch in in_columns] == [batch.seq for batch in ordinary]
    for expected, found in zip(ordinary, in_columns, strict=True):
        assert found.commits() == expected.commits
        assert found.has_single_events
        assert [str(uuid.UUID(bytes=key)) for key in found.aggregate_keys] == [
            commit.aggregate_id for commit in expected.commits
        ]
        assert found.columns(0) == [list(field) for field in zip(*_fields(expected.commits), strict=True)]
        keys = found.event_keys()
        assert [(str(uuid.UUID(bytes=key)),) for key in keys] == [commit.event_ids for commit in expected.commits]


def test_commits_of_several_events_are_said_to_be_so(store):
    store.writer(AddsTwice()).execute([add(IDS[0], 1, "two")])
    assert not store.read_column_batches(partition=0, after_seq=40, limit=1)[0].has_single_events
