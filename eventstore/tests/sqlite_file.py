"""The store's files as somebody opens them who has them: with the same SQLite, but none of our code in between.

Never with Python's own sqlite3: two copies of SQLite in one process undo each other's file locks
(https://www.sqlite.org/howtocorrupt.html#_multiple_copies_of_sqlite_linked_into_the_same_application).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw


@contextmanager
def sqlite_file(path: Path) -> Iterator[apsw.Connection]:
    """Open a file; what the block does is committed."""
    connection = apsw.Connection(str(path))
    try:
        with connection:
            yield connection
    finally:
        connection.close()


@contextmanager
def unprotected(path: Path) -> Iterator[apsw.Connection]:
    """Open a file and take its triggers away, as somebody does who wants to change it."""
    with sqlite_file(path) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection


def back_up(source: Path, target: Path) -> None:
    """Copy a file that may be written meanwhile."""
    copied, copying = apsw.Connection(str(source)), apsw.Connection(str(target))
    try:
        with copying.backup("main", copied, "main") as backup:
            backup.step()
    finally:
        copying.close()
        copied.close()


def empty_the_wal(path: Path) -> None:
    """Move everything from the WAL into the file itself."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
