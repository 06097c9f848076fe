"""Where the library `eventsourcing` keeps its events: fresh SQLite files, or fresh schemas of a PostgreSQL database.

A place opens an application on an empty store, says how durable that store really is, counts what is in it over a
connection of its own (not the library's), and knows how many bytes it took. Every store is removed when it is left.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Composed, Identifier

A = TypeVar("A", bound=Application[UUID])

_DURABILITY: Final = ("fsync", "synchronous_commit")
SYNCHRONOUS_FULL: Final = 2
"""What SQLite answers to `PRAGMA synchronous` when every commit waits for its fsync."""


class Place(ABC):
    """A kind of store that the library can use. `bytes_stored` is that of the store that was left last."""

    name: str
    bytes_note: str
    bytes_stored: int = 0

    @abstractmethod
    def fresh(self, application_class: type[A]) -> AbstractContextManager[A]:
        """Open an application on an empty store."""

    @abstractmethod
    def durability(self, application: Application[UUID]) -> str:
        """Say what an acknowledged event survives."""

    @abstractmethod
    def count(self) -> int:
        """Return how many events the open store holds."""

    def assert_stored(self, expected: int) -> None:
        """Check that the open store holds exactly what was acknowledged."""
        found = self.count()
        assert found == expected, f"{expected} events were acknowledged and {found} are there"


class SQLitePlace(Place):
    """One file, with the library's own settings: WAL, one connection for each thread that needs one."""

    name = "sqlite"
    bytes_note = "the file after its last connection closed, index included"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "eventsourcing.sqlite3"

    @contextmanager
    def fresh(self, application_class: type[A]) -> Iterator[A]:
        """Open an application on an empty file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        settings = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(self._path)}
        application = application_class(env=settings)
        try:
            yield application
        finally:
            application.close()
        self.bytes_stored = self._path.stat().st_size
        self._path.unlink()

    def durability(self, application: Application[UUID]) -> str:
        """Ask the library's own connection, and refuse one that would not wait for the disk."""
        datastore: Any = application.factory.datastore  # type: ignore[attr-defined]
        with datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA synchronous")
            (synchronous,) = cursor.fetchone()
            cursor.execute("PRAGMA journal_mode")
            (journal_mode,) = cursor.fetchone()
        if synchronous != SYNCHRONOUS_FULL or journal_mode != "wal":
            raise RuntimeError(
                f"the library would write with synchronous={synchronous} and journal_mode={journal_mode}: "
                f"it is only comparable with synchronous={SYNCHRONOUS_FULL} and wal"
            )
        return "WAL, synchronous=FULL"

    def count(self) -> int:
        """Count over a new connection."""
        with closing(sqlite3.connect(self._path)) as connection:
            (found,) = connection.execute("SELECT count(*) FROM stored_events").fetchone()
            return int(found)


class PostgresPlace(Place):
    """One schema, with the database functions that the library's own speed runs switch on, and one connection."""

    name = "postgres"
    bytes_note = "pg_total_relation_size, both indexes included, WAL not"

    def __init__(self, url: str) -> None:
        self._url = url
        self._schema = "peer_eventsourcing"
        self._table = ""

    @contextmanager
    def fresh(self, application_class: type[A]) -> Iterator[A]:
        """Open an application on an empty schema."""
        self._execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(self._schema)))
        self._execute(SQL("CREATE SCHEMA {}").format(Identifier(self._schema)))
        self._table = f"{application_class.name.lower()}_events"
        application = application_class(env=self._settings())
        try:
            yield application
        finally:
            application.close()
        qualified = f"{self._schema}.{self._table}"
        self.bytes_stored = int(self._execute(SQL("SELECT pg_total_relation_size({})").format(qualified)))
        self._execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(self._schema)))

    def durability(self, application: Application[UUID]) -> str:
        """Say how the server is set."""
        del application
        settings = {name: self._execute(SQL("SHOW {}").format(Identifier(name))) for name in _DURABILITY}
        return ", ".join(f"{name}={value}" for name, value in settings.items())

    def count(self) -> int:
        """Count over a new connection."""
        table = Identifier(self._schema, self._table)
        return int(self._execute(SQL("SELECT count(*) FROM {}").format(table)))

    def _settings(self) -> dict[str, str]:
        parts = conninfo_to_dict(self._url)
        names = {"DBNAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
        return {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_SCHEMA": self._schema,
            "POSTGRES_ENABLE_DB_FUNCTIONS": "y",
            "POSTGRES_POOL_SIZE": "1",
            "POSTGRES_MAX_OVERFLOW": "0",
            **{f"POSTGRES_{key}": str(parts[part]) for key, part in names.items()},
        }

    def _execute(self, statement: Composed) -> Any:
        """Return the first value of the first row; None where a statement has no rows."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None
