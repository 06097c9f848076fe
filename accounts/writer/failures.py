"""What a caller is told of a command that was not executed: a stable code, a message, and when to try again."""

from typing import Final, NamedTuple

from accounts.domain.errors import Code, CommandInvalid
from accounts.writer.errors import SystemCode
from accounts.writer.limits import OVERLOADED_RETRY_AFTER_MS
from eventstore.errors import (
    ClockUntrusted,
    CommandIdExpired,
    CommandIdReused,
    ConflictLimitReached,
    OutcomeUnknown,
    StoreUnavailable,
)

_INTERNAL_MESSAGE: Final = "the command could not be executed; nothing was written. The writer's log says why"


class Failure(NamedTuple):
    """Why a command was not executed; `retry_after_ms` where trying again may help."""

    code: str
    message: str
    retry_after_ms: int | None = None


def failure_of(error: Exception) -> Failure:
    """Return what to tell of an error; anything unexpected is INTERNAL_ERROR, and its text stays in the log."""
    if isinstance(error, CommandInvalid):
        return Failure(error.code.value, error.message)
    if isinstance(error, CommandIdReused):
        return Failure(Code.COMMAND_ID_REUSED.value, str(error))
    if isinstance(error, CommandIdExpired):
        return Failure(Code.COMMAND_ID_EXPIRED.value, str(error))
    if isinstance(error, ConflictLimitReached):
        return Failure(SystemCode.CONFLICT.value, str(error), OVERLOADED_RETRY_AFTER_MS)
    if isinstance(error, ClockUntrusted):
        return Failure(SystemCode.CLOCK_UNTRUSTED.value, str(error), OVERLOADED_RETRY_AFTER_MS)
    if isinstance(error, OutcomeUnknown):
        return Failure(SystemCode.OUTCOME_UNKNOWN.value, str(error))
    if isinstance(error, StoreUnavailable):
        return Failure(SystemCode.STORE_UNAVAILABLE.value, str(error), OVERLOADED_RETRY_AFTER_MS)
    return Failure(SystemCode.INTERNAL_ERROR.value, _INTERNAL_MESSAGE)
