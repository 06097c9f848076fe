"""Corporate actions as a CSV file: a header with the names of fields, then one action a line. A wrong line is named,
and then nothing of the file counts.

The columns are those of CorporateActionTerms, in any order; a cell that is not of a line's kind stays empty.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from market.corporate_actions.definition import FIELDS, CorporateActionTerms, InvalidCorporateAction, parse_terms
from market.instruments.csv_file import UnusableFile

LINES_MAX: Final = 100_000
NEEDED_COLUMNS: Final = ("kind", "symbol", "effective_date")


def read_file(path: Path) -> dict[int, CorporateActionTerms]:
    """Return the actions of a file by the number of their line; raises UnusableFile."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return read_lines(lines)
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from error


def read_lines(lines: Iterable[str]) -> dict[int, CorporateActionTerms]:
    """Return the actions of the lines of a file; raises UnusableFile."""
    reader = csv.reader(lines, strict=True)
    found: dict[int, CorporateActionTerms] = {}
    try:
        columns = _columns(next(reader, []))
        for row in reader:
            if not row:
                continue  # An empty line.
            found[reader.line_num] = _terms(columns, row, reader.line_num)
            if len(found) > LINES_MAX:
                raise UnusableFile(f"line {reader.line_num}: a file has at most {LINES_MAX:,} actions: split it")
    except csv.Error as error:
        raise UnusableFile(f"line {reader.line_num}: it is not CSV: {error}") from error
    if not found:
        raise UnusableFile("there is no action: after the header comes one line for each")
    return found


def _columns(header: list[str]) -> list[str]:
    columns = [name.strip() for name in header]
    unknown = [name for name in columns if name not in FIELDS]
    if unknown:
        raise UnusableFile(f"line 1: there is no column {unknown[0][:40]!r}: there are {', '.join(FIELDS)}")
    doubled = [name for name in columns if columns.count(name) > 1]
    if doubled:
        raise UnusableFile(f"line 1: the column {doubled[0]} is there twice")
    missing = [name for name in NEEDED_COLUMNS if name not in columns]
    if missing:
        raise UnusableFile(f"line 1: there is no column {missing[0]}, found {','.join(columns)[:80] or 'nothing'}")
    return columns


def _terms(columns: list[str], row: list[str], line: int) -> CorporateActionTerms:
    if len(row) != len(columns):
        raise UnusableFile(f"line {line}: expected {len(columns)} columns as in the header, found {len(row)}")
    try:
        return parse_terms(dict(zip(columns, row, strict=True)))
    except InvalidCorporateAction as error:
        raise UnusableFile(f"line {line}, column {error.field}: {error}") from error
