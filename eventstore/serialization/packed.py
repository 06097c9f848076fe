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

from eventstore.event_cells import CommitRows, EventCells, Origins, Values
from eventstore.kernels import payloads, unpacking
from eventstore.kernels.compiling import Integers, Octets
from eventstore.kernels.message_pack import INTEGER_ROOM
from eventstore.kernels.packing import COLUMN_ROOM, PADDING, VALUE_ROOM
from eventstore.kernels.texts import TEXT_BYTES, texts_of
from eventstore.serialization.formulas import Formulas, Plan

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
    start = _PREFIX_BYTES + int.from_bytes(plain[:_PREFIX_BYTES], "little")
    if start > len(plain):
        raise ValueError("the payload ends within its prefix")
    plan = formulas.plan_of(plain[_PREFIX_BYTES:start])
    place, (commits, events, value_count, origins) = _counts(plain, start)
    buffer = np.empty(len(plain) + PADDING, np.uint8)
    buffer[: len(plain)] = np.frombuffer(plain, np.uint8)

    longest = max(commits, events, value_count, origins, plan.scratch, len(plan.conditions[1])) + 1
    scratch = np.empty((4, longest), np.int64)
    origin_numbers, first_versions, timestamps, event_counts = np.empty((4, commits), np.int64)
    fragment_starts, value_starts = np.empty(origins + 1, np.int64), np.empty(value_count + 1, np.int64)
    identifiers = np.zeros((2, commits, TEXT_BYTES), np.uint8)
    places = np.empty(events, np.int64)
    place = unpacking.take_headers(
        buffer,
        place,
        len(plain),
        origin_numbers,
        fragment_starts,
        value_starts,
        identifiers[0].reshape(-1),
        identifiers[1].reshape(-1),
        first_versions,
        timestamps,
        event_counts,
        places,
        len(plan.tags),
        scratch,
    )
    if place < 0:
        raise _damaged()
    rows = CommitRows.of(
        aggregate_ids=identifiers[0],
        command_ids=identifiers[1],
        first_versions=first_versions,
        timestamps=timestamps,
        origins=Origins(_values_in(buffer, fragment_starts)),
        origin_numbers=origin_numbers.astype(np.int32),
        event_counts=event_counts,
    )
    return CommitColumns(rows, _take_events(buffer, place, len(plain), plan, rows, places, value_starts, scratch))


def _take_events(
    buffer: Octets,
    place: int,
    end: int,
    plan: Plan,
    commits: CommitRows,
    places: Integers,
    value_starts: Integers,
    scratch: Integers,
) -> EventCells:
    """Read the columns of all types as rows of cells."""
    value_count, type_count = len(value_starts) - 1, len(plan.tags)
    rows: list[int] = np.bincount(places, minlength=type_count).tolist()
    layout, cell_count = _layout(plan, rows)
    if cell_count > CELLS_MAX:
        raise ValueError(f"a payload has at most {CELLS_MAX} cells, found {cell_count}")
    matrix = np.empty(cell_count, np.int64)
    of_shapes, filled = np.zeros(1, np.int64), np.zeros((2, type_count), np.int64)
    place = unpacking.take_types(
        buffer,
        place,
        end,
        value_starts,
        np.empty((payloads.FIRST_VALUE + value_count, payloads.RANGE_CELLS), np.int64),
        commits.first_versions,
        commits.timestamps,
        commits.event_counts,
        places,
        plan.types,
        layout,
        plan.steps,
        plan.instructions,
        *plan.conditions,
        plan.keys[1],
        of_shapes,
        filled[0],
        matrix,
        scratch,
    )
    if place != end:
        raise _damaged()
    shaped_max = sum([count for count, has_shape in zip(rows, plan.shapes, strict=True) if has_shape])
    values = _values_in(buffer, value_starts, room=int(of_shapes[0]), count=shaped_max)
    row_starts = np.empty(len(places), np.int64)
    cells = np.empty(cell_count, np.int64)
    values.count = unpacking.put_rows(
        plan.types,
        layout,
        *plan.keys,
        places,
        filled[1],
        matrix,
        cells,
        row_starts,
        *values.table,
        value_count,
    )
    return EventCells.of(
        values=values,
        tags=plan.tags,
        tag_values=plan.tag_values,
        field_counts=plan.field_counts,
        cells=cells,
        types=places.astype(np.int32),
        starts=row_starts,
    )


def _layout(plan: Plan, rows: Sequence[int]) -> tuple[Integers, int]:
    """Return where the columns of each type are and how many rows they have, and how many cells that are in all."""
    layout, place = [], 0
    for columns, count in zip(plan.columns, rows, strict=True):
        layout.append((place, count))
        place += (columns + payloads.CONTEXT_COLUMNS) * count
    return np.array(layout, np.int64).reshape(-1, payloads.LAYOUT_CELLS), place


def _counts(plain: bytes, place: int) -> tuple[int, Sequence[int]]:
    """Read the four counts of a payload; raises ValueError."""
    found = []
    for _ in range(4):
        value = shift = 0
        while True:
            if place >= len(plain) or shift > 21:
                raise _damaged()
            byte = plain[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if value > EVENTS_MAX:
            raise ValueError(f"a payload has at most {EVENTS_MAX} commits or events, found {value}")
        found.append(value)
    if max(found[2:]) > len(plain):
        raise _damaged()
    return place, found


def _values_in(buffer: Octets, starts: Integers, *, room: int = 0, count: int = 0) -> Values:
    """Return the values that lie between places of a buffer as a table, with room for more behind them."""
    begin, size = int(starts[0]), int(starts[-1] - starts[0])
    octets = np.empty(size + room, np.uint8)
    octets[:size] = buffer[begin : begin + size]
    own = np.empty(len(starts) + count, np.int64)
    own[: len(starts)] = starts
    own[: len(starts)] -= begin
    return Values.of(octets, own, len(starts) - 1)


def _damaged() -> ValueError:
    return ValueError("the payload is not a list of commits: a column ends too early, or is not what was written")
