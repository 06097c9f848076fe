"""The frontier of a growing Merkle tree: the roots of its whole subtrees, largest first, one for each 1 in its size.

That is all that is needed to add leaves and to know the root: O(log n) hashes for any number of leaves (the "compact
range" that starts at 0). It cannot prove anything about single leaves; merkle.py does, from all of them.
"""

from collections.abc import Sequence

from eventstore.integrity.merkle import hash_pair, merkle_root


class Frontier:
    """A tree that only grows. `hashes` are the roots of its whole subtrees, from the largest to the smallest."""

    def __init__(self, *, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if size < 0 or size.bit_count() != len(hashes):
            raise ValueError(
                f"a tree of {size} leaves has a frontier of {max(size, 0).bit_count()} hashes, found {len(hashes)}"
            )
        self.size = size
        self.hashes = list(hashes)

    def add(self, leaf: bytes) -> None:
        """Add a leaf hash at the end."""
        carried, size = leaf, self.size
        while size & 1:
            carried = hash_pair(self.hashes.pop(), carried)
            size >>= 1
        self.hashes.append(carried)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self.hashes:
            return merkle_root(())
        found = self.hashes[-1]
        for whole in reversed(self.hashes[:-1]):
            found = hash_pair(whole, found)
        return found
