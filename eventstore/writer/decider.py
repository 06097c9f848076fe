"""The port through which a domain decides: state, command and time in, events out."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from eventstore.pages.evolver import Evolver

S = TypeVar("S")
C_contra = TypeVar("C_contra", contravariant=True)


class Decider(Evolver[S], Protocol[S, C_contra]):
    """One kind of aggregate. `decide` is pure."""

    def decide(self, state: S, command: C_contra, now: int) -> Sequence[Any]:
        """Return the events that the command leads to at `now` (UTC microseconds), at least one.

        A refusal that is to be recorded is an event too. Raises the domain's own error when nothing is to be recorded.
        """

    def asks_the_same(self, command: C_contra, events: Sequence[Any]) -> bool:
        """Tell whether a command asks for what an earlier one did that led to these events: then it is a retry."""
