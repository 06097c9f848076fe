"""Which commands of an aggregate were executed already, so that a retry never executes twice.

Only the hash that this process has of a command id is kept (Python's own: keyed, so nobody can prepare collisions),
and where its commit is. A hash that is met again is a question, not an answer: the writer reads the commit and compares
the real id, and takes the first result from there. Packed: a busy aggregate costs 32 bytes a command, and there may be
a hundred thousand of them.
"""

from struct import Struct
from typing import Final, NamedTuple

from eventstore.writer.limits import REMEMBERED_COMMANDS_MIN, REMEMBERED_SECONDS

HASH_BYTES: Final = 8
_HASH: Final = Struct("<q")
_RECORD: Final = Struct("<QQQ")
"""Version, seq, timestamp."""
_WINDOW_US: Final = REMEMBERED_SECONDS * 1_000_000
_TRIM_COMMANDS: Final = REMEMBERED_COMMANDS_MIN // 4
_FULL_BYTES: Final = (REMEMBERED_COMMANDS_MIN + _TRIM_COMMANDS) * HASH_BYTES


class Place(NamedTuple):
    """Where a command's commit is: its version, and the seq of its batch (0: known from a page only)."""

    version: int
    seq: int


def command_hash(command_id: str) -> bytes:
    """Return this process's 64-bit hash of a command id."""
    return _HASH.pack(hash(command_id))


class RememberedCommands:
    """The latest commands of one aggregate, oldest first, bounded by count and age (see limits.py)."""

    __slots__ = ("_hashes", "_records")

    def __init__(self) -> None:
        self._hashes = bytearray()
        self._records = bytearray()

    def __len__(self) -> int:
        return len(self._hashes) // HASH_BYTES

    def find(self, hashed: bytes) -> Place | None:
        """Return where the command with this hash is, if it is remembered."""
        at = self._hashes.find(hashed)
        while at % HASH_BYTES:
            if at < 0:
                return None
            at = self._hashes.find(hashed, at + 1)
        version, seq, _ = _RECORD.unpack_from(self._records, at // HASH_BYTES * _RECORD.size)
        return Place(version, seq)

    def remember(self, hashed: bytes, *, version: int, seq: int, timestamp: int) -> None:
        """Note a durable command; forget, some at a time, those beyond both bounds."""
        self._hashes += hashed
        self._records += _RECORD.pack(version, seq, timestamp)
        if len(self._hashes) >= _FULL_BYTES:
            self._trim(timestamp - _WINDOW_US)

    def _trim(self, oldest: int) -> None:
        _, _, timestamp = _RECORD.unpack_from(self._records, (_TRIM_COMMANDS - 1) * _RECORD.size)
        if timestamp > oldest:
            return
        del self._hashes[: _TRIM_COMMANDS * HASH_BYTES]
        del self._records[: _TRIM_COMMANDS * _RECORD.size]
