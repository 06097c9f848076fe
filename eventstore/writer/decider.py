"""The port through which a domain decides: commands and a time into its state machine, events out."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from eventstore.pages.evolver import Evolver
from eventstore.writer.commands import Commands
from eventstore.writer.request import Request
from eventstore.writer.state_machine import StateMachine

S = TypeVar("S")
C = TypeVar("C")


class Decider(Evolver[S], Protocol[S, C]):
    """One kind of aggregate: commands, and the machine that decides them (state_machine.py)."""

    def machine(self) -> StateMachine[S, C]:
        """Return a state machine for the aggregates of one partition."""

    def commands(self, requests: Sequence[Request[C]]) -> Commands[C]:
        """Return commands that are objects in the form that the machine takes; raises ValueError."""

    def asks_the_same(self, command: C, events: Sequence[Any]) -> bool:
        """Tell whether a command asks for what an earlier one did that led to these events: then it is a retry."""
