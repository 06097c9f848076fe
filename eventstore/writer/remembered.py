"""Which commands of an aggregate were executed already, so that a retry never executes twice.

Only the hash that this process has of a command id is kept (Python's own: keyed, so nobody can prepare collisions),
and where its commit is. A hash that is met again is a question, not an answer: the writer reads the commit and compares
the real id, and takes the first result from there.

Looking up costs the same however many there are: an account may have half a million commands in a minute.
"""

from typing import Final, NamedTuple

from eventstore.writer.limits import REMEMBERED_COMMANDS_MIN

_GROWTH: Final = 1.25
"""Memory is looked through for what may be forgotten when it has grown by so much, so that each command pays little."""


class Place(NamedTuple):
    """Where a command's commit is: the seq of its batch, or (0: known from a page only) the version of its commit."""

    version: int
    seq: int


def place_of(remembered: int) -> Place:
    """Return the place that a remembered number stands for."""
    return Place(version=0, seq=remembered) if remembered > 0 else Place(version=-remembered, seq=0)


class RememberedCommands(dict[int, int]):
    """The latest commands of one aggregate, oldest first: hash to the seq of the batch, or to the negative version of
    a commit that is known from a page. Bounded by count and age (see limits.py).
    """

    __slots__ = ("_paged_through_seq", "look_at")

    def __init__(self) -> None:
        super().__init__()
        self.look_at = int(REMEMBERED_COMMANDS_MIN * _GROWTH)
        """How many there have to be for `forget` to be worth its while."""
        self._paged_through_seq = 0

    def remember(self, command_id: str, *, seq: int) -> None:
        """Note a durable command of a batch."""
        self[hash(command_id)] = seq

    def remember_paged(self, command_id: str, *, version: int, through_seq: int) -> None:
        """Note a command that is known from a page; the journal went through `through_seq` then."""
        self[hash(command_id)] = -version
        self._paged_through_seq = through_seq

    def forget(self, *, through_seq: int) -> None:
        """Forget what is beyond both bounds: batches through a seq are older than the one of age, and as many as the
        one of count says stay whatever their age. Does nothing below `look_at`.
        """
        if len(self) < self.look_at:
            return
        paged = through_seq >= self._paged_through_seq
        kept_from = 0
        for kept_from, seq in enumerate(self.values()):
            if len(self) - kept_from <= REMEMBERED_COMMANDS_MIN or (seq > through_seq if seq > 0 else not paged):
                break
        if kept_from:
            latest = list(self.items())[kept_from:]
            self.clear()
            self.update(latest)
        self.look_at = int(max(len(self), REMEMBERED_COMMANDS_MIN) * _GROWTH)
