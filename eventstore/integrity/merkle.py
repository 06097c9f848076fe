"""Merkle trees as RFC 6962 section 2.1 and RFC 9162 section 2.1 define them: roots, audit paths, consistency proofs.

All functions take *leaf hashes*, made elsewhere: of a batch's events, or of a partition's batches. Pure, and O(n) at
most; a tree that only grows is kept as its frontier instead.
"""

import hashlib
from collections.abc import Sequence

from eventstore.integrity.hashing import NODE


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes; the root of nothing is the hash of the empty string.

    Built level by level: an odd last node is carried up unchanged, which gives exactly the tree of the RFC (split at
    the largest power of two below the size).
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    level: Sequence[bytes] = leaves
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of a leaf (RFC 9162 section 2.1.3.1): the sibling hashes from the leaf up to the root."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"the tree has leaves 0 to {len(leaves) - 1}, found {index}: give the index of one of them")
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):  # A last node without a sibling is carried up and needs no step.
            path.append(level[sibling])
        level = _parents(level)
        index >>= 1
    return path


def consistency_path(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the tree over the first `old_size` leaves became this one (RFC 9162 section 2.1.4.1).

    Empty for equal sizes and for `old_size` 0, where there is nothing to prove.
    """
    if not 0 <= old_size <= len(leaves):
        raise ValueError(f"the tree has {len(leaves)} leaves, found an older size of {old_size}: it cannot have shrunk")
    if old_size in (0, len(leaves)):
        return []
    path: list[bytes] = []
    first, last, is_whole = 0, len(leaves), True
    while old_size != last - first:
        split = largest_power_of_two_below(last - first)
        if old_size <= split:
            path.append(merkle_root(leaves[first + split : last]))
            last = first + split
        else:
            path.append(merkle_root(leaves[first : first + split]))
            first, old_size, is_whole = first + split, old_size - split, False
    if not is_whole:
        path.append(merkle_root(leaves[first:last]))
    return path[::-1]


def hash_pair(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two nodes."""
    return hashlib.sha256(NODE + left + right).digest()


def largest_power_of_two_below(size: int) -> int:
    """Return where the RFC splits a tree of two leaves or more."""
    return 1 << (size - 1).bit_length() - 1


def _parents(level: Sequence[bytes]) -> list[bytes]:
    """Return the level above; an odd last node is carried up unchanged."""
    sha256 = hashlib.sha256
    pairs = iter(level)
    above = [sha256(NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
    return [*above, level[-1]] if len(level) % 2 else above


class Frontier:
    """A tree that only grows, as its frontier: `hashes` are the roots of its whole subtrees, from the largest to the
    smallest, one for each 1 in its size.

    That is all that is needed to add leaves and to know the root: O(log n) hashes for any number of leaves (the
    "compact range" that starts at 0). It cannot prove anything about single leaves.
    """

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
