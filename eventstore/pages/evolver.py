"""The port through which a domain says how state follows from events."""

from typing import Any, Protocol, TypeVar

S = TypeVar("S")


class Evolver(Protocol[S]):
    """One kind of aggregate. `evolve` may change the state that it is given, and returns it."""

    @property
    def state_version(self) -> int:
        """The version of what `dump` writes, above 0: to be raised when `load` cannot read it any more."""

    def initial(self, aggregate_id: str) -> S:
        """Return the state of an aggregate that has no events."""

    def evolve(self, state: S, event: Any) -> S:
        """Apply an event that happened; never raises."""

    def dump(self, state: S) -> bytes:
        """Return a state as bytes: the same bytes for equal states, whatever way they came about."""

    def load(self, dumped: bytes) -> S:
        """Return the state that was dumped; raises ValueError for one that another release dumped in another form."""
