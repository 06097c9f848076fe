"""The port through which an application decides.

A state machine holds the aggregates of one partition, each by its number, in whatever form it likes. It decides groups
of commands one after another, each on what the ones before it left, and takes a whole group back when it did not become
durable. What it decided comes out as cells of events (see `Decided`).
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from eventstore.columns.cells import EventCells, Values
from eventstore.columns.codec import EventCodec
from eventstore.pages.evolver import Evolver, Fold
from eventstore.writer.commands import Commands
from eventstore.writer.request import Request

S = TypeVar("S")
C = TypeVar("C")


class Decided:
    """The commits that a group of commands leads to, in order; and what keeps others from being decided.

    Commit i is that of the command at `places[i]`, whose first event has the version `first_versions[i]`; the events
    of all commits stand in `events`, `event_counts[i]` of them for commit i.
    """

    def __init__(self, values: Values) -> None:
        """`values` is a table of values that begins as the machine likes it."""
        self.events = EventCells(values)
        self.failures: dict[int, Exception] = {}
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []

    def add(self, place: int, first_version: int, events: Sequence[Any]) -> None:
        """Add a commit; raises what encoding its events raises, and has added nothing then."""
        assert events, "a decision is at least one event"
        before = len(self.events)
        try:
            for event in events:
                self.events.add(event)
        except Exception:
            self.events.truncate(before)
            raise
        self.add_commits(
            np.array([place], np.int64), np.array([first_version], np.int64), np.array([len(events)], np.int64)
        )

    def add_commits(
        self, places: NDArray[np.int64], first_versions: NDArray[np.int64], event_counts: NDArray[np.int64]
    ) -> None:
        """Add commits whose events were added to `events`."""
        self._parts.append((places, first_versions, event_counts))

    def events_of(self, row: int, codec: EventCodec) -> tuple[Any, ...]:
        """Return the events of a commit as objects."""
        _, _, event_counts = self.columns()
        first = int(event_counts[:row].sum())
        return tuple([self.events.event(place, codec) for place in range(first, first + int(event_counts[row]))])

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the places, the first versions and the numbers of events of all commits."""
        if not self._parts:
            empty: NDArray[np.int64] = np.empty(0, np.int64)
            return empty, empty, empty
        if len(self._parts) > 1:
            places, first_versions, event_counts = zip(*self._parts, strict=True)
            self._parts = [(np.concatenate(places), np.concatenate(first_versions), np.concatenate(event_counts))]
        return self._parts[0]


class Turn(NamedTuple, Generic[C]):
    """Commands that are decided one after another now: `commands` at `places`, each for the aggregate with the number
    beside it, -1 for one that there is not. `enter` gives the aggregate of the command at an index its number.
    """

    commands: Commands[C]
    places: NDArray[np.int64]
    numbers: NDArray[np.int64]
    enter: Callable[[int], int]


class StateMachine(Fold[S], Protocol[S, C]):
    """The aggregates of one partition, which decisions are made on."""

    def let_go(self, numbers: NDArray[np.int64]) -> None:
        """Forget aggregates and all that is theirs; nothing is waiting to be kept or taken back."""

    def held_bytes(self, count: int) -> int:
        """Return how much memory the aggregates take, in bytes, as near as it is known; they are `count`."""

    def values(self) -> Values:
        """Return a new table of values, with those that the machine's events nearly always have."""

    def decide(self, turn: Turn[C], now: int, decided: Decided) -> None:
        """Decide commands in order at `now` (UTC microseconds) and move their aggregates on.

        Adds to `decided` a commit, or a failure, for each of them. Raises nothing that a command may be the cause of;
        whatever it raises, it may be in any state then, and is not used again.
        """

    def keep(self) -> None:
        """Make what was decided since the last `keep` or `take_back` final."""

    def take_back(self) -> None:
        """Take back everything since the last `keep`."""


class Decider(Evolver[S], Protocol[S, C]):
    """One kind of aggregate: commands, and the machine that decides them."""

    def machine(self) -> StateMachine[S, C]:
        """Return a state machine for the aggregates of one partition."""

    def commands(self, requests: Sequence[Request[C]]) -> Commands[C]:
        """Return commands that are objects in the form that the machine takes; raises ValueError."""

    def asks_the_same(self, command: C, events: Sequence[Any]) -> bool:
        """Tell whether a command asks for what an earlier one did that led to these events: then it is a retry."""
