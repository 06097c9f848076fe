"""The embedded default engine: two SQLite files in WAL mode, every acknowledged batch on disk."""

from eventstore.engines.sqlite.engine import SQLiteEngine

__all__ = ["SQLiteEngine"]
