"""The port through which a domain says how state follows from events."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from eventstore.columns.cells import EventCells
from eventstore.columns.codec import EventCodec

S = TypeVar("S")


class Fold(Protocol[S]):
    """Aggregates that events are folded into, each known by its number. Used from one thread."""

    def add(self, number: int, state: S, version: int) -> None:
        """Add an aggregate that was loaded, or a new one at version 0. Its number is that of one that was let go, or
        the next one: 0, 1, 2 ...
        """

    def add_new(self, aggregate_ids: Sequence[str]) -> None:
        """Add new aggregates at version 0, in this order."""

    def state(self, number: int) -> S:
        """Return an aggregate's state as an object, which its caller does not change."""

    def version(self, number: int) -> int:
        """Return an aggregate's version."""

    def fold(
        self, numbers: NDArray[np.int64], versions: NDArray[np.int64], events: EventCells, codec: EventCodec
    ) -> int | None:
        """Apply events that are durable, in order, event i to the aggregate `numbers[i]`, which it makes `versions[i]`.
        A number of -1 is of no aggregate here. Of `events` the first are meant, as many as there are numbers.

        Returns the place of the first whose version is not the next one of its aggregate, with those before it applied;
        None when there is none. Nothing is waiting to be kept or taken back.
        """


class Evolver(Protocol[S]):
    """One kind of aggregate: how its states are stored, and what folds events into them."""

    @property
    def state_version(self) -> int:
        """The version of what `dump` writes, above 0: to be raised when `load` cannot read it any more."""

    def initial(self, aggregate_id: str) -> S:
        """Return the state of an aggregate that has no events."""

    def dump(self, state: S) -> bytes:
        """Return a state as bytes: the same bytes for equal states, whatever way they came about."""

    def load(self, dumped: bytes) -> S:
        """Return the state that was dumped; raises ValueError for one that another release dumped in another form."""

    def machine(self) -> Fold[S]:
        """Return what folds events, without any aggregate yet."""
