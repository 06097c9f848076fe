"""The pages' own file: derived from the journal, so it is not fsynced with every write, and may be deleted while
nothing runs.

Apart from the journal's file, so that writing pages never makes a command wait.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw
import msgspec

from eventstore.engines.sqlite.database import Database
from eventstore.engines.sqlite.schema import ADD_STATE_VERSION, PAGES
from eventstore.errors import IntegrityError
from eventstore.record import StoredPage, Stretch

_COLUMNS: Final = ", ".join(StoredPage.__struct_fields__)
_INSERT: Final = f"REPLACE INTO page ({_COLUMNS}) VALUES ({', '.join('?' * len(StoredPage.__struct_fields__))})"  # noqa: S608
_SELECT: Final = f"SELECT {_COLUMNS} FROM page WHERE aggregate_id = ?"  # noqa: S608
_POSITION: Final = "SELECT coalesce(max(seq), 0) FROM page_position WHERE partition = ?"
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
            if not self._has_state_version() and self._database.is_writable:
                with self._database.transaction() as connection:
                    for statement in PAGES:
                        connection.execute(statement)
                    if not self._has_state_version():
                        connection.execute(ADD_STATE_VERSION)

    def reserve_page_range(self, *, partition: int, after_seq: int, through_seq: int) -> int:
        return through_seq  # Pages and position are written in one transaction.

    def put_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> bool:
        with self._database.errors(), self._database.transaction() as connection:
            ((position,),) = connection.execute(_POSITION, (partition,)).fetchall()
            if position != stretch.after_seq:
                return False
            self._write(connection, pages, partition, stretch)
            return True

    def replace_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> None:
        with self._database.errors(), self._database.transaction() as connection:
            self._write(connection, pages, partition, stretch)

    def page_position(self, *, partition: int) -> int:
        ((position,),) = self._database.rows(_POSITION, (partition,))
        return int(position)

    def page_stretches(self, *, partition: int) -> list[Stretch]:
        query = (
            "SELECT lag(seq, 1, 0) OVER (ORDER BY seq), seq, state_version FROM page_position WHERE partition = ? "
            "ORDER BY seq"
        )
        return [Stretch(*row) for row in self._database.rows(query, (partition,))]

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
        return next(map(_stored, self._database.rows(f"{_SELECT}{conditions} {order}", parameters)), None)

    def pages(self, aggregate_id: str, *, after_version: int, limit: int) -> list[StoredPage]:
        first = self.last_page(aggregate_id, version=after_version + 1)
        query = f"{_SELECT} AND first_version >= ? AND last_version > ? ORDER BY first_version LIMIT ?"
        parameters = (aggregate_id, first.first_version if first else 0, after_version, limit)
        return [_stored(row) for row in self._database.rows(query, parameters)]

    def close(self) -> None:
        """Close this thread's connection."""
        self._database.close()

    def _has_state_version(self) -> bool:
        query = "SELECT 1 FROM pragma_table_info('page_position') WHERE name = 'state_version'"
        return self._database.connection().execute(query).fetchone() is not None

    def _write(
        self, connection: apsw.Connection, pages: Sequence[StoredPage], partition: int, stretch: Stretch
    ) -> None:
        connection.executemany(_INSERT, map(msgspec.structs.astuple, pages))
        position = (partition, stretch.through_seq, stretch.state_version)
        connection.execute("REPLACE INTO page_position (partition, seq, state_version) VALUES (?, ?, ?)", position)


def _stored(row: tuple[object, ...]) -> StoredPage:
    try:
        return msgspec.convert(row, StoredPage)
    except msgspec.ValidationError as error:
        raise IntegrityError(
            f"the row is not a page ({error}): make the pages again (manage.py rebuild_pages)",
            partition=-1,
            seq=None,
            aggregate_id=str(row[0]),
        ) from error
