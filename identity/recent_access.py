"""What an API key was allowed a moment ago: a program that sends hundreds of commands a second is not looked up for
each.

Only what was allowed is kept, for at most `ACCESS_SECONDS`: so a revoked key, or a role that was taken away, counts
after that time at the latest; what the database refuses is forgotten at once. Who goes on asking is looked up anew,
beside its requests, when half of that time is over, so that none of them waits for it. While the database is away
nobody can ask it, or take anything away there: then what it allowed within the last `OUTAGE_SECONDS` still counts, so
that commands go on. Keys are held as hashes. One per web process; bounded.
"""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Final, Generic, TypeVar

from identity.api_keys import key_digest

A = TypeVar("A")

ACCESS_SECONDS: Final = 1.0
OUTAGE_SECONDS: Final = 600.0
ENTRIES_MAX: Final = 10_000
ROLES_MAX: Final = 100_000


class RecentAccess(Generic[A]):
    """What keys were allowed, by key and account; `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[bytes, dict[str | None, tuple[float, A]]] = {}
        self._count = 0
        self._renewals: set[tuple[bytes, str | None]] = set()

    def find(self, key: str, account_id: str | None) -> A | None:
        """Return what the key was allowed on the account within the last moment."""
        return self._find(key, account_id, ACCESS_SECONDS)

    def find_during_outage(self, key: str, account_id: str | None) -> A | None:
        """Return what the key was allowed on the account before the database went away."""
        return self._find(key, account_id, OUTAGE_SECONDS)

    def begin_renewal(self, key: str, account_id: str | None) -> float | None:
        """Return the instant as of which what is kept is to be looked up anew now; None as long as it is fresh, or is
        being looked up. Whoever is given one says `end_renewal`.
        """
        name = (key_digest(key), account_id)
        entry, now = self._entries.get(name[0], {}).get(account_id), self._clock()
        if entry is None or now - entry[0] < ACCESS_SECONDS / 2 or name in self._renewals:
            return None
        self._renewals.add(name)
        return now

    def end_renewal(self, key: str, account_id: str | None) -> None:
        """Say that a look-up is over, whatever came of it."""
        self._renewals.discard((key_digest(key), account_id))

    def remember(self, key: str, account_id: str | None, access: A, *, as_of: float | None = None) -> None:
        """Keep an access that was found in the database just now, or that stands on what was found there `as_of`."""
        if self._count >= ENTRIES_MAX:
            self._entries.clear()
            self._count = 0
        of_key = self._entries.setdefault(key_digest(key), {})
        self._count += account_id not in of_key
        of_key[account_id] = (self._clock() if as_of is None else as_of, access)

    def forget(self, key: str, account_id: str | None = None) -> None:
        """Keep nothing that the database has refused: of one account, or without one of the key altogether."""
        of_key = self._entries.get(key_digest(key), {})
        for name in [account_id] if account_id is not None else list(of_key):
            self._count -= of_key.pop(name, None) is not None

    def _find(self, key: str, account_id: str | None, seconds_max: float) -> A | None:
        entry = self._entries.get(key_digest(key), {}).get(account_id)
        return None if entry is None or self._clock() - entry[0] >= seconds_max else entry[1]


class RecentRoles:
    """The roles that users had on accounts a moment ago, for batches; what somebody may not is asked for every time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._roles: dict[tuple[int, str], tuple[float, str]] = {}

    def find(self, user_id: int, account_ids: Collection[str]) -> dict[str, str]:
        """Return the roles that are known of these accounts."""
        return self._find(user_id, account_ids, ACCESS_SECONDS)

    def find_during_outage(self, user_id: int, account_ids: Collection[str]) -> dict[str, str]:
        """Return the roles that were known of these accounts before the database went away."""
        return self._find(user_id, account_ids, OUTAGE_SECONDS)

    def remember(self, user_id: int, account_ids: Collection[str], roles: Mapping[str, str]) -> None:
        """Keep the roles that were found in the database just now on these accounts, and nothing of the others."""
        if len(self._roles) + len(roles) > ROLES_MAX:
            self._roles.clear()
        now = self._clock()
        for account_id in account_ids:
            self._roles.pop((user_id, account_id), None)
        self._roles.update({(user_id, account_id): (now, role) for account_id, role in roles.items()})

    def _find(self, user_id: int, account_ids: Collection[str], seconds_max: float) -> dict[str, str]:
        since = self._clock() - seconds_max
        entries = {account_id: self._roles.get((user_id, account_id)) for account_id in account_ids}
        return {account_id: entry[1] for account_id, entry in entries.items() if entry and entry[0] > since}
