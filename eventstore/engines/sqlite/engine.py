"""The SQLite engine: WAL, synchronous=FULL, one transaction and one fsync for the batches of all partitions together.

`append` returns after the fsync, so what it acknowledged survives kill -9 and power loss. Any number of processes may
open the same file: SQLite lets one write at a time, and the primary key decides who appends a seq. Each thread that
uses an engine gets a connection of its own.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from eventstore.engines.sqlite.schema import STATEMENTS
from eventstore.errors import IntegrityError, StoreUnavailable
from eventstore.record import StoredBatch, StoreMetadata

BUSY_TIMEOUT_MS: Final = 10_000
WAL_PAGES_MAX: Final = 4_000

_COLUMNS: Final = ", ".join(StoredBatch.__struct_fields__)
_INSERT: Final = (
    f"INSERT INTO journal ({_COLUMNS}) VALUES ({', '.join('?' * len(StoredBatch.__struct_fields__))}) "  # noqa: S608
    "ON CONFLICT (partition, seq) DO NOTHING"
)
_METADATA: Final = "SELECT store_id, format, partition_count, created_at FROM metadata"
# One look-up for each partition: grouping would read the whole table.
_HEADS: Final = """
    WITH RECURSIVE partitions (number) AS (
        SELECT min(partition) FROM journal
        UNION ALL
        SELECT (SELECT min(partition) FROM journal WHERE partition > number) FROM partitions WHERE number IS NOT NULL
    )
    SELECT number, (SELECT max(seq) FROM journal WHERE partition = number) FROM partitions WHERE number IS NOT NULL
"""
_SELECT: Final = f"SELECT {_COLUMNS} FROM journal WHERE partition = ?"  # noqa: S608


class SQLiteEngine:
    """Keeps the journal in `folder`/journal.sqlite3; the folder is made when it does not exist."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite3"
        self._local = threading.local()

    def open(self, proposed: StoreMetadata) -> StoreMetadata:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._errors():
            if not self._connection().execute("SELECT 1 FROM sqlite_master WHERE name = 'metadata'").fetchone():
                self._create(proposed)
            row = self._connection().execute(_METADATA).fetchone()
            return StoreMetadata(*row)

    def append(self, batches: Sequence[StoredBatch]) -> list[StoredBatch | None]:
        outcomes: list[StoredBatch | None] = []
        with self._errors(), self._transaction() as connection:
            for batch in batches:
                values = tuple(getattr(batch, field) for field in StoredBatch.__struct_fields__)
                if connection.execute(_INSERT, values).rowcount == 1:
                    outcomes.append(None)
                else:
                    row = connection.execute(f"{_SELECT} AND seq = ?", (batch.partition, batch.seq)).fetchone()
                    outcomes.append(_stored(row))
        return outcomes

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        with self._errors(partition):
            rows = self._connection().execute(
                f"{_SELECT} AND seq > ? ORDER BY seq LIMIT ?", (partition, after_seq, limit)
            )
            return [_stored(row) for row in rows.fetchall()]

    def heads(self) -> dict[int, int]:
        with self._errors():
            return dict(self._connection().execute(_HEADS).fetchall())

    def close(self) -> None:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection

    def _create(self, proposed: StoreMetadata) -> None:
        """Make the tables; of several processes that try at once, one makes them and its metadata count."""
        with self._transaction() as connection:
            for statement in STATEMENTS:
                connection.execute(statement)
            values = (proposed.store_id, proposed.format, proposed.partition_count, proposed.created_at)
            connection.execute("INSERT INTO metadata VALUES (1, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1_000)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX}")
            self._local.connection = connection
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self, partition: int | None = None) -> Iterator[None]:
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


def _stored(row: tuple[object, ...]) -> StoredBatch:
    """Return a row as a record; a damaged file can hold values of any type, whatever the table declares."""
    try:
        return msgspec.convert(row, StoredBatch)
    except msgspec.ValidationError as error:
        partition, seq = (value if isinstance(value, int) else -1 for value in row[:2])
        raise IntegrityError(f"the row is not a batch ({error})", partition=partition, seq=seq) from error
