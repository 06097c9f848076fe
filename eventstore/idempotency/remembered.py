"""The commands of a partition that a writer remembers, so that a retry never executes twice.

Bounded: at least the latest `COMMANDS` commands or those of `SECONDS`, whichever are fewer, at 8 bytes each. What was
forgotten has a time: every command since `complete_since` is remembered. Keys only ask a question: all commands that
share one are kept, and the caller compares with the journal.

The newest commands stand in the order in which they came, with a table to find them by key (`RecentCommands`). The
others are in runs: sorted arrays of unsigned 64-bit integers, the key in the upper 40 bits, the lower 24 bits of the
batch's seq below it. So two commands that share a key stand beside each other. A run is also kept as a page beside
those of the aggregates: derived from the journal, and made again to the same bytes.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from eventstore.errors import IntegrityError
from eventstore.integrity.hashing import page_hash
from eventstore.kernels.compiling import kernel
from eventstore.kernels.texts import mixed
from eventstore.record import StoredPage

Keys: TypeAlias = NDArray[np.uint64]

SEQ_BITS: Final = 24
"""Bits of the seq below a key in an entry: those that tell a run's batches apart."""

_SEQ_MASK: Final = (1 << SEQ_BITS) - 1
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
_LEAST_ENTRIES: Final = 1_024
_STORED: Final = np.dtype("<u8")


@kernel("void(i4[::1], u8[::1], i8, i8, b1[::1])")
def _insert(table: Any, entries: Keys, first: int, count: int, were_there: Any) -> None:
    """Put entries `first` and on into the table; note for each whether its key was there already."""
    mask = np.int64(table.size - 1)
    for entry in range(first, first + count):
        key = entries[entry] >> np.uint64(SEQ_BITS)
        cell = np.int64(mixed(key) & np.uint64(mask))
        was_there = False
        while table[cell] >= 0:
            was_there |= entries[table[cell]] >> np.uint64(SEQ_BITS) == key
            cell = (cell + 1) & mask
        table[cell] = entry
        were_there[entry - first] = was_there


@kernel("i8(i4[::1], u8[::1], u8, u8[::1])")
def _find(table: Any, entries: Keys, key: Any, found: Keys) -> int:
    """Write the entries with a key; return how many there are, whether they found room or not."""
    mask = np.int64(table.size - 1)
    cell, count = np.int64(mixed(key) & np.uint64(mask)), 0
    while table[cell] >= 0:
        entry = entries[table[cell]]
        if entry >> np.uint64(SEQ_BITS) == key:
            if count < found.size:
                found[count] = entry
            count += 1
        cell = (cell + 1) & mask
    return count


class RecentCommands:
    """The commands that are in no run yet. Not safe for threads."""

    def __init__(self) -> None:
        self._entries: Keys = np.zeros(_LEAST_ENTRIES, np.uint64)
        self._table = np.full(4 * _LEAST_ENTRIES, -1, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def entries(self) -> Keys:
        """Each entry's key above the lower bits of its seq, in the order in which they came."""
        return self._entries[: self._count]

    def add(self, keys: Keys, *, seq: int) -> NDArray[np.bool_]:
        """Add the commands of a batch; return for each whether its key was there before, this batch included."""
        first, count = self._count, len(keys)
        self._make_room(first + count)
        self._entries[first : first + count] = keys << np.uint64(SEQ_BITS) | np.uint64(seq & _SEQ_MASK)
        were_there = np.empty(count, np.bool_)
        _insert(self._table, self._entries, first, count, were_there)
        self._count = first + count
        return were_there

    def take_back(self, count: int) -> None:
        """Forget all but the first `count` entries."""
        if count < self._count:
            self._count = count
            self._fill()

    def find(self, key: int) -> Keys:
        """Return the entries with a key."""
        found: Keys = np.empty(4, np.uint64)
        while (count := _find(self._table, self._entries, np.uint64(key), found)) > len(found):
            found = np.empty(count, np.uint64)
        return found[:count]

    def _make_room(self, count: int) -> None:
        if count > len(self._entries):
            larger: Keys = np.zeros(1 << (count - 1).bit_length(), np.uint64)
            larger[: self._count] = self.entries
            self._entries, self._table = larger, np.full(4 * len(larger), -1, np.int32)
            self._fill()

    def _fill(self) -> None:
        self._table[:] = -1
        _insert(self._table, self._entries, 0, self._count, np.empty(self._count, np.bool_))


class Run(NamedTuple):
    """The commands of the batches through `last_seq`, after those of the run before it."""

    keys: Keys
    first_seq: int
    last_seq: int
    last_timestamp: int

    def find(self, wanted: Keys) -> list[tuple[int, int]]:
        """Return (place in `wanted`, seq) for every command of the run that has a wanted key."""
        starts = self.keys.searchsorted(wanted << np.uint64(SEQ_BITS))
        # At most one place past the end; its value is compared as if it stood before it, and is no match then.
        at = self.keys[np.minimum(starts, len(self.keys) - 1)]
        hits: list[tuple[int, int]] = []
        for place in np.nonzero((at >> np.uint64(SEQ_BITS)) == wanted)[0].tolist():
            at_place, key = int(starts[place]), int(wanted[place])
            while at_place < len(self.keys) and (entry := int(self.keys[at_place])) >> SEQ_BITS == key:
                hits.append((place, self.seq_of(entry)))
                at_place += 1
        return hits

    def seq_of(self, entry: int) -> int:
        """Return the seq of an entry: a run spans fewer batches than its lower bits can tell apart."""
        return full_seq(entry, self.last_seq)


def full_seq(entry: int, last_seq: int) -> int:
    """Return the seq of an entry among batches that end with `last_seq`."""
    return last_seq - ((last_seq - entry) & _SEQ_MASK)


def packed(keys: Keys, seqs: Sequence[int]) -> Keys:
    """Return the array of a run: sorted, each key above the lower bits of its seq."""
    entries = keys << np.uint64(SEQ_BITS) | np.array(seqs, np.uint64) & np.uint64(_SEQ_MASK)
    entries.sort()
    return entries


def merged(runs: Sequence[Run]) -> Run:
    """Return consecutive runs as one."""
    keys = np.concatenate([run.keys for run in runs])
    keys.sort()
    return Run(keys, runs[0].first_seq, runs[-1].last_seq, runs[-1].last_timestamp)


def run_name(partition: int) -> str:
    """Return the name that the runs of a partition are kept under, beside the pages of aggregates."""
    return f"#command-keys/{partition}"


def seal_run(run: Run, *, partition: int, first_timestamp: int) -> StoredPage:
    """Return the page that keeps a run."""
    unsealed = StoredPage(
        aggregate_id=run_name(partition),
        first_version=run.first_seq,
        last_version=run.last_seq,
        first_timestamp=first_timestamp,
        last_timestamp=run.last_timestamp,
        hash=b"",
        payload=run.keys.astype(_STORED).tobytes(),
    )
    return msgspec.structs.replace(unsealed, hash=page_hash(unsealed))


def open_run(stored: StoredPage, *, partition: int) -> Run:
    """Check a kept run and return it; raises IntegrityError."""
    if page_hash(stored) != stored.hash or len(stored.payload) % _STORED.itemsize:
        raise IntegrityError(
            "the kept command ids are not what was written: make the pages again (manage.py rebuild_pages)",
            partition=partition,
            seq=stored.first_version,
        )
    keys = np.frombuffer(stored.payload, dtype=_STORED).astype(np.uint64)
    return Run(keys, stored.first_version, stored.last_version, stored.last_timestamp)


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
