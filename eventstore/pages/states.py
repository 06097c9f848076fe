"""States of aggregates from their pages, whatever version of the state these were made with.

A page whose state this release cannot load is passed over: the state comes from an earlier page that can be read, or
from the first event, and the events of the pages in between. That is slower, never different, and over as soon as the
snapshotter has made the pages anew.
"""

from typing import Any, Final, Generic, Self, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import CommitColumns
from eventstore.errors import IntegrityError
from eventstore.pages.evolver import Evolver, Fold
from eventstore.pages.page import Page, PageReader

S = TypeVar("S")

PAGES_AT_ONCE: Final = 16


class Folded(Generic[S]):
    """One aggregate at a version, which the events that are folded move on. Used from one thread."""

    def __init__(
        self,
        machine: Fold[S],
        number: int,
        *,
        aggregate_id: str,
        codec: EventCodec,
        partition: int | None = None,
    ) -> None:
        """The machine has the aggregate by this number; `partition` is named in what is raised."""
        self._machine = machine
        self._number = number
        self._codec = codec
        self._aggregate_id = aggregate_id
        self._partition = partition

    @classmethod
    def alone(cls, evolver: Evolver[S], *, state: S, version: int, **named: Any) -> Self:
        """Return an aggregate in a machine of its own."""
        machine = evolver.machine()
        machine.add(0, state, version)
        return cls(machine, 0, **named)

    @property
    def state(self) -> S:
        """The state as an object of its own."""
        return self._machine.state(self._number)

    @property
    def version(self) -> int:
        """The version of the last event that was folded."""
        return self._machine.version(self._number)

    def fold(
        self,
        columns: CommitColumns,
        *,
        seq: int | None = None,
        through_version: int | None = None,
        through_timestamp: int | None = None,
    ) -> int | None:
        """Fold the aggregate's next commits, through a version or an instant (UTC microseconds) if one is given.

        Commits that are folded already are passed over. Returns the place of the last commit of which an event was
        folded, None when there was none; raises IntegrityError, which names `seq`, for versions that do not run on.
        """
        commits, events = columns
        count = len(commits)
        if through_timestamp is not None:
            count = int(np.searchsorted(commits.timestamps, through_timestamp, side="right"))
        counts = commits.event_counts[:count]
        numbers, versions = per_event(np.full(count, self._number), commits.first_versions[:count], counts)
        before = self.version
        is_new = versions > before
        if is_new.any() and versions[is_new.argmax()] != before + 1:  # Whether or not it is meant to be folded.
            raise self._damaged(f"the version should be {before + 1}", int(versions[is_new.argmax()]), seq)
        is_meant = is_new if through_version is None else is_new & (versions <= through_version)
        try:
            wrong = self._machine.fold(np.where(is_meant, numbers, -1), versions, events, self._codec)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._damaged(f"an event is not what was written ({error})", before + 1, seq) from error
        if wrong is not None:
            raise self._damaged(f"the version should be {self.version + 1}", int(versions[wrong]), seq)
        if self.version == before:
            return None
        return int(np.searchsorted(commits.first_versions[:count], self.version, side="right")) - 1

    def _damaged(self, detail: str, version: int, seq: int | None) -> IntegrityError:
        return IntegrityError(
            detail, partition=self._partition, seq=seq, aggregate_id=self._aggregate_id, version=version
        )


class PageStates(Generic[S]):
    """The states before and after the pages of one store. May be used from several threads."""

    def __init__(self, evolver: Evolver[S], pages: PageReader) -> None:
        self._evolver = evolver
        self._pages = pages

    def before(self, page: Page) -> S:
        """Return the state before the first of a page's events."""
        try:
            return self._evolver.load(page.state_before)
        except ValueError:
            return self._folded_before(page)

    def after(self, page: Page) -> Folded[S]:
        """Return the aggregate after the last of a page's events."""
        folded = self._folded(page.aggregate_id, self.before(page), page.first_version - 1)
        folded.fold(page.columns())
        return folded

    def _folded(self, aggregate_id: str, state: S, version: int) -> Folded[S]:
        return Folded.alone(
            self._evolver, state=state, version=version, aggregate_id=aggregate_id, codec=self._pages.codec
        )

    def _folded_before(self, page: Page) -> S:
        folded = self._folded(page.aggregate_id, *self._nearest(page))
        while folded.version < page.first_version - 1:
            version = folded.version
            for earlier in self._pages.after(page.aggregate_id, after_version=version, limit=PAGES_AT_ONCE):
                if earlier.first_version >= page.first_version:
                    break
                if earlier.first_version != folded.version + 1:
                    raise _missing(page.aggregate_id, folded.version, found=earlier.first_version)
                folded.fold(earlier.columns())
            if folded.version == version or folded.version >= page.first_version:
                raise _missing(page.aggregate_id, folded.version, found=page.first_version)
        return folded.state

    def _nearest(self, page: Page) -> tuple[S, int]:
        """Return the latest state before a page that can be loaded, and its version.

        Pages are made anew from the first on, so halving finds it; whichever it finds is as right.
        """
        found, reached = self._evolver.initial(page.aggregate_id), 0
        low, high = 0, page.first_version - 1
        while low < high:
            middle = (low + high + 1) // 2
            earlier = self._pages.last(page.aggregate_id, version=middle)
            if earlier is None:
                break
            try:
                found, reached = self._evolver.load(earlier.state_before), earlier.first_version - 1
                low = max(middle, earlier.last_version)
            except ValueError:
                high = earlier.first_version - 1
        return found, reached


def per_event(
    numbers: NDArray[np.int64], first_versions: NDArray[np.int64], event_counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the aggregate's number and the version of each event of some commits."""
    if (event_counts == 1).all():
        return numbers, np.ascontiguousarray(first_versions)
    first_events = np.cumsum(event_counts) - event_counts
    steps = np.arange(int(event_counts.sum())) - np.repeat(first_events, event_counts)
    return np.repeat(numbers, event_counts), np.repeat(first_versions, event_counts) + steps


def _missing(aggregate_id: str, version: int, *, found: int) -> IntegrityError:
    return IntegrityError(
        f"the pages end at version {version} and go on with {found}: make them again (manage.py rebuild_pages)",
        partition=None,
        seq=None,
        aggregate_id=aggregate_id,
        version=version + 1,
    )
