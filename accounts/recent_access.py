"""What an API key was allowed a moment ago: a program that sends hundreds of commands a second is not looked up for
each.

Only what was allowed is kept, for at most `ACCESS_SECONDS`: so a revoked key, or a role that was taken away, counts
after that time at the latest. Keys are held as hashes. One per web process; bounded.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from accounts.permissions import Access

ACCESS_SECONDS: Final = 1.0
ENTRIES_MAX: Final = 10_000
ROLES_MAX: Final = 100_000


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


class RecentRoles:
    """The roles that users had on accounts a moment ago, for batches; what somebody may not is asked for every time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._roles: dict[tuple[int, str], tuple[float, str]] = {}

    def find(self, user_id: int, account_ids: Collection[str]) -> dict[str, str]:
        """Return the roles that are known of these accounts."""
        now = self._clock()
        found: dict[str, str] = {}
        for account_id in account_ids:
            entry = self._roles.get((user_id, account_id))
            if entry is not None and now < entry[0]:
                found[account_id] = entry[1]
        return found

    def remember(self, user_id: int, roles: Mapping[str, str]) -> None:
        """Keep roles that were found in the database just now."""
        if len(self._roles) + len(roles) > ROLES_MAX:
            self._roles.clear()
        good_until = self._clock() + ACCESS_SECONDS
        self._roles.update({(user_id, account_id): (good_until, role) for account_id, role in roles.items()})


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
