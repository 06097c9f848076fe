"""A domain as small as can be, to test the store without any business word: a counter that must not go below zero."""

import uuid
from collections.abc import Sequence

import msgspec

from eventstore.columns.codec import EventCodec
from eventstore.engines.base import Engine
from eventstore.store import EventStore
from eventstore.tests.object_machine import DecidesObjects
from eventstore.writer.request import Request


class Added(msgspec.Struct, frozen=True, array_like=True, tag="Added@1"):
    """The counter moved, and this is where it stands now."""

    amount: int
    total: int


class BelowZero(Exception):
    """The counter would go below zero; nothing is recorded."""


class CounterDecider(DecidesObjects[int, int]):
    """Commands are integers to add; the state is the total."""

    state_version = 1

    def initial(self, aggregate_id: str) -> int:
        return 0

    def asks_the_same(self, command: int, events: Sequence[Added]) -> bool:
        return command == events[0].amount

    def evolve(self, state: int, event: Added) -> int:
        return event.total

    def dump(self, state: int) -> bytes:
        return str(state).encode()

    def load(self, dumped: bytes) -> int:
        return int(dumped)

    def decide(self, state: int, command: int, now: int) -> Sequence[Added]:
        if state + command < 0:
            raise BelowZero(f"{state} + {command}")
        return (Added(amount=command, total=state + command),)


def open_counters(engine: Engine, *, partition_count: int = 4) -> EventStore:
    return EventStore.open(engine, codec=EventCodec([Added]), partition_count=partition_count)


def add(aggregate_id: str, amount: int, command_id: str, **more) -> Request[int]:
    return Request(aggregate_id=aggregate_id, command_id=command_id, actor="tester", command=amount, **more)


def histories(store: EventStore) -> dict[str, list[int]]:
    """Return every aggregate's totals in order, checked to have versions 1, 2, 3 ..."""
    found: dict[str, list[int]] = {}
    for partition in range(store.partition_count):
        for batch in store.read_all(partition=partition):
            for commit in batch.commits:
                totals = found.setdefault(commit.aggregate_id, [])
                assert commit.first_version == len(totals) + 1
                totals.extend(event.total for event in commit.events)
    return found


def uuid7(microseconds: int, number: int = 0) -> str:
    """Return a UUIDv7 (RFC 9562) of an instant."""
    return str(uuid.UUID(int=microseconds // 1_000 << 80 | 7 << 76 | 2 << 62 | number))
