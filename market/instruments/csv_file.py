"""Instruments as a CSV file: a header with the names of fields, then one instrument a line. A wrong line is named, and
then nothing of the file counts.

The columns are those of InstrumentDefinition, in any order. `symbol` is always there; a file that only changes
instruments may leave out every other one, and what is left out stays what it is.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from market.instruments.definition import FIELDS, OPTIONAL_FIELDS, InstrumentDefinition, InvalidInstrument, parse_field

DEMO_FILE: Final = Path(__file__).parent.parent / "data" / "instruments.csv"
"""The twenty instruments of the demo."""
LINES_MAX: Final = 1_000_000

Changes = dict[int, dict[str, Any]]
"""What is asked for, by the number of the line."""


class UnusableFile(ValueError):
    """A file that is not imported; the message names the line, counted from 1, and the column."""


def read_file(path: Path, *, say: Callable[[int], None] = lambda lines: None) -> Changes:
    """Return what a file asks for, in its order; raises UnusableFile. `say` is told how many lines are read so far."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return read_lines(lines, say=say)
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from error


def read_lines(lines: Iterable[str], *, say: Callable[[int], None] = lambda lines: None) -> Changes:
    """Return what the lines of a file ask for; raises UnusableFile."""
    reader = csv.reader(lines, strict=True)
    changes: Changes = {}
    line_of: dict[str, int] = {}
    try:
        columns = _columns(next(reader, []))
        for row in reader:
            line = reader.line_num
            if not row:
                continue  # An empty line.
            change = _change(columns, row, line)
            symbol = change["symbol"]
            if symbol in line_of:
                raise UnusableFile(f"line {line}, column symbol: {symbol} is in line {line_of[symbol]} already")
            line_of[symbol] = line
            changes[line] = change
            if len(changes) > LINES_MAX:
                raise UnusableFile(f"line {line}: a file has at most {LINES_MAX:,} instruments: split it")
            say(line)
    except csv.Error as error:
        raise UnusableFile(f"line {reader.line_num}: it is not CSV: {error}") from error
    if not changes:
        raise UnusableFile("there is no instrument: after the header comes one line for each")
    return changes


def definitions_of(changes: Changes) -> dict[str, InstrumentDefinition]:
    """Return the instruments of a file that has every field of each, as a database that was empty would have them."""
    return {change["symbol"]: InstrumentDefinition(**{**OPTIONAL_FIELDS, **change}) for change in changes.values()}


def _columns(header: Sequence[str]) -> list[str]:
    columns = [name.strip() for name in header]
    unknown = [name for name in columns if name not in FIELDS]
    if unknown:
        raise UnusableFile(f"line 1: there is no column {unknown[0][:40]!r}: there are {', '.join(FIELDS)}")
    doubled = [name for name in columns if columns.count(name) > 1]
    if doubled:
        raise UnusableFile(f"line 1: the column {doubled[0]} is there twice")
    if "symbol" not in columns:
        raise UnusableFile(f"line 1: the header has no column symbol, found {','.join(columns)[:80] or 'nothing'}")
    return columns


def _change(columns: Sequence[str], row: Sequence[str], line: int) -> dict[str, Any]:
    if len(row) != len(columns):
        raise UnusableFile(f"line {line}: expected {len(columns)} columns as in the header, found {len(row)}")
    try:
        return {column: parse_field(column, text) for column, text in zip(columns, row, strict=True)}
    except InvalidInstrument as error:
        raise UnusableFile(f"line {line}, column {error.field}: {error}") from error
