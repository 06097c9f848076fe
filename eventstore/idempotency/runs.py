"""Runs: the keys of a stretch of a partition's commands, sorted, each with the seq of its batch.

A run is an array of unsigned 64-bit integers: the key in the upper 40 bits, the lower 24 bits of the seq below it. So
sorting it sorts by key, and two commands that share a key stand beside each other. It is kept in memory, and as a page
beside those of the aggregates: derived from the journal, and made again to the same bytes.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from eventstore.errors import IntegrityError
from eventstore.idempotency.command_ids import KEY_BITS
from eventstore.integrity.hashing import page_hash
from eventstore.record import StoredPage

Keys: TypeAlias = npt.NDArray[np.uint64]

SEQ_BITS: Final = 64 - KEY_BITS
_SEQ_MASK: Final = (1 << SEQ_BITS) - 1
_STORED: Final = np.dtype("<u8")
_FEW: Final = 16
"""Up to so many keys are looked for one by one, which costs less than arrays of them."""


class Run(NamedTuple):
    """The commands of the batches through `last_seq`, after those of the run before it."""

    keys: Keys
    first_seq: int
    last_seq: int
    last_timestamp: int

    def find(self, wanted: Sequence[int]) -> list[tuple[int, int]]:
        """Return (place in `wanted`, seq) for every command of the run that has a wanted key."""
        if len(wanted) <= _FEW:
            starts: Sequence[int] = [int(self.keys.searchsorted(np.uint64(key << SEQ_BITS))) for key in wanted]
            places: Iterable[int] = range(len(wanted))
        else:
            lowest = np.array(wanted, dtype=np.uint64) << np.uint64(SEQ_BITS)
            found = self.keys.searchsorted(lowest)
            # At most one place past the end; its value is compared as if it stood before it, and is no match then.
            at = self.keys[np.minimum(found, len(self.keys) - 1)]
            places = np.nonzero((at >> np.uint64(SEQ_BITS)) == (lowest >> np.uint64(SEQ_BITS)))[0].tolist()
            starts = found.tolist()
        hits: list[tuple[int, int]] = []
        for place in places:
            at_place = starts[place]
            while at_place < len(self.keys) and (packed := int(self.keys[at_place])) >> SEQ_BITS == wanted[place]:
                hits.append((place, self._seq(packed & _SEQ_MASK)))
                at_place += 1
        return hits

    def _seq(self, low: int) -> int:
        """Return the seq with these lower bits: a run spans fewer batches than they can tell apart."""
        return self.last_seq - ((self.last_seq - low) & _SEQ_MASK)


def packed(keys: Iterable[int], seqs: Iterable[int]) -> Keys:
    """Return the array of a run: sorted, each key above the lower bits of its seq."""
    pairs = [(key << SEQ_BITS) | (seq & _SEQ_MASK) for key, seq in zip(keys, seqs, strict=True)]
    array = np.array(pairs, dtype=np.uint64)
    array.sort()
    return array


def merged(runs: Sequence[Run]) -> Run:
    """Return consecutive runs as one."""
    keys = np.concatenate([run.keys for run in runs])
    keys.sort()
    return Run(keys, runs[0].first_seq, runs[-1].last_seq, runs[-1].last_timestamp)


def run_name(partition: int) -> str:
    """Return the name that the runs of a partition are kept under, beside the pages of aggregates."""
    return f"#commands/{partition}"


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
            "the kept command ids are not what was written: drop the pages and make them again "
            "(manage.py rebuild_pages)",
            partition=partition,
            seq=stored.first_version,
        )
    keys = np.frombuffer(stored.payload, dtype=_STORED).astype(np.uint64)
    return Run(keys, stored.first_version, stored.last_version, stored.last_timestamp)
