"""Where archive files are kept: the port, and a folder. A file is written once, whole, and never changed.

`put` returns after the bytes are durable under their name. Putting the same bytes again is fine; putting others under a
name that is taken is refused. Names are relative paths of letters, digits, dots, dashes and slashes.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from eventstore.archive.errors import ArchiveError, ArchiveUnavailable, NotInArchive

READ_ONLY: Final = 0o444
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(/[A-Za-z0-9][A-Za-z0-9.-]*)*")


class ArchiveStorage(Protocol):
    """Files by name."""

    def put(self, name: str, content: bytes, *, retain_until: int) -> None:
        """Write a file for good; `retain_until` (UTC microseconds) is a promise where the storage can hold it."""

    def get(self, name: str) -> bytes:
        """Return a file; raises NotInArchive or ArchiveUnavailable."""

    def names(self) -> list[str]:
        """Return the names of all files, in order."""


def check_name(name: str) -> str:
    """Return a name that is one; raises ArchiveError, also for names that would leave the folder."""
    if not _NAME.fullmatch(name):
        raise ArchiveError(f"{name!r} is not the name of an archive file")
    return name


def refuse_other_bytes(name: str) -> ArchiveError:
    """Return the error of a name that is taken."""
    return ArchiveError(f"the archive already has {name}, with other bytes: archive files are never changed")


class FolderStorage:
    """Keeps files in a folder: written under a temporary name, synced, renamed, read-only from then on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, content: bytes, *, retain_until: int) -> None:
        """Write a file; the folder itself cannot hold the promise of `retain_until`."""
        path = self.folder / check_name(name)
        with self._errors():
            if path.exists():
                if path.read_bytes() != content:
                    raise refuse_other_bytes(name)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(READ_ONLY)
            temporary.rename(path)
            for folder in (path.parent, *path.parent.parents):
                _sync(folder)
                if folder == self.folder.parent:
                    break

    def get(self, name: str) -> bytes:
        """Return a file."""
        path = self.folder / check_name(name)
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise NotInArchive(f"{path} is not there: restore it from a copy of the archive") from error
        except OSError as error:
            raise ArchiveUnavailable(f"{path} cannot be read ({error})") from error

    def names(self) -> list[str]:
        """Return the names of all files but temporary ones."""
        with self._errors():
            found = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
            return sorted(str(path.relative_to(self.folder)) for path in found)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ArchiveUnavailable(
                f"the archive folder {self.folder} cannot be used ({error}): check that it can be written and has room"
            ) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
