"""SHA-256 of many messages, and of Merkle trees, without a Python object for each.

The functions are OpenSSL's own, which `hashlib` has loaded already: their addresses are looked up when the module is
imported and given to the compiler's linker under names of ours, so kernels that come from Numba's cache find them too.
Where they are not to be had (an interpreter without OpenSSL, or one that hides it), `hashlib` itself makes the same
hashes, one call each.
"""

import ctypes
import hashlib
import importlib
from itertools import pairwise
from typing import Any, Final

import llvmlite.binding
import numpy as np
from numba import types

from eventstore.integrity.hashing import NODE
from eventstore.integrity.merkle import merkle_root
from eventstore.kernels.compiling import Integers, Octets, kernel

DIGEST_BYTES: Final = 32
_NODE_BYTES: Final = 1 + 2 * DIGEST_BYTES
_NODE_PREFIX: Final = NODE[0]
_CONTEXT_WORDS: Final = 32
"""Of eight bytes: more than twice what OpenSSL keeps of a hash that it is about to make (SHA256_CTX)."""

_SYMBOLS: Final = ("SHA256_Init", "SHA256_Update", "SHA256_Final")


def _make_known(prefix: str) -> bool:
    """Give OpenSSL's functions to the linker under names with this prefix; return whether they are there."""
    try:
        library = ctypes.CDLL(importlib.import_module("_hashlib").__file__)
        addresses = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in _SYMBOLS]
    except (ImportError, OSError, AttributeError):
        return False
    for name, address in zip(_SYMBOLS, addresses, strict=True):
        llvmlite.binding.add_symbol(prefix + name, address)
    return True


_PREFIX: Final = "eventstore_"
USES_OPENSSL: Final = _make_known(_PREFIX)
"""Whether kernels hash; otherwise `hashlib` does."""


def _external(name: str, *parameters: Any) -> Any:
    return types.ExternalFunction(_PREFIX + name, types.int32(*parameters))


_start = _external("SHA256_Init", types.intp)
_update = _external("SHA256_Update", types.intp, types.intp, types.intp)
_finish = _external("SHA256_Final", types.intp, types.intp)

if USES_OPENSSL:  # Without the functions, what calls them could not be linked.

    @kernel("b1(u1[::1], i8[::1], u1[:,::1], i8[::1])")
    def _hash_each(messages: Octets, ends: Integers, digests: Octets, context: Integers) -> bool:
        """Tell whether the ends go up and lie within the messages; after one that does not nothing is hashed."""
        source, target, state = messages.ctypes.data, digests.ctypes.data, context.ctypes.data
        begin = 0
        for index in range(ends.size):
            if not begin <= ends[index] <= messages.size:
                return False
            _start(state)
            _update(state, source + begin, ends[index] - begin)
            _finish(target + DIGEST_BYTES * index, state)
            begin = ends[index]
        return True

    @kernel("void(u1[:,::1], u1[::1], i8[::1])")
    def _hash_tree(level: Octets, node: Octets, context: Integers) -> None:
        """Make the level above, in place, until one node is left; an odd last node is carried up unchanged."""
        target, pair, state = level.ctypes.data, node.ctypes.data, context.ctypes.data
        node[0] = _NODE_PREFIX
        count = len(level)
        while count > 1:
            for parent in range(count // 2):
                for index in range(DIGEST_BYTES):
                    node[1 + index] = level[2 * parent, index]
                    node[1 + DIGEST_BYTES + index] = level[2 * parent + 1, index]
                _start(state)
                _update(state, pair, _NODE_BYTES)
                _finish(target + DIGEST_BYTES * parent, state)
            if count % 2:
                for index in range(DIGEST_BYTES):
                    level[count // 2, index] = level[count - 1, index]
            count = (count + 1) // 2


def hash_messages(messages: Octets, ends: Integers) -> Octets:
    """Return the SHA-256 u1[n, 32] of n messages that lie one after the other in u1[:]; `ends` i8[n] are in bytes."""
    if not USES_OPENSSL:
        return _hash_messages_by_hashlib(messages, ends)
    digests = np.empty((ends.size, DIGEST_BYTES), np.uint8)
    is_sound = _hash_each(messages, ends, digests, np.empty(_CONTEXT_WORDS, np.int64))
    assert is_sound, "the ends of messages go up, and lie within them"
    return digests


def merkle_root_of(leaves: Octets) -> bytes:
    """Return the root over leaf hashes u1[n, 32], as `integrity.merkle.merkle_root` does."""
    assert leaves.shape == (len(leaves), DIGEST_BYTES)
    if not len(leaves) or not USES_OPENSSL:
        return merkle_root([leaf.tobytes() for leaf in leaves])
    level = np.array(leaves, order="C")  # A copy: the tree is made in place.
    _hash_tree(level, np.empty(_NODE_BYTES, np.uint8), np.empty(_CONTEXT_WORDS, np.int64))
    root: bytes = level[0].tobytes()
    return root


def _hash_messages_by_hashlib(messages: Octets, ends: Integers) -> Octets:
    view, bounds = messages.data, [0, *ends.tolist()]
    joined = b"".join([hashlib.sha256(view[begin:end]).digest() for begin, end in pairwise(bounds)])
    return np.frombuffer(bytearray(joined), np.uint8).reshape(-1, DIGEST_BYTES)
