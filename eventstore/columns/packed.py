"""The payload of a batch or a page: commits as packed columns, written and read by kernels.

    prefix            its length in two bytes, then MessagePack: [["Name@version", fields, declaration], ...]
    counts            of commits, events, values and origins, as varints
    origins           the number of each commit's, the sizes of all, then the four values of each as MessagePack
    values            their sizes, then the MessagePack of each distinct one
    aggregate ids     16 bytes at most when all are UUIDs, else texts (kernels/identifiers.py)
    command ids       the same
    first versions    as they are, or the steps between them
    timestamps        the same
    event counts      of each commit
    types             the place of each event's type in the prefix
    columns           of each type: the kind of each column, then the columns, in the order that its declaration gives

A column is integers in as few bits as they need (kernels/packing.py). Values stand in it as numbers. What follows from
other columns is kept as the difference (formulas.py). What the hashes cover is not this layout but each event's own
MessagePack, which is made of the columns again: an event's hash does not depend on the company it was written in.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from eventstore.columns.cells import CommitRows, EventCells, Origins, Values
from eventstore.columns.formulas import Formulas, Plan
from eventstore.kernels import payloads, unpacking
from eventstore.kernels.compiling import Integers, Numbers, Octets
from eventstore.kernels.message_pack import INTEGER_ROOM
from eventstore.kernels.packing import COLUMN_ROOM, PADDING, VALUE_ROOM
from eventstore.kernels.rows import put_rows, put_table, room_of_shapes
from eventstore.kernels.texts import TEXT_BYTES, texts_of

UNDECLARED: Final = Formulas()
EVENTS_MAX: Final = 1 << 22
"""Events, commits, values or origins in a payload."""
CELLS_MAX: Final = 1 << 26
"""Cells of all events of a payload."""

_PREFIX_BYTES: Final = 2
_COLUMNS_OF_HEADERS: Final = 16


def payload_columns(commits: CommitRows, events: EventCells, formulas: Formulas = UNDECLARED) -> bytes:
    """Return the plain payload of these commits, which have all of these events; raises ValueError if they do not."""
    if commits.event_counts.sum() != len(events):
        raise ValueError(f"the commits have {commits.event_counts.sum()} events, and there are {len(events)}")
    rows: list[int] = np.bincount(events.types, minlength=len(events.tags)).tolist()
    used = [number for number, count in enumerate(rows) if count]
    types = list(zip(events.tags, events.field_counts.tolist(), strict=True))
    plan = formulas.plan_for(tuple([types[number] for number in used]))
    ranks = np.full(len(rows), -1, np.int64)
    ranks[used] = range(len(used))
    layout, cell_count = _layout(plan, [rows[number] for number in used])
    values, fragments = events.values, commits.origins.fragments
    events.room()  # Every value that an event names is there, or this says so.

    ranges_count = min(cell_count, values.count + cell_count * any(plan.shapes)) + 1
    matrix, places = np.empty(cell_count, np.int64), np.empty(len(events), np.int64)
    ranges = np.empty((ranges_count, payloads.RANGE_CELLS), np.int64)
    counts = np.array([payloads.FIRST_VALUE])
    payloads.put_matrix(
        commits.first_versions,
        commits.timestamps,
        commits.event_counts,
        events.cells,
        events.types,
        events.starts,
        *values.table,
        ranks,
        plan.types,
        layout,
        *plan.keys,
        matrix,
        places,
        np.zeros(len(used), np.int64),
        np.empty(INTEGER_ROOM, np.uint8),
        np.full(values.count, -1, np.int32),
        ranges,
        np.full(1 << (2 * ranges_count).bit_length(), -1, np.int32),
        counts,
    )
    conditions = len(plan.conditions[1])
    longest = max(len(commits), len(events), ranges_count, fragments.count, plan.scratch, conditions) + 1
    room = _room(plan, commits, events, cell_count, ranges_count)
    payload = np.empty(room, np.uint8)
    start = _PREFIX_BYTES + len(plan.prefix)
    payload[:start] = np.frombuffer(len(plan.prefix).to_bytes(_PREFIX_BYTES, "little") + plan.prefix, np.uint8)
    end = payloads.put_payload(
        payload,
        start,
        commits.aggregate_ids.reshape(-1),
        commits.command_ids.reshape(-1),
        commits.first_versions,
        commits.timestamps,
        commits.origin_numbers,
        fragments.bytes,
        fragments.starts[: fragments.count + 1],
        commits.event_counts,
        values.bytes,
        ranges,
        int(counts[0]),
        plan.types,
        layout,
        plan.steps,
        plan.instructions,
        *plan.conditions,
        matrix,
        places,
        np.empty((5, longest), np.int64),
    )
    assert end <= room
    return payload[:end].tobytes()


def _room(plan: Plan, commits: CommitRows, events: EventCells, cell_count: int, ranges_count: int) -> int:
    """Return how many bytes a payload has at most."""
    values, fragments = events.values, commits.origins.fragments
    return (
        len(plan.prefix)
        + 2 * int(fragments.starts[fragments.count] + values.starts[values.count])
        + (_COLUMNS_OF_HEADERS + 2 * sum(plan.columns) + 2 * len(plan.tags)) * COLUMN_ROOM
        + VALUE_ROOM * (2 * cell_count + 2 * len(events) + ranges_count + fragments.count + sum(plan.columns))
        + (2 * TEXT_BYTES + 8 * VALUE_ROOM) * len(commits)
    )


class CommitColumns(NamedTuple):
    """A payload taken apart: the headers of its commits, and its events."""

    commits: CommitRows
    events: EventCells

    def aggregate_ids(self) -> list[str]:
        """Return the aggregate of every commit; raises ValueError."""
        return texts_of(self.commits.aggregate_ids)

    def command_ids(self) -> list[str]:
        """Return the command of every commit; raises ValueError."""
        return texts_of(self.commits.command_ids)

    def actors(self) -> list[str]:
        """Return the actor of every commit; raises ValueError."""
        return [actor for _, _, actor, _ in self._origins()]

    def of_commits(self, places: Integers) -> "CommitColumns":
        """Return some of the commits, given their places in order: i8[:]."""
        commits, events = self
        counts = commits.event_counts[places]
        steps = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        own = np.repeat((np.cumsum(commits.event_counts) - commits.event_counts)[places], counts) + steps
        rows = CommitRows.of(
            aggregate_ids=commits.aggregate_ids[places],
            command_ids=commits.command_ids[places],
            first_versions=commits.first_versions[places],
            timestamps=commits.timestamps[places],
            origins=commits.origins,
            origin_numbers=commits.origin_numbers[places],
            event_counts=counts,
        )
        cells = EventCells.of(
            values=events.values,
            tags=events.tags,
            tag_values=events.tag_values,
            field_counts=events.field_counts,
            cells=events.cells,
            types=events.types[own],
            starts=events.starts[own],
        )
        return CommitColumns(rows, cells)

    def header_columns(self) -> list[list[Any]]:
        """Return the eight columns of the commits' headers, in stored order; raises ValueError."""
        commits = self.commits
        origins = self._origins()
        return [
            self.aggregate_ids(),
            commits.first_versions.tolist(),
            commits.timestamps.tolist(),
            self.command_ids(),
            *([list(column) for column in zip(*origins, strict=True)] or [[], [], [], []]),
        ]

    def _origins(self) -> list[tuple[str | None, str | None, str, dict[str, str] | None]]:
        origins = self.commits.origins
        found = [origins.values(number) for number in range(len(origins))]
        return [found[number] for number in self.commits.origin_numbers.tolist()]


def unpack(plain: bytes, formulas: Formulas = UNDECLARED) -> CommitColumns:
    """Take a plain payload apart; raises ValueError when it is damaged, UnknownEventType for a later declaration."""
    return unpack_together([plain], formulas)


def unpack_together(plains: Sequence[bytes], formulas: Formulas = UNDECLARED) -> CommitColumns:
    """Take plain payloads apart, in their order, as if they were one; raises what `unpack` raises, of any of them.

    A type whose events were stored in two ways, with a field more or by another declaration, is two types here.
    """
    prefixes = [
        plain[_PREFIX_BYTES : _PREFIX_BYTES + int.from_bytes(plain[:_PREFIX_BYTES], "little")] for plain in plains
    ]
    plan = formulas.plan_of(tuple(sorted({*prefixes})))
    read = _Reading(plains, prefixes, plan)
    return CommitColumns(read.headers(), read.events())


class _Reading:
    """Payloads that are being read: their bytes in one buffer, and where in it each of them is read next."""

    def __init__(self, plains: Sequence[bytes], prefixes: Sequence[bytes], plan: Plan) -> None:
        self._plan = plan
        self._buffer: Octets = np.frombuffer(bytearray().join([*plains, bytes(PADDING)]), np.uint8)
        sizes, starts = list(map(len, plains)), [_PREFIX_BYTES + len(prefix) for prefix in prefixes]
        self._ends: Integers = np.cumsum(sizes, dtype=np.int64)
        self._places: Integers = self._ends - np.array(sizes, np.int64) + np.array(starts, np.int64)
        types = [plan.places[prefix] for prefix in prefixes]
        self._types: Integers = np.concatenate(types) if types else np.empty(0, np.int64)
        self._type_starts: Integers = np.cumsum([0, *map(len, types)], dtype=np.int64)
        self._counts: Integers = np.empty((len(plains), unpacking.COUNT_CELLS), np.int64)
        found = unpacking.take_counts(self._buffer, self._places, self._ends, EVENTS_MAX, self._counts)
        if found > EVENTS_MAX:
            raise ValueError(f"a payload has at most {EVENTS_MAX} commits or events, found {found}")
        _refuse_damaged(found)
        commits, events, values, origins = self._counts.sum(axis=0).tolist()
        self._commit_count, self._event_count, self._value_count, self._origin_count = commits, events, values, origins
        longest = max(int(self._counts.max(initial=0)), plan.scratch) + 1
        self._scratch: Integers = np.empty((3, longest), np.int64)

    def headers(self) -> CommitRows:
        """Read everything before the columns of the types."""
        commits = self._commit_count
        identifiers = np.zeros((2, commits, TEXT_BYTES), np.uint8)
        self._first_versions, self._timestamps, self._event_counts = np.empty((3, commits), np.int64)
        self._event_types: Numbers = np.empty(self._event_count, np.int32)
        self._value_numbers: Integers = np.empty(self._value_count, np.int64)
        origin_numbers: Numbers = np.empty(commits, np.int32)
        value_ranges, value_slots = _numbering(payloads.FIRST_VALUE + self._value_count)
        origin_ranges, origin_slots = _numbering(self._origin_count)
        distinct = np.array([[payloads.FIRST_VALUE], [0]], np.int64)
        found = unpacking.take_headers(
            self._buffer,
            self._places,
            self._ends,
            self._counts,
            self._types,
            self._type_starts,
            identifiers[0].reshape(-1),
            identifiers[1].reshape(-1),
            self._first_versions,
            self._timestamps,
            self._event_counts,
            origin_numbers,
            self._event_types,
            self._value_numbers,
            value_ranges,
            value_slots,
            origin_ranges,
            origin_slots,
            distinct,
            self._scratch,
        )
        _refuse_damaged(found)
        (values,), (origins,) = distinct.tolist()
        self._ranges: Integers = value_ranges[:values]
        return CommitRows.of(
            aggregate_ids=identifiers[0],
            command_ids=identifiers[1],
            first_versions=self._first_versions,
            timestamps=self._timestamps,
            origins=Origins(self._table(origin_ranges[:origins], first=0)),
            origin_numbers=origin_numbers,
            event_counts=self._event_counts,
        )

    def events(self) -> EventCells:
        """Read the columns of all types as rows of cells, once the headers were read."""
        plan = self._plan
        layout = np.empty((len(self._types), payloads.LAYOUT_CELLS), np.int64)
        rows_of_types = np.zeros(len(plan.tags), np.int64)
        cell_count = unpacking.lay_out(
            self._counts,
            self._types,
            self._type_starts,
            self._event_types,
            plan.types,
            CELLS_MAX,
            layout,
            rows_of_types,
        )
        if cell_count < 0:
            raise ValueError(f"a payload has at most {CELLS_MAX} cells, found {-cell_count}")
        matrix, conditions = np.empty(cell_count, np.int64), np.empty(len(plan.conditions[1]) - 1, np.int64)
        payloads.find_conditions(self._buffer, self._ranges, len(self._ranges), *plan.conditions, conditions)
        found = unpacking.take_types(
            self._buffer,
            self._places,
            self._ends,
            self._counts,
            self._types,
            self._type_starts,
            layout,
            self._value_numbers,
            self._first_versions,
            self._timestamps,
            self._event_counts,
            self._event_types,
            plan.types,
            plan.steps,
            plan.instructions,
            conditions,
            np.empty((len(plan.tags), payloads.LAYOUT_CELLS), np.int64),
            matrix,
            self._scratch,
        )
        _refuse_damaged(found)
        room = room_of_shapes(self._types, layout, plan.types, plan.keys[1], matrix, self._ranges)
        shaped_max = int(rows_of_types[plan.shapes].sum())
        values = self._table(self._ranges, first=payloads.FIRST_VALUE, room=room, count=shaped_max)
        begins = np.cumsum([0, *(rows_of_types * plan.field_counts).tolist()], dtype=np.int64)
        starts, cells = np.empty(self._event_count, np.int64), np.empty(int(begins[-1]), np.int64)
        values.count = put_rows(
            self._types,
            layout,
            plan.types,
            *plan.keys,
            self._event_types,
            np.array([begins, begins]),
            matrix,
            cells,
            starts,
            *values.table,
            values.count,
        )
        return EventCells.of(
            values=values,
            tags=plan.tags,
            tag_values=plan.tag_values,
            field_counts=plan.field_counts,
            cells=cells,
            types=self._event_types,
            starts=starts,
            begins=begins,
        )

    def _table(self, ranges: Integers, *, first: int, room: int = 0, count: int = 0) -> Values:
        """Return the values from number `first` on as a table, with room for more behind them."""
        octets = np.empty(int(ranges[first:, 1].sum()) + room, np.uint8)
        starts = np.empty(len(ranges) - first + 1 + count, np.int64)
        put_table(self._buffer, ranges, first, octets, starts)
        return Values.of(octets, starts, len(ranges) - first)


def _numbering(count: int) -> tuple[Integers, Numbers]:
    """Return room for so many entries that get numbers: their ranges, and the slots that they are found by."""
    ranges = np.zeros((count, payloads.RANGE_CELLS), np.int64)
    return ranges, np.full(1 << (2 * count).bit_length(), -1, np.int32)


def _layout(plan: Plan, rows: Sequence[int]) -> tuple[Integers, int]:
    """Return where the columns of each type are and how many rows they have, and how many cells that are in all."""
    layout, place = [], 0
    for columns, count in zip(plan.columns, rows, strict=True):
        layout.append((place, count))
        place += (columns + payloads.CONTEXT_COLUMNS) * count
    return np.array(layout, np.int64).reshape(-1, payloads.LAYOUT_CELLS), place


def _refuse_damaged(found: int) -> None:
    if found != unpacking.SOUND:
        raise ValueError("the payload is not a list of commits: a column ends too early, or is not what was written")
