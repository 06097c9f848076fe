"""Merkle tree hashes of a batch's events, as RFC 6962 section 2.1 defines them: root over leaf hashes."""

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
    sha256 = hashlib.sha256
    level = list(leaves)
    while len(level) > 1:
        carried = level[-1:] if len(level) % 2 else []
        pairs = iter(level)
        level = [sha256(NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        level += carried
    return level[0]
