"""Which commands of an aggregate were executed already, so that a retry never executes twice.

Only a 64-bit hash of a command id and the seq of its batch are kept. A hash that is met again is a question, not an
answer: the writer reads the batch and compares the real id, and takes the first result from there.
"""

import hashlib

from eventstore.writer.limits import REMEMBERED_COMMANDS_MIN, REMEMBERED_SECONDS

_WINDOW_US = REMEMBERED_SECONDS * 1_000_000


def command_hash(command_id: str) -> int:
    """Return a 64-bit hash of a command id."""
    return int.from_bytes(hashlib.blake2b(command_id.encode(), digest_size=8).digest(), "big")


class RememberedCommands:
    """The latest commands of one aggregate, oldest first, bounded by count and age (see limits.py)."""

    __slots__ = ("_seqs",)

    def __init__(self) -> None:
        self._seqs: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._seqs)

    def find(self, hashed: int) -> int | None:
        """Return the seq of the batch that holds the command with this hash, if it is remembered."""
        found = self._seqs.get(hashed)
        return None if found is None else found[0]

    def remember(self, hashed: int, *, seq: int, timestamp: int) -> None:
        """Note a durable command; forget those beyond both bounds."""
        seqs = self._seqs
        seqs[hashed] = (seq, timestamp)
        while len(seqs) > REMEMBERED_COMMANDS_MIN:
            oldest = next(iter(seqs))
            if seqs[oldest][1] > timestamp - _WINDOW_US:
                return
            del seqs[oldest]
