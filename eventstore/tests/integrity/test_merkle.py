"""Trees, paths and frontiers against the definitions of RFC 6962 and RFC 9162, written down naively.

What a path proves is asked of the stand-alone script: nothing else checks one.
"""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.integrity.merkle import Frontier, consistency_path, inclusion_path, merkle_root
from eventstore.tests.integrity.test_proofs import script

SIZES = range(71)


def leaves_of(size, salt=b""):
    return [hashlib.sha256(salt + n.to_bytes(4, "big")).digest() for n in range(size)]


def split_of(size):
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def naive_root(leaves):
    """MTH(D[n])."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = split_of(len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_path(index, leaves):
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    split = split_of(len(leaves))
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_subproof(old_size, leaves, is_whole):
    """SUBPROOF(m, D[n], b)."""
    if old_size == len(leaves):
        return [] if is_whole else [naive_root(leaves)]
    split = split_of(len(leaves))
    if old_size <= split:
        return [*naive_subproof(old_size, leaves[:split], is_whole), naive_root(leaves[split:])]
    return [*naive_subproof(old_size - split, leaves[split:], False), naive_root(leaves[:split])]


def frontier_of(leaves, frontier=None):
    frontier = frontier or Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier


def altered(digest):
    return bytes([digest[0] ^ 1]) + digest[1:]


@pytest.mark.parametrize("size", SIZES)
def test_roots_and_frontiers_are_those_of_the_definition(size):
    leaves = leaves_of(size)
    frontier = frontier_of(leaves)
    assert merkle_root(leaves) == frontier.root() == naive_root(leaves)
    assert (frontier.size, len(frontier.hashes)) == (size, size.bit_count())


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_has_the_path_of_the_definition_which_leads_to_the_root(size):
    leaves = leaves_of(size)
    root = naive_root(leaves)
    for index, leaf in enumerate(leaves):
        path = inclusion_path(leaves, index)
        assert path == naive_path(index, leaves)
        assert script.root_of_inclusion(leaf=leaf, index=index, size=size, path=path) == root


@pytest.mark.parametrize("size", SIZES)
def test_every_older_size_has_the_proof_of_the_definition_which_is_accepted(size):
    leaves = leaves_of(size)
    new_root = naive_root(leaves)
    for old_size in range(size + 1):
        path = consistency_path(leaves, old_size)
        assert path == (naive_subproof(old_size, leaves, True) if old_size else [])
        old_root = naive_root(leaves[:old_size])
        assert script.is_consistent(old_size=old_size, old_root=old_root, new_size=size, new_root=new_root, path=path)


@settings(deadline=None)
@given(st.integers(1, 3_000), st.data())
def test_random_trees_agree_with_the_definition(size, data):
    leaves = leaves_of(size, data.draw(st.binary(max_size=4)))
    index, old_size = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert inclusion_path(leaves, index) == naive_path(index, leaves)
    assert consistency_path(leaves, old_size) == naive_subproof(old_size, leaves, True)
    frontier = frontier_of(leaves[:old_size])
    continued = frontier_of(leaves[old_size:], Frontier(size=frontier.size, hashes=frontier.hashes))
    assert continued.root() == naive_root(leaves)


@given(st.integers(1, 70), st.data())
def test_a_path_proves_nothing_but_its_own_leaf_index_and_size(size, data):
    leaves = leaves_of(size)
    root, index = merkle_root(leaves), data.draw(st.integers(0, size - 1))
    path = inclusion_path(leaves, index)
    wrong = [
        {"leaf": altered(leaves[index]), "index": index, "size": size, "path": path},
        {"leaf": leaves[index], "index": index, "size": size, "path": [*path, root]},
        {"leaf": leaves[index], "index": size, "size": size, "path": path},
        {"leaf": leaves[index], "index": -1, "size": size, "path": path},
    ]
    wrong += [{"leaf": leaves[index], "index": other, "size": size, "path": path} for other in {*range(size)} - {index}]
    for step in range(len(path)):
        changed = [altered(digest) if at == step else digest for at, digest in enumerate(path)]
        wrong.append({"leaf": leaves[index], "index": index, "size": size, "path": changed})
        wrong.append({"leaf": leaves[index], "index": index, "size": size, "path": path[:step] + path[step + 1 :]})
    for arguments in wrong:
        assert script.root_of_inclusion(**arguments) != root


@given(st.integers(2, 70), st.data())
def test_a_consistency_proof_proves_nothing_else(size, data):
    leaves = leaves_of(size)
    old_size = data.draw(st.integers(1, size - 1))
    sound = {
        "old_size": old_size,
        "old_root": merkle_root(leaves[:old_size]),
        "new_size": size,
        "new_root": merkle_root(leaves),
        "path": consistency_path(leaves, old_size),
    }
    wrong = [
        {**sound, "old_root": altered(sound["old_root"])},
        {**sound, "new_root": altered(sound["new_root"])},
        {**sound, "old_size": size + 1},
        {**sound, "old_size": size},
        {**sound, "old_size": 0},
        {**sound, "path": []},
        {**sound, "path": [*sound["path"], sound["new_root"]]},
    ]
    for step in range(len(sound["path"])):
        changed = [altered(digest) if at == step else digest for at, digest in enumerate(sound["path"])]
        wrong.append({**sound, "path": changed})
        wrong.append({**sound, "path": sound["path"][:step]})
    rewritten = [altered(leaves[0]), *leaves[1:]]
    wrong.append({**sound, "new_root": merkle_root(rewritten), "path": consistency_path(rewritten, old_size)})
    for arguments in wrong:
        assert not script.is_consistent(**arguments)
    assert script.is_consistent(**sound)


@pytest.mark.parametrize(("size", "hashes"), [(1, []), (3, [b"x"]), (0, [b"x"]), (-1, [])])
def test_a_frontier_of_the_wrong_length_is_refused(size, hashes):
    with pytest.raises(ValueError, match="frontier of"):
        Frontier(size=size, hashes=hashes)


def test_places_outside_of_a_tree_are_refused():
    with pytest.raises(ValueError, match="leaves 0 to 2, found 3"):
        inclusion_path(leaves_of(3), 3)
    with pytest.raises(ValueError, match="cannot have shrunk"):
        consistency_path(leaves_of(3), 4)
