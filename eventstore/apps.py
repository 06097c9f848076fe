"""Django's name for the event store, so that its management commands are found. The package itself needs no Django."""

from typing import Any

from django.apps import AppConfig
from django.core import checks

from eventstore.engines.sqlite.database import sqlite_version, wal_reset_fault


class EventStoreConfig(AppConfig):
    """The event store."""

    name = "eventstore"

    def ready(self) -> None:
        """Have the system checks tell of a SQLite that can damage a journal."""
        checks.register(_check_sqlite)


def _check_sqlite(**_: Any) -> list[checks.CheckMessage]:
    fault = wal_reset_fault(sqlite_version())
    return [] if fault is None else [checks.Warning(fault, id="eventstore.W001")]
