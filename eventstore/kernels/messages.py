"""What the leaf hashes cover, written by a kernel: of each event 0x00, its commit's header, its index and its bytes.

The header is the MessagePack array of eight that `record.CommitHeader` is: aggregate id, first version, timestamp and
command id of the commit, then what its origin has encoded of correlation id, causation id, actor and metadata.
"""

from typing import Final

from eventstore.integrity.hashing import LEAF
from eventstore.kernels.compiling import TABLE_SIGNATURE, Integers, Numbers, Octets, kernel
from eventstore.kernels.message_pack import (
    HEADER_ROOM,
    IDENTIFIER_ROOM,
    INTEGER_ROOM,
    VALUE_BASE,
    VALUE_LIMIT,
    put_array_header,
    put_big_endian,
    put_cell,
    put_entry,
    put_identifier,
    put_integer,
)
from eventstore.kernels.octets import put_octets

NO_SUCH_VALUE: Final = -1
"""The room for events of which one names a value that is not in the table."""

_LEAF_PREFIX: Final = LEAF[0]
_INDEX_BYTES: Final = 4
_HEADER_OF_EIGHT: Final = 0x98
_HEADER_ROOM: Final = 2 + 2 * IDENTIFIER_ROOM + 2 * INTEGER_ROOM
"""Of the leaf prefix and a commit's header, its origin apart."""


@kernel("i8(i8, i8[::1], i4[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8)")
def room_of_events(
    first_event: int,
    cells: Integers,
    type_numbers: Numbers,
    starts: Integers,
    field_counts: Integers,
    tag_starts: Integers,
    value_starts: Integers,
    value_count: int,
) -> int:
    """Return how many bytes the events from `first_event` on take at most, or NO_SUCH_VALUE."""
    room = 0
    for event in range(first_event, starts.size):
        of_type = type_numbers[event]
        room += HEADER_ROOM + tag_starts[of_type + 1] - tag_starts[of_type]
        for index in range(starts[event], starts[event] + field_counts[of_type]):
            cell = cells[index]
            if cell >= VALUE_LIMIT:
                room += INTEGER_ROOM
                continue
            number = cell - VALUE_BASE
            if number >= value_count:
                return NO_SUCH_VALUE
            room += value_starts[number + 1] - value_starts[number]
    return room


@kernel("i8(i4[::1], i8[::1], i8[::1])")
def room_of_headers(origin_numbers: Numbers, fragment_starts: Integers, event_counts: Integers) -> int:
    """Return how many bytes the commits' headers take at most, once for each event of theirs, and once without one."""
    room = 0
    for commit in range(origin_numbers.size):
        origin = origin_numbers[commit]
        of_origin = fragment_starts[origin + 1] - fragment_starts[origin]
        room += (_HEADER_ROOM + of_origin + _INDEX_BYTES) * max(event_counts[commit], 1)
    return room


@kernel()
def _put_event(
    buffer: Octets,
    place: int,
    of_type: int,
    start: int,
    cells: Integers,
    field_counts: Integers,
    tag_octets: Octets,
    tag_starts: Integers,
    value_octets: Octets,
    value_starts: Integers,
) -> int:
    """Write the MessagePack array that an event is: its tag and its fields."""
    field_count = field_counts[of_type]
    place = put_array_header(buffer, place, 1 + field_count)
    place = put_entry(buffer, place, tag_octets, tag_starts, of_type)
    for index in range(start, start + field_count):
        place = put_cell(buffer, place, cells[index], value_octets, value_starts)
    return place


@kernel(
    f"i8(u1[::1], u1[::1], i8[::1], i8[::1], i4[::1], {TABLE_SIGNATURE}, i8[::1], i8, i8[::1], i4[::1], i8[::1], "
    f"i8[::1], {TABLE_SIGNATURE}, {TABLE_SIGNATURE}, u1[::1], i8[::1])"
)
def put_messages(
    aggregate_ids: Octets,
    command_ids: Octets,
    first_versions: Integers,
    timestamps: Integers,
    origin_numbers: Numbers,
    fragment_octets: Octets,
    fragment_starts: Integers,
    event_counts: Integers,
    first_event: int,
    cells: Integers,
    type_numbers: Numbers,
    starts: Integers,
    field_counts: Integers,
    tag_octets: Octets,
    tag_starts: Integers,
    value_octets: Octets,
    value_starts: Integers,
    buffer: Octets,
    ends: Integers,
) -> int:
    """Write the messages of all events of n commits, where each ends into `ends`; return where the last one ends.

    Identifiers are rows of TEXT_BYTES, one after the other.
    """
    place, event = 0, first_event
    for commit in range(first_versions.size):
        header_start = place
        for index in range(event_counts[commit]):
            if index == 0:
                buffer[place], buffer[place + 1] = _LEAF_PREFIX, _HEADER_OF_EIGHT
                place = put_identifier(buffer, place + 2, aggregate_ids, commit)
                place = put_integer(buffer, place, first_versions[commit])
                place = put_integer(buffer, place, timestamps[commit])
                place = put_identifier(buffer, place, command_ids, commit)
                place = put_entry(buffer, place, fragment_octets, fragment_starts, origin_numbers[commit])
                header_size = place - header_start
            else:
                put_octets(buffer, place, buffer, header_start, header_size)
                place += header_size
            place = put_big_endian(buffer, place, index, _INDEX_BYTES)
            of_type = type_numbers[event]
            place = _put_event(
                buffer,
                place,
                of_type,
                starts[event],
                cells,
                field_counts,
                tag_octets,
                tag_starts,
                value_octets,
                value_starts,
            )
            ends[event - first_event] = place
            event += 1
    return place


@kernel(f"i8(i8[::1], i4[::1], i8[::1], i8[::1], {TABLE_SIGNATURE}, {TABLE_SIGNATURE}, u1[::1], i8[::1])")
def put_events(
    cells: Integers,
    type_numbers: Numbers,
    starts: Integers,
    field_counts: Integers,
    tag_octets: Octets,
    tag_starts: Integers,
    value_octets: Octets,
    value_starts: Integers,
    buffer: Octets,
    ends: Integers,
) -> int:
    """Write the exact bytes of all events, where each ends into `ends`; return where the last one ends."""
    place = 0
    for event in range(starts.size):
        place = _put_event(
            buffer,
            place,
            type_numbers[event],
            starts[event],
            cells,
            field_counts,
            tag_octets,
            tag_starts,
            value_octets,
            value_starts,
        )
        ends[event] = place
    return place
