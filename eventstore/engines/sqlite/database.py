"""A SQLite file as the engine uses it: a connection for each thread, immediate transactions, our own errors."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eventstore.errors import IntegrityError, StoreUnavailable

BUSY_TIMEOUT_MS: Final = 10_000
WAL_PAGES_MAX: Final = 4_000


class Database:
    """One file in WAL mode. With `is_durable` a transaction is on disk when it ends; else a power cut may undo the
    last ones, never half of one.
    """

    def __init__(self, path: Path, *, is_durable: bool) -> None:
        self.path = path
        self._synchronous = "FULL" if is_durable else "NORMAL"
        self._local = threading.local()

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1_000)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX}")
            self._local.connection = connection
        return connection

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what the block does, or nothing of it when it raises."""
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def errors(self, partition: int | None = None) -> Iterator[None]:
        """Translate SQLite's errors; `partition` is the one that is read, to place damage."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise StoreUnavailable(f"{self.path} refused the write: {error}") from error
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(
                f"{self.path} cannot be used ({error}): check that the disk has room and that the file may be written"
            ) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self.close()
            if partition is None:
                raise StoreUnavailable(f"{self.path} is damaged ({error}): run `manage.py verify_events`") from error
            raise IntegrityError(f"{self.path.name} is damaged ({error})", partition=partition, seq=None) from error
