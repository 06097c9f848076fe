"""Which partition an aggregate lives in, for many at once: what `eventstore.record.partition_of` says of each."""

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eventstore.kernels.compiling import Integers, kernel
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


@kernel("void(i8[::1], i8[::1], i8[::1], i8[::1])")
def _sort_places(partitions: Integers, places: Integers, ends: Integers, ordered: Integers) -> None:
    """Write the places partition by partition, those of one in their order; and where each partition's places end."""
    for place in places:
        ends[partitions[place]] += 1
    start = 0
    for partition in range(ends.size):
        start, ends[partition] = start + ends[partition], start
    for place in places:
        partition = partitions[place]
        ordered[ends[partition]] = place
        ends[partition] += 1


def places_by_partition(aggregate_ids: Texts, places: Integers, partition_count: int) -> tuple[Integers, Integers]:
    """Return the places of rows partition by partition, those of one in their order; and where each partition's end."""
    partitions, ordered = np.empty(len(aggregate_ids), np.int64), np.empty(len(places), np.int64)
    ends = np.zeros(partition_count, np.int64)
    partitions_of(aggregate_ids, partition_count, partitions)
    _sort_places(partitions, places, ends, ordered)
    return ordered, ends
