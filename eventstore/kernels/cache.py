"""Where compiled kernels are kept from one start to the next: Numba's cache, made safe for many processes at once.

A kernel is taken from it when every module that it may be made of says what it said then. What is not there is compiled
by one process at a time: the others wait, say so, and find it there. A folder that may not be written to, a full disk
and a damaged file cost the time of compiling, and keep nobody from starting.
"""

import fcntl
import hashlib
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

from numba import config
from numba.core.caching import FunctionCache

log = logging.getLogger(__name__)

LOCK_FILE: Final = "kernels.lock"
WAIT_SECONDS_MAX: Final = 60.0
"""Far longer than any kernel takes: whoever holds the lock for so long hangs, and is not waited for."""
_LOOK_SECONDS: Final = 0.05


class CannotBeKept(Exception):
    """There is no folder that compiled kernels could be kept in; the message says what to do."""


class KernelCache:
    """The cache of one kernel, as Numba asks for it; to be closed when the kernel has been compiled."""

    def __init__(self, function: Callable[..., Any], folders: Iterable[Path]) -> None:
        """`folders` are those of the modules that the kernel is made of. Raises CannotBeKept."""
        try:
            self._cache: Any = FunctionCache(function)  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise CannotBeKept(
                "compiled kernels cannot be kept: neither __pycache__ beside their modules nor the user's cache folder "
                "may be written to, so every process compiles them when it starts; name a folder with NUMBA_CACHE_DIR"
            ) from error
        is_checked = config.BOUNDSCHECK  # type: ignore[attr-defined]
        self._cache._cache_file._source_stamp = (is_checked, *map(_digest, sorted({*folders})))
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._lock: IO[bytes] | None = None

    @property
    def cache_path(self) -> str:
        """The folder of the cache."""
        path: str = self._cache.cache_path
        return path

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the kernel, or None when this process is to compile it."""
        found = self._load(signature, context)
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while found is None:
            has_lock = self._take_lock()
            found = self._load(signature, context)  # Again: whoever had the lock may have compiled it.
            if found is not None or has_lock or time.monotonic() > deadline:
                break
            say_once(f"waiting for another process, which compiles kernels into {self.cache_path}")
            time.sleep(_LOOK_SECONDS)
        if found is None:
            log.info("compiling %s", self._name)
        else:
            self.close()
        return found

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep the kernel; where that is not possible, say so and go on."""
        try:
            self._cache.save_overload(signature, compiled)
        except OSError as error:
            log.warning("%s was compiled and cannot be kept in %s: %s", self._name, self.cache_path, error)

    def close(self) -> None:
        """Let others compile."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _load(self, signature: Any, context: Any) -> Any:
        try:
            return self._cache.load_overload(signature, context)
        except Exception as error:  # A damaged file may hold anything, and fails in as many ways.
            log.warning("what is kept of %s in %s cannot be used: %r", self._name, self.cache_path, error)
            with suppress(OSError):
                Path(self._cache._cache_file._index_path).unlink()
            return None

    def _take_lock(self) -> bool:
        """Tell whether nobody else compiles into this folder; True, too, where there can be no lock."""
        if self._lock is None:
            with suppress(OSError):
                self._lock = (Path(self.cache_path) / LOCK_FILE).open("ab")
        if self._lock is None:
            return True
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@cache
def say_once(message: str) -> None:
    """Log a warning the first time that this process has it."""
    log.warning("%s", message)


@cache
def _digest(folder: Path) -> bytes:
    """Return the hash of the modules of a folder. Their times are left out: a copy or an image may not have them."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        digest.update(f"{folder.name}/{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()
