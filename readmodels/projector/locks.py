"""Advisory locks of PostgreSQL between whoever writes read models: workers, retries of dead letters, rebuilds.

A projecting transaction holds PROJECTING together with all others; a rebuild takes it alone, for the moments in which
nothing may be written. They end with their transaction or session, so nobody has to clean up after a killed process.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from django.db import OperationalError, connection

PROJECTING: Final = 7_421_001
"""Key of the lock that projecting transactions share."""
REBUILDING: Final = 7_421_002
"""Key of the lock that a rebuild holds from its beginning to its end."""
ADDING_SUMS: Final = 7_421_004
"""Key of the lock of whoever writes rows that are no account's own, sums and names: one at a time, so no two wait for
one another's rows.
"""
PAUSE_WAIT_SECONDS_MAX: Final = 60
"""How long a rebuild waits for the transactions of workers, which take well under a second each."""


class RebuildRunning(Exception):
    """Somebody else rebuilds the read models."""


class PauseNotReached(Exception):
    """A transaction that projects did not end."""


def may_project() -> bool:
    """Tell whether this transaction may write read models; first thing in it. False while a rebuild pauses everybody.

    The transaction is not waited for at its commit: the rows can be made again from events, and losing the last
    moments of them in a crash costs nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'off', true), pg_try_advisory_xact_lock_shared(%s)", [PROJECTING]
        )
        return bool(cursor.fetchone()[1])


def wait_to_project() -> None:
    """Return when this transaction may write read models."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [PROJECTING])


def wait_to_add_sums() -> None:
    """Return when no other transaction adds to sums; none does until this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADDING_SUMS])


@contextmanager
def rebuilding_alone() -> Iterator[None]:
    """Keep others from rebuilding meanwhile; raises RebuildRunning when somebody does already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [REBUILDING])
        if not cursor.fetchone()[0]:
            raise RebuildRunning("another rebuild of the read models is running: wait for its end, or end it")
    try:
        yield
    finally:
        _release(REBUILDING)


@contextmanager
def paused_projections() -> Iterator[ExitStack]:
    """Keep everybody else from writing read models, until the end or until the result is closed before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{PAUSE_WAIT_SECONDS_MAX}s"])
        try:
            cursor.execute("SELECT pg_advisory_lock(%s)", [PROJECTING])
        except OperationalError as error:
            raise PauseNotReached(
                f"a projecting transaction did not end for {PAUSE_WAIT_SECONDS_MAX} s: see pg_stat_activity, and run "
                "this again when it has"
            ) from error
        finally:
            cursor.execute("RESET lock_timeout")
    with ExitStack() as pause:
        pause.callback(_release, PROJECTING)
        yield pause


def _release(key: int) -> None:
    """Release a lock of the session; one whose connection was lost is released already."""
    if connection.connection is None or connection.connection.closed:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
