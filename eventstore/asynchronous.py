"""The asynchronous face of the store: the same calls for an event loop, each on a thread of the loop's own pool.

SQLite and boto3 block, so there is nothing to gain from more than this; what is gained is that a page look-up never
holds up the loop that serves everybody else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from eventstore.pages.evolver import Evolver
from eventstore.record import RecordedEvent
from eventstore.store import EventStore
from eventstore.streams import StateAt
from eventstore.writer.plain_append import Append
from eventstore.writer.request import Committed

S = TypeVar("S")
T = TypeVar("T")

ITEMS_AT_ONCE: Final = 200


class AsyncEventStore:
    """Wraps an open store; arguments, results and errors are those of the method of the same name."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def append(self, *appends: Append) -> list[Committed]:
        """Append events, all or nothing."""
        return await asyncio.to_thread(self._store.append, *appends)

    async def state(
        self, evolver: Evolver[S], aggregate_id: str, *, version: int | None = None, at: datetime | None = None
    ) -> StateAt[S]:
        """Return an aggregate's state at a version, at an instant, or now."""
        return await asyncio.to_thread(self._store.state, evolver, aggregate_id, version=version, at=at)

    def events(
        self, aggregate_id: str, *, from_version: int = 1, through_version: int | None = None
    ) -> AsyncIterator[RecordedEvent]:
        """Yield an aggregate's events by version."""
        return _each(
            lambda: self._store.events(aggregate_id, from_version=from_version, through_version=through_version)
        )

    def events_between(self, aggregate_id: str, *, start: datetime, end: datetime) -> AsyncIterator[RecordedEvent]:
        """Yield an aggregate's events in [start, end)."""
        return _each(lambda: self._store.events_between(aggregate_id, start=start, end=end))


async def _each(begin: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """Yield what an iterator yields, a stretch at a time, none of it on the event loop's thread."""
    items = await asyncio.to_thread(begin)
    while stretch := await asyncio.to_thread(lambda: list(islice(items, ITEMS_AT_ONCE))):
        for item in stretch:
            yield item
