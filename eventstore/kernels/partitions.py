"""Which partition an aggregate lives in, for many at once: what `eventstore.record.partition_of` says of each."""

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eventstore.kernels.compiling import kernel
from eventstore.kernels.texts import TEXT_BYTES, Texts

_CRC: Final = np.array([zlib.crc32(bytes([byte]), 0xFFFFFFFF) ^ 0xFFFFFFFF for byte in range(256)], np.uint32)
"""CRC-32's table: the remainder of each byte."""


@kernel("void(u1[:,::1], i8, i8[::1])")
def partitions_of(aggregate_ids: Texts, partition_count: int, partitions: NDArray[np.int64]) -> None:
    """Write the partition of each aggregate: CRC-32 of its id, modulo the count."""
    for row in range(aggregate_ids.shape[0]):
        remainder = np.uint32(0xFFFFFFFF)
        for place in range(TEXT_BYTES):
            byte = aggregate_ids[row, place]
            if byte == 0:
                break
            remainder = (remainder >> np.uint32(8)) ^ _CRC[np.uint8(remainder & np.uint32(0xFF)) ^ byte]
        partitions[row] = np.int64(remainder ^ np.uint32(0xFFFFFFFF)) % partition_count
