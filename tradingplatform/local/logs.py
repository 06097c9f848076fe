"""The log file of one process: the process writes to it directly, so nobody has to read for it to go on.

Bounded: past `LOG_BYTES_MAX` the file is copied to `<name>.log.1` and emptied, which a process that appends does not
notice. Lines that are written between the two steps are lost.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

LOG_BYTES_MAX: Final = 10 * 1024 * 1024
TAIL_BYTES_MAX: Final = 64 * 1024


class LogFile:
    """The log of one process, for its whole life and those of its successors."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.log"
        self._began = self._shown = self._size()
        self._unfinished = b""

    def open(self) -> IO[bytes]:
        """Open the file for a process to append to."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._began = self._size()
        return self.path.open("ab")

    def rotate(self) -> None:
        """Keep the file within its bound; a disk that is full is no reason to stop."""
        if self._size() <= LOG_BYTES_MAX:
            return
        with suppress(OSError):
            shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
        try:
            os.truncate(self.path, 0)
        except OSError:
            return
        self._began = self._shown = 0

    def tail(self, lines_max: int) -> list[str]:
        """Return the last lines of the process that has it open."""
        lines = _text(self._read(max(self._began, self._size() - TAIL_BYTES_MAX))).splitlines()
        return [line for line in lines if line.strip()][-lines_max:]

    def new_lines(self) -> list[str]:
        """Return the whole lines that were written since this was asked before."""
        if self._size() < self._shown:
            self._shown = 0
        read = self._read(self._shown)
        self._shown += len(read)
        *whole, self._unfinished = (self._unfinished + read).split(b"\n")
        return [_text(line).rstrip() for line in whole]

    def _read(self, start: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                return file.read(LOG_BYTES_MAX)
        except OSError:
            return b""

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def _text(found: bytes) -> str:
    return found.decode(errors="replace")
