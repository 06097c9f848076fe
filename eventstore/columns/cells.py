"""Events as rows of integers, so that thousands are hashed and laid out without a Python object for each.

An event of any type is a row of *cells*, one for each field of its class, in order. A cell is an integer, or, far below
any integer that there is, the number of a *value* in a table: VALUE_BASE + k means value k, the exact MessagePack bytes
of whatever it is. What comes out is, to the byte, what `integrity/hashing.py` and `integrity/merkle.py` make of the
same commits as objects: nobody who reads a store can tell which way it was written. `columns/packed.py` writes
such rows as a payload and reads a payload as such rows. One thread at a time may use these tables; the kernels let go
of the interpreter's lock.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final, Protocol, Self, TypeAlias, TypeVar

import msgspec
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from eventstore.errors import UnknownEventType
from eventstore.kernels.compiling import Integers, Numbers, Octets, Table
from eventstore.kernels.message_pack import INTEGER_ROOM, VALUE_BASE, VALUE_LIMIT
from eventstore.kernels.messages import NO_SUCH_VALUE, put_events, put_messages, room_of_events, room_of_headers
from eventstore.kernels.rows import NO_SUCH_ROW, NO_SUCH_TYPE, gather_events
from eventstore.kernels.sha256 import hash_messages
from eventstore.kernels.texts import TEXT_BYTES

__all__ = ["VALUE_BASE", "VALUE_LIMIT", "CommitRows", "EventCells", "Origins", "Values", "leaf_hashes", "messages_of"]

_INTEGER_END: Final = 2**63
_VALUES_MAX: Final = VALUE_LIMIT - VALUE_BASE
_LEAST_ROOM: Final = 1_024
_LEAST_TYPES: Final = 8

_encode = msgspec.msgpack.Encoder().encode
_Scalar = TypeVar("_Scalar", np.uint8, np.int32, np.int64)


class EventTypes(Protocol):
    """The part of a codec that makes objects of cells."""

    @property
    def event_types(self) -> Mapping[str, type[msgspec.Struct]]:
        """Every class by its tag."""


OriginValues: TypeAlias = tuple[str | None, str | None, str, dict[str, str] | None]
_decode_origin: Final = msgspec.msgpack.Decoder(OriginValues).decode
_ARRAY_OF_FOUR: Final = b"\x94"


class Values:
    """A table of values as MessagePack: value k is `bytes[starts[k]:starts[k + 1]]`, `count` are there.

    `bytes` u1[:] and `starts` i8[:] have room beyond the last value, and are other arrays once that room was not
    enough: a kernel is given those of the moment.
    """

    def __init__(self) -> None:
        self.bytes: Octets = np.empty(_LEAST_ROOM, np.uint8)
        self.starts: Integers = np.zeros(_LEAST_ROOM, np.int64)
        self.count = 0
        self._cells: dict[bytes, int] = {}

    @classmethod
    def of(cls, octets: Octets, starts: Integers, count: int) -> Self:
        """Return a table of `count` values that lie in arrays already."""
        values = cls.__new__(cls)  # It needs no room of its own.
        values.bytes, values.starts, values.count, values._cells = octets, starts, count, {}
        return values

    @classmethod
    def listing(cls, entries: Sequence[bytes]) -> Self:
        """Return a table of values given as MessagePack, each with a number of its own, equal ones too."""
        octets: Octets = np.frombuffer(bytearray(b"".join(entries)), np.uint8)
        return cls.of(octets, np.cumsum([0, *map(len, entries)], dtype=np.int64), len(entries))

    @property
    def table(self) -> Table:
        """Both arrays, as kernels take them."""
        return self.bytes, self.starts

    def number(self, encoded: bytes) -> int:
        """Return the cell of a value, given its MessagePack; the same bytes have one cell."""
        cell = self._cells.get(encoded)
        if cell is None:
            cell = self._cells[encoded] = self._append(np.frombuffer(encoded, np.uint8), len(encoded))
        return cell

    def cell(self, value: Any) -> int:
        """Return the cell of anything that MessagePack can hold: an integer is one, save the few that number values."""
        if type(value) is int and VALUE_LIMIT <= value < _INTEGER_END:
            return value
        return self.number(_encode(value))

    def numbers(self, encoded: Sequence[bytes]) -> list[int]:
        """Return the cells of values, given the MessagePack of each; the same bytes have one cell."""
        cells: list[int] = []
        new: list[bytes] = []
        place = VALUE_BASE + self.count
        for each in encoded:
            cell = self._cells.get(each)
            if cell is None:
                cell = self._cells[each] = place + len(new)
                new.append(each)
            cells.append(cell)
        ends = np.cumsum([len(each) for each in new], dtype=np.int64)
        self._append(np.frombuffer(b"".join(new), np.uint8), ends, len(new))
        return cells

    def append_many(self, buffer: Octets, ends: Integers) -> int:
        """Add values whose MessagePack lies one after the other in u1[:], value i up to `ends[i]`, each a new one.

        Returns the cell of the first; those of the others follow it.
        """
        if not len(ends):
            return VALUE_BASE + self.count
        if not (ends[0] >= 0 and (np.diff(ends) >= 0).all() and ends[-1] <= len(buffer)):
            raise ValueError(f"the ends of values go up, to {len(buffer)} at most, found {ends}: give them in order")
        return self._append(buffer[: ends[-1]], ends, len(ends))

    def encoded(self, cell: int) -> bytes:
        """Return the MessagePack of a cell, an integer's as well."""
        return _encode(self.packed(int(cell)))

    def packed(self, cell: int) -> int | msgspec.Raw:
        """Return what encodes as the MessagePack of a cell: an integer, or a value's own bytes."""
        if cell >= VALUE_LIMIT:
            return cell
        number = cell - VALUE_BASE
        if not 0 <= number < self.count:
            raise ValueError(f"the table has {self.count} values, found a cell for number {number}")
        return msgspec.Raw(self.bytes[self.starts[number] : self.starts[number + 1]].tobytes())

    def copy(self) -> "Values":
        """Return another table that begins with the same values."""
        other = Values.__new__(Values)
        other.bytes, other.starts = self.bytes.copy(), self.starts.copy()
        other.count, other._cells = self.count, self._cells.copy()
        return other

    def _append(self, octets: Octets, ends: Integers | int, added: int = 1) -> int:
        first, count = self.count, self.count + added
        if count > _VALUES_MAX:
            raise ValueError(f"a table has at most {_VALUES_MAX} values: begin another one")
        start = int(self.starts[first])
        self.bytes = _with_room(self.bytes, used=start, needed=start + len(octets))
        self.starts = _with_room(self.starts, used=first + 1, needed=count + 1)
        self.bytes[start : start + len(octets)] = octets
        self.starts[first + 1 : count + 1] = ends + start
        self.count = count
        return VALUE_BASE + first


class Origins:
    """Where commits come from: each distinct correlation id, causation id, actor and metadata together has a number.

    `fragments` holds of each origin the four encoded one after the other, as they stand in a header.
    """

    def __init__(self, fragments: Values | None = None) -> None:
        """Begin with these origins, or with none."""
        self.fragments = fragments or Values()
        self._values: dict[int, OriginValues] = {}

    def __len__(self) -> int:
        return self.fragments.count

    def number(
        self, correlation_id: str | None, causation_id: str | None, actor: str, metadata: Mapping[str, str] | None
    ) -> int:
        """Return the number of an origin, a new one if it was not seen before."""
        encoded = [_encode(part) for part in (correlation_id, causation_id, actor, metadata)]
        return self.fragments.number(b"".join(encoded)) - VALUE_BASE

    def values(self, number: int) -> OriginValues:
        """Return the four values of an origin; raises ValueError when they are none."""
        found = self._values.get(number)
        if found is None:
            try:
                found = _decode_origin(_ARRAY_OF_FOUR + self.fragments.encoded(VALUE_BASE + number))
            except (msgspec.DecodeError, msgspec.ValidationError) as error:
                raise ValueError(f"where a commit comes from cannot be read ({error})") from error
            self._values[number] = found
        return found


class EventCells:
    """The events of one batch, in the order of its commits.

    `cells` i8[:] holds the rows of all events, one after the other; event i begins at `starts[i]` (i8[n]) and is of the
    type `tags[types[i]]` (i4[n]), whose fields `field_counts` (i8) counts. Read them anew once events were added. What
    was read may name a tag twice, where its events were stored in two ways.
    """

    def __init__(self, values: Values | None = None) -> None:
        """Begin without events; `values` may be a table that other batches use, too."""
        self.values = values or Values()
        self.tags: list[str] = []
        self.tag_values = Values()
        self._field_counts: Integers = np.empty(_LEAST_TYPES, np.int64)
        self._cells: Integers = np.empty(_LEAST_ROOM, np.int64)
        self._types: Numbers = np.empty(_LEAST_ROOM, np.int32)
        self._starts: Integers = np.zeros(_LEAST_ROOM, np.int64)
        self._begins: Integers | None = None
        self._count = self._cell_count = 0

    @classmethod
    def of(
        cls,
        *,
        values: Values,
        tags: Sequence[str],
        tag_values: Values,
        field_counts: Integers,
        cells: Integers,
        types: Numbers,
        starts: Integers,
        begins: Integers | None = None,
    ) -> Self:
        """Return events whose rows lie in arrays already; events are only read of it.

        `begins` says where the rows of each type begin, and where the last end, when those of a type lie together.
        """
        events = cls.__new__(cls)  # It needs no room of its own.
        events.values, events.tags, events.tag_values = values, list(tags), tag_values
        events._field_counts, events._cells, events._types, events._starts = field_counts, cells, types, starts
        events._count, events._cell_count, events._begins = len(types), len(cells), begins
        return events

    def __len__(self) -> int:
        return self._count

    @property
    def cells(self) -> Integers:
        """The cells of all events: i8[:]."""
        return self._cells[: self._cell_count]

    @property
    def types(self) -> Numbers:
        """The place of each event's type in `tags`: i4[n]."""
        return self._types[: self._count]

    @property
    def starts(self) -> Integers:
        """Where each event's cells begin: i8[n]."""
        return self._starts[: self._count]

    @property
    def field_counts(self) -> Integers:
        """How many fields the events of each type have: i8 by place in `tags`."""
        return self._field_counts[: len(self.tags)]

    def add(self, event: msgspec.Struct) -> None:
        """Add one event, given as an object."""
        fields = astuple(event)
        row = np.array([self.values.cell(value) for value in fields], np.int64)
        self.add_rows(str(event.__struct_config__.tag), row.reshape(1, len(fields)))

    def add_rows(self, tag: str, rows: Integers) -> None:
        """Add events of one type, given as i8[n, fields]."""
        count, field_count = rows.shape
        first_cell = self._make_room(count, rows.size)
        self._types[self._count : self._count + count] = self._type_number(tag, field_count)
        self._starts[self._count : self._count + count] = first_cell + field_count * np.arange(count)
        self._cells[first_cell : first_cell + rows.size] = rows.ravel()
        self._count, self._cell_count = self._count + count, first_cell + rows.size

    def add_mixed(
        self, tags: Sequence[str], field_counts: Sequence[int], types: Numbers, cells: Integers, starts: Integers
    ) -> None:
        """Add n events of several types in order.

        Event i is of the type `tags[types[i]]` (i4[n]), which has `field_counts[types[i]]` fields; its cells begin at
        `starts[i]` (i8[n]) of `cells` (i8[:]), which may hold anything in between.
        """
        count = len(types)
        if len(starts) != count:
            raise ValueError(f"each of {count} events begins somewhere, found {len(starts)} starts")
        if not count:
            return
        pairs = zip(tags, field_counts, strict=True)
        numbers = np.array([self._type_number(tag, field_count) for tag, field_count in pairs], np.int32)
        first_cell = self._make_room(count, count * max(field_counts))
        end = gather_events(
            _for_kernels(cells, np.int64),
            _for_kernels(starts, np.int64),
            _for_kernels(types, np.int32),
            np.array(field_counts, np.int64),
            self._cells,
            numbers,
            self._starts,
            self._types,
            self._count,
            first_cell,
        )
        if end == NO_SUCH_TYPE:
            raise ValueError(f"the types of events are 0 to {len(tags) - 1}, found {types.min()} to {types.max()}")
        if end == NO_SUCH_ROW:
            raise ValueError(f"the rows of events lie within {len(cells)} cells, found one that does not")
        self._count, self._cell_count = self._count + count, end

    def truncate(self, count: int) -> None:
        """Take back every event but the first `count`; their values stay."""
        if not 0 <= count <= self._count:
            raise ValueError(f"there are {self._count} events, found {count} to keep")
        if count < self._count:
            self._cell_count = int(self._starts[count])
        self._count = count

    def rows_of(self, of_type: int) -> Integers:
        """Return the rows of all events of a type, in order: i8[n, fields]."""
        fields = int(self._field_counts[of_type])
        if self._begins is not None and fields:
            return self._cells[self._begins[of_type] : self._begins[of_type + 1]].reshape(-1, fields)
        starts = self.starts[self.types == of_type]
        rows: Integers = self._cells[starts[:, None] + np.arange(fields)]
        return rows

    def encoded(self, place: int) -> bytes:
        """Return the exact bytes of an event, as the hashes cover them."""
        of_type, start = self._types[place], self._starts[place]
        row = self._cells[start : start + self._field_counts[of_type]].tolist()
        return _encode([self.tags[of_type], *[self.values.packed(cell) for cell in row]])

    def room(self, first_event: int = 0) -> int:
        """Return how many bytes the events from a place on take at most; raises ValueError for a cell of no value."""
        found = room_of_events(
            first_event,
            self.cells,
            self.types,
            self.starts,
            self.field_counts,
            self.tag_values.starts,
            self.values.starts,
            self.values.count,
        )
        if found == NO_SUCH_VALUE:
            raise ValueError(f"the table has {self.values.count} values, found an event with the cell of another one")
        return found

    def all_encoded(self) -> list[memoryview]:
        """Return the exact bytes of every event."""
        buffer, ends = np.empty(self.room() + INTEGER_ROOM, np.uint8), np.empty(self._count, np.int64)
        tables = *self.tag_values.table, *self.values.table
        put_events(self.cells, self.types, self.starts, self.field_counts, *tables, buffer, ends)
        view, bounds = buffer.data, [0, *ends.tolist()]
        return [view[start:end] for start, end in pairwise(bounds)]

    def event(self, place: int, codec: EventTypes) -> Any:
        """Return an event as an object of its class; raises UnknownEventType when the codec has none for it."""
        tag = self.tags[self.types[place]]
        cls = codec.event_types.get(tag)
        if cls is None:
            raise UnknownEventType(f"an event has the type or schema version {tag!r}, which this process does not know")
        return _decoder_of(cls).decode(self.encoded(place))

    def _type_number(self, tag: str, field_count: int) -> int:
        if tag not in self.tags:
            self.tags.append(tag)
            self.tag_values.number(_encode(tag))
            self._field_counts = _with_room(self._field_counts, used=len(self.tags) - 1, needed=len(self.tags))
            self._field_counts[len(self.tags) - 1] = field_count
        number = self.tags.index(tag)
        if self._field_counts[number] != field_count:
            raise ValueError(f"a {tag} has {self._field_counts[number]} fields here, found {field_count}")
        return number

    def _make_room(self, count: int, cell_count: int) -> int:
        """Make room for events and their cells; return where the cells go."""
        self._types = _with_room(self._types, used=self._count, needed=self._count + count)
        self._starts = _with_room(self._starts, used=self._count, needed=self._count + count)
        self._cells = _with_room(self._cells, used=self._cell_count, needed=self._cell_count + cell_count)
        return self._cell_count


class CommitRows:
    """The headers of n commits, as arrays: how many events each has, and from which origin it comes.

    `aggregate_ids` and `command_ids` are u1[n, 64], UTF-8 with zeros behind (see kernels/texts.py); `first_versions`
    and `event_counts` i8[n]; `origin_numbers` i4[n] are numbers of `origins`; `timestamps` are in UTC microseconds,
    i8[n], or one for all.
    """

    def __init__(
        self,
        *,
        aggregate_ids: Octets,
        command_ids: Octets,
        first_versions: Integers,
        timestamps: Integers | int,
        origins: Origins,
        origin_numbers: Numbers,
        event_counts: Integers,
    ) -> None:
        self.aggregate_ids: Octets = _for_kernels(aggregate_ids, np.uint8)
        self.command_ids: Octets = _for_kernels(command_ids, np.uint8)
        self.first_versions: Integers = _for_kernels(first_versions, np.int64)
        self.origins = origins
        self.origin_numbers: Numbers = _for_kernels(origin_numbers, np.int32)
        self.event_counts: Integers = _for_kernels(event_counts, np.int64)
        count = len(self.first_versions)
        one = np.full(count, timestamps, np.int64) if isinstance(timestamps, int) else timestamps
        self.timestamps: Integers = _for_kernels(one, np.int64)
        for rows in (self.aggregate_ids, self.command_ids):
            if rows.shape != (count, TEXT_BYTES):
                raise ValueError(f"the ids of {count} commits are rows of {TEXT_BYTES} bytes, found {rows.shape}")
        for column in (self.first_versions, self.timestamps, self.origin_numbers, self.event_counts):
            if column.shape != (count,):
                raise ValueError(f"each of {count} commits has one value in a column, found {column.shape}")
        if count and not 0 <= self.origin_numbers.min() <= self.origin_numbers.max() < len(origins):
            raise ValueError(f"there are {len(origins)} origins, found a commit from another one")
        if count and self.event_counts.min() < 0:
            raise ValueError(f"a commit has events or none, found {self.event_counts.min()} of them")

    @classmethod
    def of(cls, **columns: Any) -> Self:
        """Return commits of columns that are known to be right, in the types that kernels take."""
        rows = cls.__new__(cls)
        rows.__dict__.update(columns)
        return rows

    def __len__(self) -> int:
        return len(self.first_versions)


def leaf_hashes(commits: CommitRows, events: EventCells, *, first_event: int = 0) -> Octets:
    """Return the leaf hash of every event of these commits, u1[events, 32]; their events begin at `first_event`."""
    return hash_messages(*messages_of(commits, events, first_event=first_event))


def messages_of(commits: CommitRows, events: EventCells, *, first_event: int = 0) -> tuple[Octets, Integers]:
    """Return what the leaf hashes cover, one after the other, and where each ends (see kernels/messages.py)."""
    fragments, values = commits.origins.fragments, events.values
    room = _room(commits, events, first_event)
    messages = np.empty(room, np.uint8)
    ends = np.empty(len(events) - first_event, np.int64)
    end = put_messages(
        commits.aggregate_ids.reshape(-1),
        commits.command_ids.reshape(-1),
        commits.first_versions,
        commits.timestamps,
        commits.origin_numbers,
        *fragments.table,
        commits.event_counts,
        first_event,
        events.cells,
        events.types,
        events.starts,
        events.field_counts,
        *events.tag_values.table,
        *values.table,
        messages,
        ends,
    )
    assert end <= room
    return messages, ends


def _room(commits: CommitRows, events: EventCells, first_event: int) -> int:
    """Return how many bytes the headers and events take at most; raises ValueError when they do not belong together."""
    if not 0 <= first_event <= len(events) or commits.event_counts.sum() != len(events) - first_event:
        raise ValueError(
            f"the commits have {commits.event_counts.sum()} events, and there are {len(events)} less {first_event}"
        )
    fragment_starts = commits.origins.fragments.starts
    of_headers = room_of_headers(commits.origin_numbers, fragment_starts, commits.event_counts)
    return events.room(first_event) + of_headers


def _for_kernels(array: NDArray[_Scalar], scalar: type[_Scalar]) -> NDArray[_Scalar]:
    """Return an array as signatures want it, contiguous and not read-only: itself, or a copy."""
    if array.dtype == scalar and array.flags.carray:
        return array
    return np.require(array, scalar, ("C", "W"))


def _with_room(array: NDArray[_Scalar], *, used: int, needed: int) -> NDArray[_Scalar]:
    """Return an array with `needed` rows: this one, or a longer one that begins with the rows in use."""
    if needed <= len(array):
        return array
    longer = np.empty((max(needed, 2 * len(array)), *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer


@cache
def _decoder_of(cls: type[msgspec.Struct]) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(cls)
