"""The SQLite engine: WAL, synchronous=FULL, one transaction and one fsync for the batches of all partitions together.

`append` returns after the fsync, so what it acknowledged survives kill -9 and power loss. Any number of processes may
open the same files: SQLite lets one write at a time, and the primary key decides who appends a seq.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from eventstore.engines.base import AppendOutcome
from eventstore.engines.sqlite.database import Database, WriteLock, sqlite_version, wal_reset_fault
from eventstore.engines.sqlite.pages import SQLitePages
from eventstore.engines.sqlite.schema import JOURNAL
from eventstore.errors import ConfigurationMismatch, IntegrityError, StoreUnavailable
from eventstore.record import Document, StoredBatch, StoreMetadata

log = structlog.get_logger(__name__)

PROBLEMS_MAX: Final = 20

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
    """Keeps `folder`/journal.sqlite3 and `folder`/pages.sqlite3; the folder is made when it does not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "journal.sqlite3"
        self._journal = Database(self.path, is_durable=True)
        self._write_lock = WriteLock(folder / "journal.turn")
        self.write_lock = self._write_lock.held
        self._pages = SQLitePages(folder / "pages.sqlite3")
        self.reserve_page_range = self._pages.reserve_page_range
        self.put_pages = self._pages.put_pages
        self.page_position = self._pages.page_position
        self.replace_pages = self._pages.replace_pages
        self.page_stretches = self._pages.page_stretches
        self.last_page = self._pages.last_page
        self.pages = self._pages.pages

    def check_exists(self) -> None:
        if not os.path.exists(self.path):
            raise ConfigurationMismatch(f"there is no event store in {self._folder}: check EVENT_STORE_PATH")

    def open(self, proposed: StoreMetadata) -> StoreMetadata:
        fault = wal_reset_fault(sqlite_version())
        if fault is not None:
            log.warning("eventstore.sqlite_has_a_fault", fault=fault)
        with suppress(OSError):  # What is in the way is said of the file.
            self._folder.mkdir(parents=True, exist_ok=True)
        with self._journal.errors():
            connection = self._journal.connection()
            if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'metadata'").fetchone():
                self._create(proposed)
            row = connection.execute(_METADATA).fetchone()
        if row is None:
            raise StoreUnavailable(f"{self.path} is damaged: it does not say which store it is")
        self._pages.create()
        return StoreMetadata(*row)

    def reopened(self) -> "SQLiteEngine":
        return SQLiteEngine(self._folder)

    def expect_appends(self) -> None:
        try:
            with self._journal.errors(), self._write_lock.held():
                self._journal.lengthen_wal()
        except StoreUnavailable as error:  # It is slower without, and no more.
            log.warning("eventstore.wal_not_lengthened", reason=str(error))

    def append(self, batches: Sequence[StoredBatch]) -> list[AppendOutcome]:
        with self._journal.errors(), self._write_lock.held(), self._journal.transaction():
            return [self._append_one(batch) for batch in batches]

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        query = f"{_SELECT} AND seq > ? ORDER BY seq LIMIT ?"
        return [_stored(row) for row in self._journal.rows(query, (partition, after_seq, limit), partition=partition)]

    def heads(self) -> dict[int, int]:
        return dict(self._journal.rows(_HEADS))

    def seek(self, *, partition: int, timestamp: int) -> int:
        """Timestamps never decrease within a partition, so halving finds the place, and no index has to be kept."""
        query = "SELECT seq, last_timestamp FROM journal WHERE partition = ? AND seq >= ? ORDER BY seq LIMIT 1"
        before, after = 0, self.heads().get(partition, 0) + 1
        while after - before > 1:
            middle = (before + after) // 2
            ((seq, last_timestamp),) = self._journal.rows(query, (partition, middle), partition=partition)
            if last_timestamp < timestamp:
                before = seq
            else:
                after = middle
        return before

    def forget(self, *, partition: int, first_seq: int, last_seq: int, manifest_hash: bytes) -> None:
        with self._journal.errors(), self._journal.transaction() as connection:
            connection.execute(
                "INSERT INTO forgotten VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (partition, first_seq, last_seq, manifest_hash),
            )
            connection.execute(
                "DELETE FROM journal WHERE partition = :partition AND seq BETWEEN :first AND :last "
                "AND seq < (SELECT max(seq) FROM journal WHERE partition = :partition)",
                {"partition": partition, "first": first_seq, "last": last_seq},
            )

    def append_document(self, document: Document) -> bool:
        with self._journal.errors(), self._journal.transaction() as connection:
            values = msgspec.structs.astuple(document)
            connection.execute("INSERT INTO document VALUES (?, ?, ?) ON CONFLICT DO NOTHING", values)
            return connection.changes() == 1

    def documents(self, *, kind: str, after: int = 0) -> list[Document]:
        query = "SELECT kind, number, body FROM document WHERE kind = ? AND number > ? ORDER BY number"
        return [Document(*row) for row in self._journal.rows(query, (kind, after))]

    def latest_document(self, *, kind: str) -> Document | None:
        query = "SELECT kind, number, body FROM document WHERE kind = ? ORDER BY number DESC LIMIT 1"
        return next((Document(*row) for row in self._journal.rows(query, (kind,))), None)

    def problems(self) -> list[str]:
        found = self._journal.rows(f"PRAGMA quick_check({PROBLEMS_MAX})")
        return [f"{self.path.name}: {problem}" for (problem,) in found if problem != "ok"]

    def close(self) -> None:
        self._journal.close()
        self._write_lock.close()
        self._pages.close()

    def _create(self, proposed: StoreMetadata) -> None:
        """Make the tables; of several processes that try at once, one makes them and its metadata count."""
        with self._journal.transaction() as connection:
            for statement in JOURNAL:
                connection.execute(statement)
            values = msgspec.structs.astuple(proposed)
            connection.execute("INSERT INTO metadata VALUES (1, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)

    def _append_one(self, batch: StoredBatch) -> StoredBatch | None:
        connection = self._journal.connection()
        connection.execute(_INSERT, msgspec.structs.astuple(batch))
        if connection.changes() == 1:
            return None
        row: Any = connection.execute(f"{_SELECT} AND seq = ?", (batch.partition, batch.seq)).fetchone()
        return _stored(row)


def _stored(row: tuple[object, ...]) -> StoredBatch:
    """Return a row as a record; a damaged file can hold values of any type, whatever the table declares."""
    try:
        return msgspec.convert(row, StoredBatch)
    except msgspec.ValidationError as error:
        partition, seq = (value if isinstance(value, int) else -1 for value in row[:2])
        raise IntegrityError(f"the row is not a batch ({error})", partition=partition, seq=seq) from error
