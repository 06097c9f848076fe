"""The first results of commands that are sent again, read back from the journal.

A caller that repeats a bulk request asks for thousands of results of the same few batches: those read last are kept.
"""

from collections import OrderedDict
from typing import Any

from eventstore.reader import Reader
from eventstore.record import Commit
from eventstore.writer.limits import REREAD_BATCHES_KEPT


class FirstResults:
    """Finds stored commits by aggregate and command id."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._batches: OrderedDict[tuple[int, int], dict[tuple[str, str], Commit[Any]]] = OrderedDict()

    def find(self, *, partition: int, seq: int, aggregate_id: str, command_id: str) -> Commit[Any] | None:
        """Return the commit of a command in a batch, or None when the batch does not hold it."""
        batch = self._batches.get((partition, seq))
        if batch is None:
            batch = self._batches[(partition, seq)] = self._read(partition, seq)
            while len(self._batches) > REREAD_BATCHES_KEPT:
                self._batches.popitem(last=False)
        return batch.get((aggregate_id, command_id))

    def _read(self, partition: int, seq: int) -> dict[tuple[str, str], Commit[Any]]:
        (batch,) = self._reader.batches(partition=partition, after_seq=seq - 1, limit=1, with_event_ids=True)
        return {(commit.aggregate_id, commit.command_id): commit for commit in batch.commits}
