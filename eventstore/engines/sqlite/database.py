"""A SQLite file as the engine uses it: a connection for each thread, immediate transactions, a lock on writing, our own
errors.

SQLite is the one that the apsw wheel brings, not the system's: see `wal_reset_fault`. A file that may not be written
(an auditor's copy, a read-only mount) is read as it is, and nothing is made beside it.
"""

import errno
import fcntl
import os
import re
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import apsw

from eventstore.errors import IntegrityError, StoreUnavailable

WAIT_SECONDS_MAX: Final = 10
PAUSE_SECONDS: Final = 0.000_5
BUSY_TIMEOUT_MS: Final = 10_000
WAL_PAGES_MAX: Final = 4_000
_FILLER_PAGES: Final = 250
_CACHE_PAGES_WHILE_LENGTHENING: Final = 16

WAL_RESET_FIXED: Final = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""The first releases of three lines without the fault; every later line is without it (sqlite.org/wal.html)."""

_DAMAGE: Final = (
    apsw.CorruptError,
    apsw.FormatError,
    apsw.MismatchError,
    apsw.NotADBError,
    apsw.TooBigError,
    UnicodeDecodeError,
)
"""Errors of what the file holds; all others are of the circumstances."""


def sqlite_version() -> str:
    """Return the version of the SQLite that the event store uses."""
    return apsw.sqlite_lib_version()


def wal_reset_fault(version: str) -> str | None:
    """Return what is wrong with a version of SQLite, None when nothing is.

    Before these releases two connections that write and checkpoint at the same moment can make SQLite take a part of
    the WAL for copied that is not, and damage the file: https://www.sqlite.org/wal.html#walresetbug.
    """
    found = tuple(int(digits) for digits in re.findall(r"\d+", version)[:3])
    if found >= WAL_RESET_FIXED[-1] or any(found[:2] == fixed[:2] and found >= fixed for fixed in WAL_RESET_FIXED):
        return None
    return (
        f"SQLite {version} can damage a journal when its WAL is reset (sqlite.org/wal.html#walresetbug): "
        "needed is 3.51.3 or later, or 3.50.7, or 3.44.6; install the apsw wheel that requirements.txt names"
    )


class Database:
    """One file in WAL mode. With `is_durable` a transaction is on disk when it ends; else a power cut may undo the
    last ones, never half of one.

    With `schema`, a file that is not there and cannot be made is an empty one.
    """

    def __init__(self, path: Path, *, is_durable: bool, schema: Sequence[str] = ()) -> None:
        self.path = path
        self._synchronous = "FULL" if is_durable else "NORMAL"
        self._schema = schema
        self._local = threading.local()
        _databases.add(self)

    @property
    def is_writable(self) -> bool:
        """Whether this process may write the file, or make it where it does not exist."""
        existing = next(folder for folder in (self.path.parent, *self.path.parents) if os.path.exists(folder))
        return os.access(existing, os.W_OK) and (not os.path.exists(self.path) or os.access(self.path, os.W_OK))

    def connection(self) -> apsw.Connection:
        """Return this thread's connection."""
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connected()
        return connection

    def close(self) -> None:
        """Close this thread's connection."""
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close(True)
            del self._local.connection

    def abandon(self) -> None:
        """Forget the connections of the process that this one was forked from, without closing them: what SQLite knows
        of their locks is true in that process only.
        """
        _abandoned.append(getattr(self._local, "connection", None))
        self._local = threading.local()

    def rows(self, query: str, parameters: Sequence[Any] = (), *, partition: int | None = None) -> list[Any]:
        """Return the rows of a query; what is found damaged is read a second time over a new connection.

        `partition` is the one that is read, to place damage.
        """
        with self.errors(partition):
            try:
                return self.connection().execute(query, parameters).fetchall()
            except _DAMAGE:
                self.close()
                return self.connection().execute(query, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
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

    def lengthen_wal(self) -> None:
        """Give the WAL its full length now, unless it has it. An fsync after a write that made its file longer waits
        for the file system's own journal as well; SQLite writes over a WAL that is long enough.

        What does that is a transaction that is too large for the cache, so it is written to the WAL, and then undone.
        """
        connection = self.connection()
        page_bytes, cache = (connection.pragma(name) for name in ("page_size", "cache_size"))
        wal = self.path.with_name(f"{self.path.name}-wal")
        if wal.exists() and wal.stat().st_size >= WAL_PAGES_MAX * page_bytes:
            return
        connection.execute(f"PRAGMA cache_size = {_CACHE_PAGES_WHILE_LENGTHENING}")
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE filler (content BLOB)")
            for _ in range(WAL_PAGES_MAX // _FILLER_PAGES):
                connection.execute("INSERT INTO filler VALUES (zeroblob(?))", (_FILLER_PAGES * page_bytes,))
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.execute(f"PRAGMA cache_size = {cache}")

    @contextmanager
    def errors(self, partition: int | None = None) -> Iterator[None]:
        """Translate SQLite's errors; see `rows`."""
        try:
            yield
        except apsw.ConstraintError as error:
            raise StoreUnavailable(f"{self.path} refused the write: {error}") from error
        except _DAMAGE as error:
            self.close()
            if partition is None:
                raise StoreUnavailable(f"{self.path} is damaged ({error}): run `manage.py verify_events`") from error
            raise IntegrityError(f"{self.path.name} is damaged ({error})", partition=partition, seq=None) from error
        except apsw.Error as error:
            raise StoreUnavailable(self._explained(error)) from error

    def _connected(self) -> apsw.Connection:
        if not self.is_writable:
            return self._connected_read_only()
        connection = apsw.Connection(str(self.path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        for setting in ("journal_mode = WAL", f"synchronous = {self._synchronous}"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX}")
        return connection

    def _connected_read_only(self) -> apsw.Connection:
        """Read what is there, the WAL included, without making or changing any file.

        Beside a live writer, who has made the -shm file, its index of the WAL is shared. In a copy nobody writes: the
        index is made in memory, without locks, or there is no WAL and the file is all there is.
        """
        if self._schema and not (os.path.exists(self.path) and self.path.stat().st_size):
            connection = apsw.Connection(":memory:")
            for statement in self._schema:
                connection.execute(statement)
            return connection
        wal, shared = (self.path.with_name(self.path.name + suffix) for suffix in ("-wal", "-shm"))
        if os.path.exists(shared):
            with suppress(apsw.Error):
                return self._opened_read_only("mode=ro")
        if os.path.exists(wal) and wal.stat().st_size > 0:
            return self._opened_read_only("vfs=unix-none", "PRAGMA locking_mode = EXCLUSIVE")
        return self._opened_read_only("immutable=1")

    def _opened_read_only(self, option: str, *statements: str) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(f"{self.path.absolute().as_uri()}?{option}", flags=flags)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        for statement in (*statements, "SELECT count(*) FROM sqlite_schema"):  # Only now is it known to be readable.
            connection.execute(statement).fetchall()
        return connection

    def _explained(self, error: apsw.Error) -> str:
        """Say what is in the way, as far as it can be seen."""
        folder = self.path.parent
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        number = connection.system_errno if connection is not None else 0
        if isinstance(error, apsw.FullError) or (isinstance(error, apsw.IOError) and number == errno.ENOSPC):
            return f"the disk of {self.path} is full: nothing was written; make room"
        if isinstance(error, apsw.BusyError | apsw.LockedError):
            return f"{self.path} was kept locked for {BUSY_TIMEOUT_MS // 1_000} s: see whether a process hangs"
        if isinstance(error, apsw.IOError):
            reason = f"{error}: {os.strerror(number)}" if number else str(error)
            return f"{self.path} cannot be read or written ({reason}): check the disk"
        if not os.path.exists(folder):
            return f"{self.path} is not there, and its folder neither: check EVENT_STORE_PATH"
        if not os.access(folder, os.X_OK):
            return f"the folder {folder} may not be entered by this user ({_user()}): check its owner and mode"
        if self.path.is_dir():
            return f"{self.path} is a folder, expected a file"
        if not os.path.exists(self.path):
            return f"{self.path} is not there and the folder may not be written by this user ({_user()})"
        if not os.access(self.path, os.R_OK):
            return f"{self.path} may not be read by this user ({_user()}): check its owner and mode"
        if isinstance(error, apsw.ReadOnlyError) or not self.is_writable:
            return f"{self.path} may only be read by this user ({_user()}) here, not written ({error})"
        return f"{self.path} cannot be used ({error})"


_databases: Final[weakref.WeakSet[Database]] = weakref.WeakSet()
_abandoned: Final[list[apsw.Connection | None]] = []


def _abandon_all() -> None:
    for database in list(_databases):
        database.abandon()


os.register_at_fork(after_in_child=_abandon_all)


def _user() -> str:
    return f"uid {os.geteuid()}"


class WriteLock:
    """A lock on writing the journal, of threads and processes: the kernel's lock on a file beside it, which ends with a
    process that dies.

    SQLite lets one write at a time as well, but whoever waits for it looks ever more rarely, up to every tenth of a
    second, and has decided on a state that the other one then moves on from: beside a busy writer it would lose every
    race. This lock may be held from reading what is new to the append, and then nobody can come between. It is a matter
    of fairness only: who appends a seq is decided by the journal's primary key, also when the lock file is removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread_lock = threading.RLock()
        self._depth = 0
        self._file: int | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until nobody else holds the lock, then hold it during the block. Reentrant.

        Raises StoreUnavailable when another one holds it for ten seconds, or the lock file cannot be written.
        """
        if not self._thread_lock.acquire(timeout=WAIT_SECONDS_MAX):
            raise self._kept()
        try:
            if self._depth == 0:
                self._lock()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0 and self._file is not None:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._thread_lock.release()

    def close(self) -> None:
        with self._thread_lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _lock(self) -> None:
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            try:
                if self._file is None:
                    self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise self._kept() from None
                time.sleep(PAUSE_SECONDS)
            except OSError as error:
                raise StoreUnavailable(
                    f"{self._path} cannot be used ({error}): check that it may be written"
                ) from error

    def _kept(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"another process has been writing to the journal for {WAIT_SECONDS_MAX} s ({self._path}): "
            "see whether one hangs, and end it"
        )
