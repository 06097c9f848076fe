"""The state machine of a domain whose aggregates are objects, decided and evolved one command after another.

What the store's tests have instead of a domain that takes thousands of commands at once.
"""

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from eventstore.columns.cells import EventCells, Values
from eventstore.columns.codec import EventCodec
from eventstore.writer.commands import Commands
from eventstore.writer.request import Request
from eventstore.writer.state_machine import Decided, Decider, StateMachine, Turn

S = TypeVar("S")
C = TypeVar("C")


STATE_BYTES: Final = 1_000
"""What a state is taken for, in bytes."""


class DecidesObjects(Decider[S, C]):
    """Base of deciders that say what one command leads to and what one event changes."""

    def machine(self) -> StateMachine[S, C]:
        return ObjectMachine(self)

    def commands(self, requests: Sequence[Request[C]]) -> Commands[C]:
        return Commands.of(requests)

    def decide(self, state: S, command: C, now: int) -> Sequence[Any]:
        """Return the events that a command leads to; raises the domain's own error when there are none."""
        raise NotImplementedError

    def evolve(self, state: S, event: Any) -> S:
        """Apply an event that happened."""
        raise NotImplementedError


class ObjectMachine(Generic[S, C]):
    """Aggregates that are objects, decided by a `Decider` one by one."""

    def __init__(self, decider: DecidesObjects[S, C]) -> None:
        self._decider = decider
        self._states: list[S] = []
        self._versions: list[int] = []
        self._before: dict[int, tuple[S, int]] = {}

    def add(self, number: int, state: S, version: int) -> None:
        self._states[number : number + 1] = [state]
        self._versions[number : number + 1] = [version]

    def add_new(self, aggregate_ids: Sequence[str]) -> None:
        for aggregate_id in aggregate_ids:
            self.add(len(self._states), self._decider.initial(aggregate_id), 0)

    def let_go(self, numbers: NDArray[np.int64]) -> None:
        assert not self._before, "what may be taken back cannot be let go"

    def held_bytes(self, count: int) -> int:
        return count * STATE_BYTES

    def state(self, number: int) -> S:
        return self._states[number]

    def version(self, number: int) -> int:
        return self._versions[number]

    def fold(
        self, numbers: NDArray[np.int64], versions: NDArray[np.int64], events: EventCells, codec: EventCodec
    ) -> int | None:
        for place, (number, version) in enumerate(zip(numbers.tolist(), versions.tolist(), strict=True)):
            if number < 0:
                continue
            if self._versions[number] + 1 != version:
                return place
            self._evolve(number, [codec.upcast(events.event(place, codec))])
        return None

    def values(self) -> Values:
        return Values()

    def decide(self, turn: Turn[C], now: int, decided: Decided) -> None:
        commands = turn.commands
        for index, place in enumerate(turn.places.tolist()):
            number = int(turn.numbers[index])
            is_new = number < 0
            state = self._decider.initial(commands.aggregate_id(place)) if is_new else self._own(number)
            try:
                events = self._decider.decide(state, commands.command(place), now)
                decided.add(place, 1 if is_new else self._versions[number] + 1, events)
            except Exception as error:  # One command that cannot be decided must not stop the others.
                decided.failures[place] = error
                continue
            if is_new:
                number = turn.enter(index)
                self._own(number)
            self._evolve(number, events)

    def keep(self) -> None:
        self._before.clear()

    def take_back(self) -> None:
        for number, (state, version) in self._before.items():
            self._states[number], self._versions[number] = state, version
        self._before.clear()

    def _own(self, number: int) -> S:
        """Return a state that may be changed, and keep what it was."""
        if number not in self._before:
            state = self._states[number]
            self._before[number] = (state, self._versions[number])
            self._states[number] = self._decider.load(self._decider.dump(state))
        return self._states[number]

    def _evolve(self, number: int, events: Sequence[Any]) -> None:
        state = self._states[number]
        for event in events:
            state = self._decider.evolve(state, event)
        self._states[number] = state
        self._versions[number] += len(events)
