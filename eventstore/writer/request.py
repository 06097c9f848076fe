"""What a writer is asked to do, and what it answers."""

from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from eventstore.integrity.hashing import event_id
from eventstore.record import Commit

C = TypeVar("C")


class Request(msgspec.Struct, Generic[C], frozen=True, gc=False):
    """One command for one aggregate; `command_id` makes it idempotent among the commands of its sender (`actor`) that
    the partition remembers.
    """

    aggregate_id: str
    command_id: str
    actor: str
    command: C
    correlation_id: str | None = None
    causation_id: str | None = None
    metadata: dict[str, str] | None = None


class Committed(msgspec.Struct, frozen=True, gc=False):
    """The command's events are durable. `is_duplicate` says that they were before: this is the first result again.

    `header` has the commit's values in stored order (see record.CommitHeader): who books thousands wants no records.
    """

    header: tuple[Any, ...]
    events: tuple[Any, ...]
    leaves: tuple[bytes, ...] = ()
    is_duplicate: bool = False
    stored_event_ids: tuple[str, ...] = ()

    @classmethod
    def before(cls, commit: Commit[Any]) -> "Committed":
        """Return the outcome of a command that was executed before, from its commit as read with its event ids."""
        return cls(commit.header, commit.events, is_duplicate=True, stored_event_ids=commit.event_ids)

    @property
    def commit(self) -> Commit[Any]:
        """The commit as a record."""
        return Commit(*(*self.header, self.events))

    @property
    def event_ids(self) -> tuple[str, ...]:
        """The ids of the commit's events, in order."""
        return self.stored_event_ids or tuple([event_id(leaf) for leaf in self.leaves])

    @property
    def version(self) -> int:
        """The aggregate's version after the commit."""
        first_version: int = self.header[1]
        return first_version + len(self.events) - 1


class Failed(msgspec.Struct, frozen=True):
    """Nothing of the command was written, or (OutcomeUnknown) that cannot be known; `error` says which."""

    error: Exception


Outcome: TypeAlias = Committed | Failed
