"""Turns at the journal: processes that write the same file take the kernel's lock on a file beside it, one at a time.

SQLite lets one write at a time as well, but whoever waits for it looks ever more rarely, up to every tenth of a second,
and has decided on a state that the other one then moves on from: beside a busy writer it would lose every race. A turn
may last from reading what is new to the append, and then nobody can come between. It is a matter of fairness only: who
appends a seq is decided by the journal's primary key, also when the lock file is removed.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eventstore.errors import StoreUnavailable

WAIT_SECONDS_MAX: Final = 10
PAUSE_SECONDS: Final = 0.000_5


class Turns:
    """Gives turns to threads of this process and to other processes; the kernel ends the turn of one that dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread_lock = threading.RLock()
        self._depth = 0
        self._file: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until nobody else has a turn, then have it during the block. A turn within a turn is the same one.

        Raises StoreUnavailable when another one keeps its turn for ten seconds, or the lock file cannot be written.
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
        """Release the file."""
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
