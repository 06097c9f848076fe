"""What to do while PostgreSQL is away: commands do not need it, only to know who sends them.

Whoever was allowed something shortly before may do it still (recent_access.py); everybody else gets
DATABASE_UNAVAILABLE at once. A database that is busy is not away: whoever finds it so is answered in the same way, and
nobody else. One request every `LOOK_AGAIN_SECONDS` looks whether it is back, so that the others do not
wait for it.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from django.db import InterfaceError, OperationalError

from accounts.api.graphql.errors import ApiError
from edge.database import is_away

LOOK_AGAIN_SECONDS: Final = 5.0
RETRY_AFTER_MS: Final = 1_000
AWAY: Final = (OperationalError, InterfaceError)
"""What Django raises when the database does not answer."""

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")
Remembered = TypeVar("Remembered")


class DatabaseOutage:
    """Whether the database was away a moment ago; `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._look_again_at: float | None = None

    def is_known(self) -> bool:
        """Tell whether the database need not be asked now; who is told False while it is away looks for everybody."""
        if self._look_again_at is None:
            return False
        now = self._clock()
        if now < self._look_again_at:
            return True
        self._look_again_at = now + LOOK_AGAIN_SECONDS
        return False

    def note(self, *, answered: bool) -> None:
        """Remember whether the database answered; says so once when that changes."""
        was_away = self._look_again_at is not None
        self._look_again_at = None if answered else self._clock() + LOOK_AGAIN_SECONDS
        if answered == was_away:
            log.warning("the database answers again" if answered else "the database does not answer")


_outage: Final = DatabaseOutage()


async def ask_database(ask: Callable[[], Awaitable[Answer]], *, remembered: Remembered | None) -> Answer | Remembered:
    """Return what the database says, or, while it is away, what is remembered.

    Raises ApiError DATABASE_UNAVAILABLE when it is away and nothing is remembered.
    """
    if not _outage.is_known():
        try:
            answer = await ask()
        except AWAY as error:
            if await is_away(error):
                _outage.note(answered=False)
            else:
                log.warning("the database is busy", reason=str(error))
        else:
            _outage.note(answered=True)
            return answer
    if remembered is None:
        raise database_unavailable()
    return remembered


def database_unavailable() -> ApiError:
    """The database is away, and what was asked for needs it."""
    message = "the platform's database does not answer, so nothing was done: try again in a moment"
    return ApiError("DATABASE_UNAVAILABLE", message, retry_after_ms=RETRY_AFTER_MS)
