"""States of aggregates from their pages, whatever version of the state these were made with.

A page whose state this release cannot load is passed over: the state comes from an earlier page that can be read, or
from the first event, and the events of the pages in between. That is slower, never different, and over as soon as the
snapshotter has made the pages anew.
"""

from typing import Final, Generic, TypeVar

from eventstore.errors import IntegrityError
from eventstore.pages.evolver import Evolver
from eventstore.pages.page import Page, PageReader

S = TypeVar("S")

PAGES_AT_ONCE: Final = 16


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

    def after(self, page: Page) -> S:
        """Return the state after the last of a page's events."""
        return self._evolved(self.before(page), page)

    def _folded_before(self, page: Page) -> S:
        state, version = self._nearest(page)
        while version < page.first_version - 1:
            earlier = self._pages.after(page.aggregate_id, after_version=version, limit=PAGES_AT_ONCE)
            earlier = [each for each in earlier if each.first_version < page.first_version]
            for each in earlier:
                if each.first_version != version + 1:
                    raise _missing(page.aggregate_id, version, found=each.first_version)
                state, version = self._evolved(state, each), each.last_version
            if not earlier or version >= page.first_version:
                raise _missing(page.aggregate_id, version, found=page.first_version)
        return state

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

    def _evolved(self, state: S, page: Page) -> S:
        for commit in page.commits():
            for event in commit.events:
                state = self._evolver.evolve(state, event)
        return state


def _missing(aggregate_id: str, version: int, *, found: int) -> IntegrityError:
    return IntegrityError(
        f"the pages end at version {version} and go on with {found}: make them again (manage.py rebuild_pages)",
        partition=None,
        seq=None,
        aggregate_id=aggregate_id,
        version=version + 1,
    )
