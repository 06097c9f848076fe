"""Compares a partition with what signed checkpoints say about it, while its batches go by.

Hashes and chains show that what is there is whole. Only a checkpoint shows that the newest batches are still there, and
that the whole partition was not written anew.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eventstore.integrity.merkle import Frontier
from eventstore.integrity.verifier import Finding
from eventstore.record import StoredBatch


class ExpectedHead(NamedTuple):
    """What checkpoint `number` says: the partition's batch `seq` has this hash, the tree up to it this root."""

    seq: int
    hash: bytes
    root: bytes
    number: int


class HeadVerifier:
    """Sees the batches of one partition in order, from its first or from where a frontier ends."""

    def __init__(
        self,
        *,
        partition: int,
        genesis: bytes,
        heads: Sequence[ExpectedHead],
        frontier: Frontier,
        is_tree_whole: bool = True,
    ) -> None:
        self.partition = partition
        self.frontier = frontier
        self.is_tree_whole = is_tree_whole
        self._genesis = genesis
        self._heads: dict[int, list[ExpectedHead]] = {}
        for head in heads:
            self._heads.setdefault(head.seq, []).append(head)

    def begins(self) -> Iterator[Finding]:
        """Yield what checkpoints of the empty partition say wrongly."""
        for head in self._heads.get(0, ()):
            if (head.hash, head.root) != (self._genesis, Frontier().root()):
                yield self._finding(0, f"checkpoint {head.number} names another beginning of this partition")

    def passes(self, batch: StoredBatch) -> Iterator[Finding]:
        """Yield how the next batch differs from what checkpoints say; each kind of difference is reported once."""
        self.is_tree_whole = self.is_tree_whole and batch.seq == self.frontier.size + 1
        if self.is_tree_whole:
            self.frontier.add(batch.hash)
        for head in self._heads.get(batch.seq, ()):
            if batch.hash != head.hash:
                yield self._finding(batch.seq, f"another batch than the one that checkpoint {head.number} names")
            elif self.is_tree_whole and self.frontier.root() != head.root:
                self.is_tree_whole = False  # Every later root differs for the same reason.
                yield self._finding(
                    batch.seq, f"the batches up to here are not those of the tree that checkpoint {head.number} names"
                )

    def ends(self, *, last_seq: int) -> Iterator[Finding]:
        """Yield what checkpoints name past the last batch that there is."""
        missing = [head for seq, heads in self._heads.items() if seq > last_seq for head in heads]
        if missing:
            first, last = min(missing), max(missing)
            yield self._finding(
                last_seq + 1,
                f"missing: the partition ends at seq {last_seq}, and checkpoint {first.number} names seq {first.seq}: "
                f"at least {last.seq - last_seq} of the newest batches were removed",
            )

    def _finding(self, seq: int, detail: str) -> Finding:
        return Finding(self.partition, seq, None, None, detail)
