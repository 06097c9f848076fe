"""The first results of commands that are sent again, read back from the journal.

A caller that repeats a bulk request asks for thousands of results of the same few batches: those read last are kept.
"""

from functools import lru_cache
from typing import Any, TypeAlias

from eventstore.idempotency.command_ids import sender_of
from eventstore.reader import Reader
from eventstore.record import Commit
from eventstore.writer.limits import REREAD_BATCHES_KEPT

Identity: TypeAlias = tuple[str, str, str]
"""What identifies a command: aggregate id, sender, command id."""


def identity_of(aggregate_id: str, actor: str, command_id: str) -> Identity:
    """Return the identity of a command."""
    return aggregate_id, sender_of(actor), command_id


class FirstResults:
    """Finds stored commits by the identity of their command."""

    def __init__(self, *, reader: Reader) -> None:
        self._reader = reader
        self._batch = lru_cache(maxsize=REREAD_BATCHES_KEPT)(self._read)

    def find(self, identity: Identity, *, partition: int, seq: int) -> Commit[Any] | None:
        """Return the commit of a command in a batch, or None when only others stand there."""
        return self._batch(partition, seq).get(identity)

    def _read(self, partition: int, seq: int) -> dict[Identity, Commit[Any]]:
        (batch,) = self._reader.batches(partition=partition, after_seq=seq - 1, limit=1, with_event_ids=True)
        return {identity_of(commit.aggregate_id, commit.actor, commit.command_id): commit for commit in batch.commits}
