"""What identifies a command: the aggregate, who sent it, and the id that the sender gave it.

Ids belong to their sender: two users may both call a command "1". The sender is the first segment of the actor, so it
must be something that never changes and is never given to anybody else; what follows (a name, a key) may change.
"""

import uuid
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eventstore.idempotency.remembered import Keys
from eventstore.kernels.texts import Texts, hash_pairs, pack_texts

KEY_BITS: Final = 40
"""A key is short on purpose: it asks a question, and the journal answers it. Of 4,000,000 remembered commands, four
new ones in a million share a key with one of them, which costs a look at the journal.
"""

_SENDERS_KEPT: Final = 4_096

_CARRIED_SINCE: Final = 1_577_836_800_000
"""2020-01-01 in milliseconds. What would be an earlier time is no time: "00000000000000000000000001" is a counter."""

CLOCK_TOLERANCE_US: Final = 60_000_000
"""How far the clock of who makes ids with a time in them may be off."""

_CROCKFORD: Final = {digit: value for value, digit in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


def sender_of(actor: str) -> str:
    """Return who sent a command, by its actor: "user:17" of "user:17/alice/key:3/bot"."""
    return actor.partition("/")[0]


class CommandKeys:
    """Makes the keys of one store's commands: of `KEY_BITS` bits, from aggregate, sender and command id.

    The same in every process that opens the store, and different in every store, so nobody can prepare collisions.
    """

    def __init__(self, store_id: str) -> None:
        self._salted = blake2b(digest_size=8, salt=uuid.UUID(store_id).bytes)
        self._seed = lru_cache(maxsize=_SENDERS_KEPT)(self._seed_of)

    def of(
        self, aggregate_ids: Texts, command_ids: Texts, *, actors: Sequence[str], actors_of: NDArray[np.int64]
    ) -> Keys:
        """Return the keys of commands whose identifiers are rows; command i was sent by `actors[actors_of[i]]`."""
        seeds = np.array([self._seed(sender_of(actor)) for actor in actors], np.uint64)
        keys = np.empty(len(aggregate_ids), np.uint64)
        hash_pairs(aggregate_ids, command_ids, actors_of, seeds, keys)
        keys >>= np.uint64(64 - KEY_BITS)
        return keys

    def of_texts(self, identities: Sequence[tuple[str, str, str]]) -> Keys:
        """Return the keys of commands by (aggregate id, actor, command id)."""
        aggregate_ids, actors, command_ids = zip(*identities, strict=True) if identities else ((), (), ())
        places = {actor: place for place, actor in enumerate(dict.fromkeys(actors))}
        actors_of = np.array([places[actor] for actor in actors], np.int64)
        rows = pack_texts(aggregate_ids), pack_texts(command_ids)
        return self.of(*rows, actors=list(places), actors_of=actors_of)

    def _seed_of(self, sender: str) -> int:
        digest = self._salted.copy()
        digest.update(sender.encode(errors="surrogatepass"))
        return int.from_bytes(digest.digest(), "big")


def carried_time(command_id: str, *, now: int) -> int | None:
    """Return the instant (UTC microseconds) that a UUIDv7 (RFC 9562) or a ULID carries, None for any other id.

    A time before 2020, or after `now` and the tolerance of clocks, is taken for chance.
    """
    if len(command_id) == 36 and command_id[14] == "7":
        milliseconds = _of_uuid(command_id)
    elif len(command_id) == 26:
        milliseconds = _of_ulid(command_id)
    else:
        return None
    if milliseconds is None or not _CARRIED_SINCE <= milliseconds <= (now + CLOCK_TOLERANCE_US) // 1_000:
        return None
    return milliseconds * 1_000


def may_carry_time(command_ids: Texts) -> NDArray[np.bool_]:
    """Tell of each id whether it has the length and the mark of one that `carried_time` looks into."""
    is_uuid = (command_ids[:, 35] != 0) & (command_ids[:, 36] == 0) & (command_ids[:, 14] == ord("7"))
    is_ulid = (command_ids[:, 25] != 0) & (command_ids[:, 26] == 0)
    found: NDArray[np.bool_] = is_uuid | is_ulid
    return found


def is_expired(command_id: str, *, complete_since: int, now: int) -> bool:
    """Tell whether an id carries a time from before every command is remembered (`complete_since`, 0: since ever)."""
    if complete_since == 0:
        return False
    carried = carried_time(command_id, now=now)
    return carried is not None and carried < complete_since + CLOCK_TOLERANCE_US


def _of_uuid(command_id: str) -> int | None:
    try:
        return uuid.UUID(command_id).int >> 80
    except ValueError:
        return None


def _of_ulid(command_id: str) -> int | None:
    """Return the first ten digits of a ULID, which are its time in milliseconds (github.com/ulid/spec)."""
    values = [_CROCKFORD.get(digit) for digit in command_id.upper()]
    if None in values:
        return None
    milliseconds = 0
    for value in values[:10]:
        milliseconds = milliseconds * 32 + (value or 0)
    return milliseconds
