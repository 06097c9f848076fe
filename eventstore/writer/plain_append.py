"""Appending events that the caller has decided on: an aggregate without a state, whose commands are its events."""

from collections.abc import Sequence
from typing import Any

import msgspec

from eventstore.errors import InvalidAppend

EVENT_BYTES_MAX = 64 * 1024
"""The size of one encoded event; more belongs elsewhere, with its hash in the event."""

APPEND_EVENTS_MAX = 10_000
"""Events of one append to one aggregate."""


class Append(msgspec.Struct, frozen=True):
    """Events for one aggregate that is at `expected_version` (0: it does not exist yet)."""

    aggregate_id: str
    expected_version: int
    events: Sequence[Any]
    command_id: str
    actor: str
    correlation_id: str | None = None
    causation_id: str | None = None
    metadata: dict[str, str] | None = None


class AppendDecider:
    """Decides what it is told; implements the port `Decider` with commands that are sequences of events."""

    state_version = 1

    def initial(self, aggregate_id: str) -> None:
        """Return the state of any aggregate: there is none."""

    def fork(self, state: None) -> None:
        """Return the state."""

    def evolve_noted(self, state: None, event: Any, notes: list[Any]) -> None:
        """Return the state; there is nothing to note."""

    def undo(self, notes: list[Any]) -> None:
        """Undo nothing."""

    def evolve(self, state: None, event: Any) -> None:
        """Return the state."""

    def dump(self, state: None) -> bytes:
        """Return no bytes."""
        return b""

    def load(self, dumped: bytes) -> None:
        """Return the state, whatever another decider has dumped."""

    def asks_the_same(self, command: Sequence[Any], events: Sequence[Any]) -> bool:
        """Tell whether the events are those."""
        return list(command) == list(events)

    def decide(self, state: None, command: Sequence[Any], now: int) -> Sequence[Any]:
        """Return the events."""
        return command


def check_append(append: Append, *, types: Sequence[type]) -> None:
    """Refuse what can be refused without reading anything; raises InvalidAppend."""
    count = len(append.events)
    if count == 0:
        raise InvalidAppend(f"an append is at least one event, found none for aggregate {append.aggregate_id}")
    if count > APPEND_EVENTS_MAX:
        raise InvalidAppend(f"an append is at most {APPEND_EVENTS_MAX:,} events, found {count:,}: append in parts")
    if not append.aggregate_id:
        raise InvalidAppend("an aggregate needs an id, found an empty one")
    if append.expected_version < 0:
        raise InvalidAppend(f"an expected version is 0 (a new aggregate) or more, found {append.expected_version}")
    for event in append.events:
        if type(event) not in types:
            raise InvalidAppend(
                f"{type(event).__name__} is not a registered event of this store: they are "
                f"{', '.join(sorted(cls.__name__ for cls in types))}"
            )
        size = len(msgspec.msgpack.encode(event))
        if size > EVENT_BYTES_MAX:
            name = type(event).__name__
            raise InvalidAppend(f"an event is at most {EVENT_BYTES_MAX:,} bytes, found {name} with {size:,}")
