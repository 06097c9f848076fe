"""The port through which a domain decides: state, command and time in, events out."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from eventstore.pages.evolver import Evolver
from eventstore.writer.commands import Commands
from eventstore.writer.request import Request
from eventstore.writer.state_machine import StateMachine

S = TypeVar("S")
C = TypeVar("C")


class Decider(Evolver[S], Protocol[S, C]):
    """One kind of aggregate. `decide` is pure; `machine` does the same for thousands of commands (state_machine.py)."""

    def machine(self) -> StateMachine[S, C]:
        """Return a state machine for the aggregates of one partition."""

    def commands(self, requests: Sequence[Request[C]]) -> Commands[C]:
        """Return commands that are objects in the form that the machine takes; raises ValueError."""

    def decide(self, state: S, command: C, now: int) -> Sequence[Any]:
        """Return the events that the command leads to at `now` (UTC microseconds), at least one.

        A refusal that is to be recorded is an event too. Raises the domain's own error when nothing is to be recorded.
        """

    def asks_the_same(self, command: C, events: Sequence[Any]) -> bool:
        """Tell whether a command asks for what an earlier one did that led to these events: then it is a retry."""
