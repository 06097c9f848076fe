"""The commands of a partition that a writer remembers, so that a retry never executes twice.

Bounded: at least the latest `COMMANDS` commands or those of `SECONDS`, whichever are fewer, at 8 bytes each. What was
forgotten has a time: every command since `complete_since` is remembered.

Keys only ask a question. All commands that share one are kept, and the caller compares with the journal.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eventstore.idempotency.recent import SEQ_BITS, Keys, RecentCommands
from eventstore.idempotency.runs import Run, full_seq, merged

COMMANDS: Final = 4_000_000
"""Commands of a partition that are remembered at the most, but for what stands in the same run as the oldest of
them ..."""

SECONDS: Final = 86_400
"""... and for how long."""

RECENT_MAX: Final = 16_384
"""Commands that are kept in the order in which they came before they become a run."""

RUN_MAX: Final = 262_144
"""Commands of a run at the most: sorting that many takes a few milliseconds, for which a writer stands still."""

_RUN_BATCHES_MAX: Final = 1 << (SEQ_BITS - 1)


class RememberedCommands:
    """One partition's. Used from one thread."""

    def __init__(self, *, commands: int = COMMANDS, seconds: int = SECONDS) -> None:
        self.complete_since = 0
        """Every command at or after this instant (UTC microseconds) is remembered."""
        self._commands = commands
        self._microseconds = seconds * 1_000_000
        self._recent = RecentCommands()
        self._recent_first_seq = 0
        self._runs: deque[Run] = deque()
        self._in_runs = 0

    def __len__(self) -> int:
        return self._in_runs + len(self._recent)

    def find(self, keys: Keys) -> dict[int, list[int]]:
        """Return the seqs, for each place in `keys` whose key is among those of earlier runs."""
        found: dict[int, list[int]] = {}
        for run in self._runs:
            for place, seq in run.find(keys):
                found.setdefault(place, []).append(seq)
        return found

    def find_recent(self, key: int, *, last_seq: int) -> list[int]:
        """Return the seqs of a key among the newest commands, which are in no run yet and end with `last_seq`."""
        return [full_seq(entry, last_seq) for entry in self._recent.find(key).tolist()]

    def remember(self, keys: Keys, *, seq: int) -> NDArray[np.bool_]:
        """Note commands of the batch `seq`, which has no smaller seq than any before it; return for each whether its
        key is among the newest ones already, this batch's own included.
        """
        return self._recent.add(keys, seq=seq)

    @property
    def recent(self) -> int:
        """How many commands are in no run yet; `take_back` leaves so many."""
        return len(self._recent)

    def take_back(self, recent: int) -> None:
        """Forget the newest commands, which did not become durable, but for so many."""
        self._recent.take_back(recent)

    def move_on(self, *, seq: int, timestamp: int) -> None:
        """Say that the batch `seq` is durable and all of its commands are noted; forget what is beyond the bounds."""
        self._recent_first_seq = self._recent_first_seq or seq
        if len(self._recent) >= RECENT_MAX or seq - self._recent_first_seq >= _RUN_BATCHES_MAX:
            self.close_recent(seq=seq, timestamp=timestamp)
        self._let_go(timestamp)

    def add_run(self, run: Run) -> None:
        """Add the commands that follow those of all runs; nothing is recent yet."""
        self._in_runs += len(run.keys)
        while self._runs and self._may_merge(self._runs[-1], run):
            run = merged([self._runs.pop(), run])
        self._runs.append(run)

    def close_recent(self, *, seq: int, timestamp: int) -> None:
        """Make a run of what is recent, which ends with the batch `seq` of this instant."""
        if not self._recent:
            return
        keys = np.sort(self._recent.entries)
        self._recent.take_back(0)
        self.add_run(Run(keys, self._recent_first_seq, seq, timestamp))
        self._recent_first_seq = 0

    def _let_go(self, now: int) -> None:
        while self._runs:
            oldest = self._runs[0]
            is_old = oldest.last_timestamp < now - self._microseconds
            if not is_old and self._in_runs - len(oldest.keys) < self._commands:
                return
            self._runs.popleft()
            self._in_runs -= len(oldest.keys)
            self.complete_since = oldest.last_timestamp + 1

    @staticmethod
    def _may_merge(before: Run, run: Run) -> bool:
        """Merge runs of about one size, so that each command is sorted a few times and the runs stay few."""
        return (
            len(before.keys) < 2 * len(run.keys)
            and len(before.keys) + len(run.keys) <= RUN_MAX
            and run.last_seq - before.first_seq < _RUN_BATCHES_MAX
        )


def load(runs: Iterable[Run], remembered: RememberedCommands) -> None:
    """Add kept runs, oldest first, merged before they are added."""
    waiting: list[Run] = []
    size = 0
    for run in runs:
        if waiting and (size + len(run.keys) > RUN_MAX or run.last_seq - waiting[0].first_seq >= _RUN_BATCHES_MAX):
            remembered.add_run(merged(waiting))
            waiting, size = [], 0
        waiting.append(run)
        size += len(run.keys)
    if waiting:
        remembered.add_run(merged(waiting))
