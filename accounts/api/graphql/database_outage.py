"""What to do while PostgreSQL is away: commands do not need it, only to know who sends them.

Whoever was allowed something shortly before may do it still (recent_access.py); everybody else gets
DATABASE_UNAVAILABLE at once. A database that is busy is not away: whoever finds it so is answered in the same way, and
nobody else. One request every `LOOK_AGAIN_SECONDS` looks whether it is back, so that the others do not wait for it.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from django.db import InterfaceError, OperationalError

from accounts.api.graphql.errors import ApiError
from edge.breaker import Breaker
from edge.database import answers, is_away

LOOK_AGAIN_SECONDS: Final = 5.0
RETRY_AFTER_MS: Final = 1_000
AWAY: Final = (OperationalError, InterfaceError)
"""What Django raises when the database does not answer."""

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")
Remembered = TypeVar("Remembered")

_breaker: Final = Breaker(LOOK_AGAIN_SECONDS)


async def ask_database(ask: Callable[[], Awaitable[Answer]], *, remembered: Remembered | None) -> Answer | Remembered:
    """Return what the database says, or, while it is away, what is remembered.

    Raises ApiError DATABASE_UNAVAILABLE when it is away and nothing is remembered.
    """
    if await _may_ask():
        try:
            return await ask()
        except AWAY as error:
            if not await is_away(error):
                log.warning("the database is busy", reason=str(error))
            elif _breaker.note(answered=False):
                log.warning("the database does not answer")
    if remembered is None:
        raise database_unavailable()
    return remembered


async def _may_ask() -> bool:
    """Tell whether to ask the database; the caller who finds out whether it is back asks it a question of its own.

    What callers want to know does not always come to the database: a key that is none is refused without it.
    """
    if _breaker.is_closed:
        return True
    if not _breaker.may_ask():
        return False
    is_back = await answers()
    if _breaker.note(answered=is_back):
        log.warning("the database answers again")
    return is_back


def database_unavailable() -> ApiError:
    """The database is away, and what was asked for needs it."""
    message = "the platform's database does not answer, so nothing was done: try again in a moment"
    return ApiError("DATABASE_UNAVAILABLE", message, retry_after_ms=RETRY_AFTER_MS)
