"""The pages' own file: derived from the journal, so it is not fsynced with every write and may be deleted at any time.

Apart from the journal's file, so that writing pages never makes a command wait.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from eventstore.engines.sqlite.database import Database
from eventstore.engines.sqlite.schema import PAGES
from eventstore.errors import IntegrityError
from eventstore.record import StoredPage

_COLUMNS: Final = ", ".join(StoredPage.__struct_fields__)
_INSERT: Final = (
    f"INSERT INTO page ({_COLUMNS}) VALUES ({', '.join('?' * len(StoredPage.__struct_fields__))}) "  # noqa: S608
    "ON CONFLICT (aggregate_id, first_version) DO NOTHING"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM page WHERE aggregate_id = ?"  # noqa: S608
_LAST: Final = "ORDER BY first_version DESC LIMIT 1"
# By the index of times: by version it would look at every page since the instant.
_LAST_BY_TIME: Final = "ORDER BY first_timestamp DESC, first_version DESC LIMIT 1"


class SQLitePages:
    """Keeps pages in one file; implements the port `Pages`."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, is_durable=False, schema=PAGES)

    def create(self) -> None:
        """Make the file when it does not exist."""
        with self._database.errors():
            if not self._database.connection().execute("SELECT 1 FROM sqlite_master WHERE name = 'page'").fetchone():
                with self._database.transaction() as connection:
                    for statement in PAGES:
                        connection.execute(statement)

    def claim_stretch(self, *, partition: int, after_seq: int, through_seq: int) -> int:
        return through_seq  # Pages and position are written in one transaction.

    def put_pages(self, pages: Sequence[StoredPage], *, partition: int, after_seq: int, through_seq: int) -> bool:
        with self._database.errors(), self._database.transaction() as connection:
            if _position(connection, partition) != after_seq:
                return False
            connection.executemany(_INSERT, map(msgspec.structs.astuple, pages))
            connection.execute("INSERT INTO page_position VALUES (?, ?)", (partition, through_seq))
            return True

    def page_position(self, *, partition: int) -> int:
        with self._database.errors():
            return _position(self._database.connection(), partition)

    def page_positions(self, *, partition: int) -> list[int]:
        with self._database.errors():
            rows: Any = self._database.connection().execute(
                "SELECT seq FROM page_position WHERE partition = ? ORDER BY seq", (partition,)
            )
            return [seq for (seq,) in rows]

    def last_page(
        self, aggregate_id: str, *, version: int | None = None, timestamp: int | None = None
    ) -> StoredPage | None:
        conditions = ""
        parameters: tuple[str | int, ...] = (aggregate_id,)
        if version is not None:
            conditions, parameters = f"{conditions} AND first_version <= ?", (*parameters, version)
        if timestamp is not None:
            conditions, parameters = f"{conditions} AND first_timestamp <= ?", (*parameters, timestamp)
        order = _LAST if timestamp is None else _LAST_BY_TIME
        with self._database.errors():
            row = self._database.connection().execute(f"{_SELECT}{conditions} {order}", parameters).fetchone()
        return None if row is None else _stored(row)

    def pages(self, aggregate_id: str, *, after_version: int, limit: int) -> list[StoredPage]:
        first = self.last_page(aggregate_id, version=after_version + 1)
        with self._database.errors():
            rows = self._database.connection().execute(
                f"{_SELECT} AND first_version >= ? AND last_version > ? ORDER BY first_version LIMIT ?",
                (aggregate_id, first.first_version if first else 0, after_version, limit),
            )
            return [_stored(row) for row in rows.fetchall()]

    def drop_pages(self) -> None:
        with self._database.errors(), self._database.transaction() as connection:
            connection.execute("DELETE FROM page")
            connection.execute("DELETE FROM page_position")

    def close(self) -> None:
        """Close this thread's connection."""
        self._database.close()


def _position(connection: apsw.Connection, partition: int) -> int:
    row: Any = connection.execute("SELECT coalesce(max(seq), 0) FROM page_position WHERE partition = ?", (partition,))
    return int(row.fetchone()[0])


def _stored(row: tuple[object, ...]) -> StoredPage:
    try:
        return msgspec.convert(row, StoredPage)
    except msgspec.ValidationError as error:
        raise IntegrityError(
            f"the row is not a page ({error}): drop the pages and make them again",
            partition=-1,
            seq=None,
            aggregate_id=str(row[0]),
        ) from error
