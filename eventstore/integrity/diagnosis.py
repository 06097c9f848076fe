"""Where exactly a damaged batch is damaged.

Detection never rests on this module: the hashes find every change. It narrows the place down for the person who has
to act: a single flipped bit is found through the payload's CRC-32, any other change of one event through the stored
prefixes of the leaf hashes.
"""

import zlib
from typing import Final

LEAF_PREFIX_BYTES: Final = 4
_CRC32_POLYNOMIAL: Final = 0xEDB88320


def flipped_bit(*, found: bytes, crc_written: int) -> int | None:
    """Return the bit of `found` (byte * 8 + bit) that, flipped back, gives the CRC-32 of what was written; else None.

    CRC-32 is linear: the difference of two checksums depends only on which bits differ. So the differences that each
    single bit would cause are walked from the last bit of the data to the first, one shift a step.
    """
    difference = zlib.crc32(found) ^ crc_written
    if difference == 0:
        return None
    register = _CRC32_POLYNOMIAL
    for byte in range(len(found) - 1, -1, -1):
        for bit in range(7, -1, -1):
            if register == difference:
                return byte * 8 + bit
            register = (register >> 1) ^ (_CRC32_POLYNOMIAL if register & 1 else 0)
    return None


def with_bit_flipped(data: bytes, bit: int) -> bytes:
    """Return a copy of `data` with one bit inverted."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)
