"""Runs: the keys of a stretch of a partition's commands, sorted, each with the seq of its batch.

A run is an array of unsigned 64-bit integers: the key in the upper 40 bits, the lower 24 bits of the seq below it. So
sorting it sorts by key, and two commands that share a key stand beside each other. It is kept in memory, and as a page
beside those of the aggregates: derived from the journal, and made again to the same bytes.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from eventstore.errors import IntegrityError
from eventstore.idempotency.recent import SEQ_BITS, Keys
from eventstore.integrity.hashing import page_hash
from eventstore.record import StoredPage

_SEQ_MASK: Final = (1 << SEQ_BITS) - 1
_STORED: Final = np.dtype("<u8")


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
