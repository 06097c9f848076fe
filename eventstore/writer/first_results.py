"""The first results of commands that are sent again, read back from the journal or from a page.

A caller that repeats a bulk request asks for thousands of results of the same few batches: those read last are kept.
"""

from collections import OrderedDict
from typing import Any

from eventstore.engines.base import Engine
from eventstore.pages.page import PageReader
from eventstore.reader import Reader
from eventstore.record import Commit
from eventstore.serialization.codec import EventCodec
from eventstore.writer.limits import REREAD_BATCHES_KEPT
from eventstore.writer.remembered import Place


class FirstResults:
    """Finds stored commits by aggregate and command id."""

    def __init__(self, *, engine: Engine, reader: Reader, codec: EventCodec) -> None:
        self._pages = PageReader(engine, codec)
        self._reader = reader
        self._batches: OrderedDict[tuple[int, int], dict[tuple[str, str], Commit[Any]]] = OrderedDict()

    def find(self, place: Place, *, partition: int, aggregate_id: str, command_id: str) -> Commit[Any] | None:
        """Return the commit of a command at a place, or None when another command stands there."""
        if place.seq == 0:
            return self._find_in_page(place.version, aggregate_id, command_id)
        batch = self._batches.get((partition, place.seq))
        if batch is None:
            batch = self._batches[(partition, place.seq)] = self._read(partition, place.seq)
            while len(self._batches) > REREAD_BATCHES_KEPT:
                self._batches.popitem(last=False)
        return batch.get((aggregate_id, command_id))

    def _read(self, partition: int, seq: int) -> dict[tuple[str, str], Commit[Any]]:
        (batch,) = self._reader.batches(partition=partition, after_seq=seq - 1, limit=1, with_event_ids=True)
        return {(commit.aggregate_id, commit.command_id): commit for commit in batch.commits}

    def _find_in_page(self, version: int, aggregate_id: str, command_id: str) -> Commit[Any] | None:
        page = self._pages.last(aggregate_id, version=version)
        commits = [] if page is None else page.commits(with_event_ids=True)
        return next((commit for commit in commits if commit.command_id == command_id), None)
