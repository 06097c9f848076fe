"""What a writer is asked to do, and what it answers."""

from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from eventstore.integrity.hashing import event_id
from eventstore.record import Commit

C = TypeVar("C")


class Request(msgspec.Struct, Generic[C], frozen=True, gc=False):
    """One command for one aggregate; `command_id` makes it idempotent among the aggregate's remembered commands."""

    aggregate_id: str
    command_id: str
    actor: str
    command: C
    correlation_id: str | None = None
    causation_id: str | None = None
    metadata: dict[str, str] | None = None
    expected_version: int | None = None


class Committed(msgspec.Struct, frozen=True, gc=False):
    """The command's events are durable. `is_duplicate` says that they were before: this is the first result again."""

    commit: Commit[Any]
    leaves: tuple[bytes, ...] = ()
    is_duplicate: bool = False

    @property
    def event_ids(self) -> tuple[str, ...]:
        """The ids of the commit's events, in order."""
        return self.commit.event_ids or tuple([event_id(leaf) for leaf in self.leaves])

    @property
    def version(self) -> int:
        """The aggregate's version after the commit."""
        return self.commit.last_version


class Failed(msgspec.Struct, frozen=True):
    """Nothing of the command was written, or (OutcomeUnknown) that cannot be known; `error` says which."""

    error: Exception


Outcome: TypeAlias = Committed | Failed
