"""What travels over the command bus: a command with its address and identity, and the result that comes back.

Everything is a msgspec Struct, so the same records cross a process boundary as MessagePack. Results carry the events
themselves: a caller learns what happened and the new version without reading anything.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from accounts.domain.commands import AccountCommand
from accounts.domain.events import AccountEvent, Figure
from eventstore.writer.request import Request


class SystemCode(StrEnum):
    """Stable codes of the platform; clients rely on them."""

    CLOCK_UNTRUSTED = "CLOCK_UNTRUSTED"
    CONFLICT = "CONFLICT"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    OVERLOADED = "OVERLOADED"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"


class Envelope(Request[AccountCommand], frozen=True, array_like=True, gc=False):
    """A command for one account, as the writer takes it. The same `command_id` of the same sender for the same account
    is executed once, however often it is sent.
    """

    @property
    def account_id(self) -> str:
        """The account that it is for."""
        return self.aggregate_id


class Executed(msgspec.Struct, frozen=True, array_like=True, tag="executed"):
    """The command's events are durable; `timestamp` is UTC microseconds. A recorded refusal is such an event too."""

    account_id: str
    command_id: str
    first_version: int
    timestamp: int
    events: tuple[AccountEvent, ...]
    event_ids: tuple[str, ...]
    is_duplicate: bool

    @property
    def version(self) -> int:
        """The account's version after the command."""
        return self.first_version + len(self.events) - 1


class NotExecuted(msgspec.Struct, frozen=True, array_like=True, tag="not_executed"):
    """Nothing was recorded, or (OUTCOME_UNKNOWN) it cannot be known; `code` is a domain code or one of `SystemCode`."""

    account_id: str
    command_id: str
    code: str
    message: str
    retry_after_ms: int | None = None


class Booked(msgspec.Struct, frozen=True, array_like=True, tag="booked", gc=False):
    """What a caller of thousands of commands wants to know of one that was recorded: the account's version after it,
    and code and figures when it was refused. `order_id` is that of the order that it placed.
    """

    version: int
    is_duplicate: bool
    code: str | None = None
    limit: Figure = None
    actual: Figure = None
    order_id: str | None = None


Result: TypeAlias = Executed | NotExecuted
BriefResult: TypeAlias = Booked | NotExecuted
