"""What an API key was allowed a moment ago: a program that sends hundreds of commands a second is not looked up for
each.

Only what was allowed is kept, for at most `ACCESS_SECONDS`: so a revoked key, or a role that was taken away, counts
after that time at the latest. Keys are held as hashes. One per web process; bounded.
"""

import hashlib
import time
from collections.abc import Callable
from typing import Final

from accounts.permissions import Access

ACCESS_SECONDS: Final = 1.0
ENTRIES_MAX: Final = 10_000


class RecentAccess:
    """Accesses by key and account; `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[tuple[bytes, str | None], tuple[float, Access]] = {}

    def find(self, key: str, account_id: str | None) -> Access | None:
        """Return what the key was allowed on the account within the last moment."""
        entry = self._entries.get((_hash(key), account_id))
        if entry is None or self._clock() >= entry[0]:
            return None
        return entry[1]

    def remember(self, key: str, account_id: str | None, access: Access) -> None:
        """Keep an access that was found in the database just now."""
        if len(self._entries) >= ENTRIES_MAX:
            self._entries.clear()
        self._entries[(_hash(key), account_id)] = (self._clock() + ACCESS_SECONDS, access)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
