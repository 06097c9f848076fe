"""Hashes: what they cover, and that they are what the standards say."""

import hashlib
import uuid
import zlib

import pytest

from eventstore.integrity.diagnosis import flipped_bit, with_bit_flipped
from eventstore.integrity.hashing import event_id, genesis_hash, leaf_hash
from eventstore.integrity.merkle import merkle_root


def test_leaf_hashes_differ_in_header_index_and_event():
    hashes = {leaf_hash(b"h", 0, b"e"), leaf_hash(b"i", 0, b"e"), leaf_hash(b"h", 1, b"e"), leaf_hash(b"h", 0, b"f")}
    assert len(hashes | {leaf_hash(b"h", 256, b"e"), leaf_hash(b"h", 300, b"e")}) == 6


def test_genesis_names_the_store_and_the_partition():
    assert len({genesis_hash("a", 0), genesis_hash("a", 1), genesis_hash("b", 0)}) == 3


def test_an_event_id_is_a_uuid_of_version_8():
    parsed = uuid.UUID(event_id(hashlib.sha256(b"event").digest()))
    assert (parsed.version, parsed.variant) == (8, uuid.RFC_4122)


def test_different_hashes_give_different_ids():
    assert len({event_id(hashlib.sha256(bytes([n])).digest()) for n in range(256)}) == 256


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 33])
def test_the_merkle_root_is_that_of_rfc_6962(size):
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(size)]
    assert merkle_root(leaves) == rfc_6962(leaves)


def rfc_6962(leaves):
    """The definition of RFC 6962 section 2.1, word for word, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + rfc_6962(leaves[:split]) + rfc_6962(leaves[split:])).digest()


def test_every_single_flipped_bit_is_located_by_the_checksum():
    written = bytes(range(60))
    for bit in range(len(written) * 8):
        assert flipped_bit(found=with_bit_flipped(written, bit), crc_written=zlib.crc32(written)) == bit


def test_other_damage_is_not_taken_for_a_flipped_bit():
    written = bytes(range(60))
    assert flipped_bit(found=written, crc_written=zlib.crc32(written)) is None
    assert flipped_bit(found=written[::-1], crc_written=zlib.crc32(written)) is None
