"""Only one platform runs on a data folder: a lock that the kernel drops when its holder ends, however it ends."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO, Final, NamedTuple

TRIES: Final = 3  # Somebody who only looks holds the lock for a moment.
PAUSE_SECONDS: Final = 0.1


class Holder(NamedTuple):
    """Who runs the platform, and where it answers (empty while it starts)."""

    pid: int
    address: str


class AlreadyRunning(Exception):
    """Another process holds the lock."""

    def __init__(self, holder: Holder) -> None:
        where = f" at {holder.address}" if holder.address else ""
        super().__init__(f"the platform is running already{where} (process {holder.pid}): stop it there with Ctrl-C")
        self.holder = holder


class PlatformLock:
    """The lock of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "run" / "platform.lock"
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock; raises AlreadyRunning."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        for tries_left in reversed(range(TRIES)):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if tries_left == 0:
                    file.close()
                    raise AlreadyRunning(self._read()) from error
                time.sleep(PAUSE_SECONDS)
            else:
                break
        self._file = file
        self.announce("")

    def announce(self, address: str) -> None:
        """Say where the platform answers, for whoever finds the lock taken."""
        assert self._file is not None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()} {address}")
        self._file.flush()

    def holder(self) -> Holder | None:
        """Return who holds the lock, or None when nobody does."""
        if not self._path.exists():
            return None
        with self._path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return self._read()
        return None

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> Holder:
        pid, _, address = self._path.read_text().partition(" ")
        return Holder(int(pid or 0), address)
