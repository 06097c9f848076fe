"""The port through which a domain decides: state, command and time in, events out."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

S = TypeVar("S")
C_contra = TypeVar("C_contra", contravariant=True)


class Decider(Protocol[S, C_contra]):
    """One kind of aggregate. `decide` is pure; `evolve` may change the state it is given and returns it."""

    def initial(self, aggregate_id: str) -> S:
        """Return the state of an aggregate that has no events."""

    def copy(self, state: S) -> S:
        """Return a copy that can be evolved without touching the original."""

    def evolve(self, state: S, event: Any) -> S:
        """Apply an event that happened; never raises."""

    def decide(self, state: S, command: C_contra, now: int) -> Sequence[Any]:
        """Return the events that the command leads to at `now` (UTC microseconds), at least one.

        A refusal that is to be recorded is an event too. Raises the domain's own error when nothing is to be recorded.
        """
