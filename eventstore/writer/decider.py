"""The port through which a domain decides: state, command and time in, events out."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from eventstore.pages.evolver import Evolver

S = TypeVar("S")
C_contra = TypeVar("C_contra", contravariant=True)


class Decider(Evolver[S], Protocol[S, C_contra]):
    """One kind of aggregate. `decide` is pure.

    What is decided counts when it is durable, and another writer may take its place. So a group of commands evolves
    forks. A state of one immutable value is its own fork, and has nothing to note and to undo.
    """

    def decide(self, state: S, command: C_contra, now: int) -> Sequence[Any]:
        """Return the events that the command leads to at `now` (UTC microseconds), at least one.

        A refusal that is to be recorded is an event too. Raises the domain's own error when nothing is to be recorded.
        """

    def asks_the_same(self, command: C_contra, events: Sequence[Any]) -> bool:
        """Tell whether a command asks for what an earlier one did that led to these events: then it is a retry."""

    def fork(self, state: S) -> S:
        """Return a state to evolve in the place of this one. They may share what `evolve_noted` notes."""

    def evolve_noted(self, state: S, event: Any, notes: list[Any]) -> S:
        """Apply an event to a fork, and note at the end of `notes` how to undo what it changes in shared parts."""

    def undo(self, notes: list[Any]) -> None:
        """Undo everything noted, the latest first: what was forked is then what it was."""
