"""The embedded default engine: one SQLite file in WAL mode, every acknowledged batch on disk."""

from eventstore.engines.sqlite.engine import SQLiteEngine

__all__ = ["SQLiteEngine"]
