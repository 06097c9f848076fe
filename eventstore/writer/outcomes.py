"""What became of commands that were executed together: for thousands as columns, for one as a record."""

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from eventstore.columns.cells import EventCells
from eventstore.columns.codec import EventCodec
from eventstore.writer.commands import Commands
from eventstore.writer.request import Committed, Outcome

C = TypeVar("C")


class DurableCommits(Generic[C]):
    """The commits of one batch that is durable. Commit i is that of the command at `places[i]`; places ascend."""

    def __init__(
        self,
        *,
        commands: Commands[C],
        places: NDArray[np.int64],
        first_versions: NDArray[np.int64],
        event_counts: NDArray[np.int64],
        timestamp: int,
        leaves: NDArray[np.uint8],
        events: EventCells,
        codec: EventCodec,
        repeated: dict[int, int],
    ) -> None:
        """`repeated` has the places of commands that were asked for twice, with the commit that both led to."""
        self.places = places
        self.first_versions = first_versions
        self.event_counts = event_counts
        self.timestamp = timestamp
        self.leaves = leaves
        self.events = events
        self.repeated = repeated
        self._commands = commands
        self._codec = codec
        self.first_events: NDArray[np.int64] = np.cumsum(event_counts) - event_counts
        """The place of each commit's first event among all events."""

    def committed(self, row: int, *, is_duplicate: bool = False) -> Committed:
        """Return a commit as a record."""
        first, count = int(self.first_events[row]), int(self.event_counts[row])
        return Committed(
            self._commands.header(int(self.places[row]), int(self.first_versions[row]), self.timestamp),
            tuple([self.events.event(place, self._codec) for place in range(first, first + count)]),
            tuple([leaf.tobytes() for leaf in self.leaves[first : first + count]]),
            is_duplicate,
        )


class Outcomes:
    """One outcome for each command, in order: as records when they are asked for one by one."""

    def __init__(self, count: int) -> None:
        self.single: dict[int, Outcome] = {}
        """The outcomes of commands that failed, or that were executed earlier, by place."""
        self.durable: list[DurableCommits[Any]] = []
        self._count = count

    def __len__(self) -> int:
        return self._count

    def add(self, others: "Outcomes") -> None:
        """Add the outcomes of others of the same commands."""
        self.single |= others.single
        self.durable += others.durable

    def as_list(self) -> list[Outcome]:
        """Return all outcomes as records."""
        return [outcome for _, outcome in self.records(0, self._count)]

    def records(self, start: int, end: int) -> list[tuple[int, Outcome]]:
        """Return the places from `start` up to `end` with their outcomes as records."""
        found: dict[int, Outcome] = {}
        for commits in self.durable:
            first, last = commits.places.searchsorted((start, end)).tolist()
            for row in range(first, last):
                found[int(commits.places[row])] = commits.committed(row)
            for place, row in commits.repeated.items():
                if start <= place < end:
                    found[place] = commits.committed(row, is_duplicate=True)
        found.update({place: outcome for place, outcome in self.single.items() if start <= place < end})
        return [(place, found[place]) for place in range(start, end)]
