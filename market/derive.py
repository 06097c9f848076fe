"""Derive data/closes.csv.gz from skfolio's sp500_dataset.csv.gz, so that the vendored file can be made again.

    python -m market.derive PATH_TO_CSV [--output FILE]

PATH_TO_CSV is the data set as it is in skfolio's wheel (skfolio/datasets/data/sp500_dataset.csv.gz), gzipped
or plain. The days from `FIRST_DATE` on are kept and every figure is copied as it is written; nothing is
computed, so the output depends on the input only. It refuses an input that has gaps, unsorted days, other
symbols or more than 3 decimals.
"""

import argparse
import csv
import gzip
import io
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from market.instruments.csv_file import DEMO_FILE, read_file
from market.prices import CLOSES_PATH

FIRST_DATE: Final = date(2015, 1, 1)

_PRICE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)


class UnusableInput(ValueError):
    """The input is not the expected data set; the message names the line and what to check."""


def select_rows(rows: Iterable[Sequence[str]], *, symbols: Sequence[str]) -> list[Sequence[str]]:
    """Return the header and the rows from `FIRST_DATE` on, after having checked each of them."""
    lines = iter(rows)
    header = list(next(lines, []))
    if header != ["Date", *symbols]:
        raise UnusableInput(
            f"line 1: expected the columns Date and {', '.join(symbols)}, found {', '.join(header)[:200]}: "
            "check that this is skfolio's sp500_dataset.csv"
        )
    selected: list[Sequence[str]] = [header]
    latest = date.min
    for number, row in enumerate(lines, start=2):
        day = _checked_date(row, number=number, column_count=len(header), after=latest)
        latest = day
        if day >= FIRST_DATE:
            selected.append(_checked_prices(row, number=number))
    if len(selected) == 1:
        raise UnusableInput(f"no day from {FIRST_DATE} on: check that the input reaches past that date")
    return selected


def to_gzip(rows: Iterable[Sequence[str]]) -> bytes:
    """Write the rows as gzipped CSV, without time stamp or file name, so that the same rows give the same
    bytes.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return gzip.compress(text.getvalue().encode("ascii"), compresslevel=9, mtime=0)


def _checked_date(row: Sequence[str], *, number: int, column_count: int, after: date) -> date:
    if len(row) != column_count:
        raise UnusableInput(f"line {number}: expected {column_count} columns, found {len(row)}")
    try:
        day = date.fromisoformat(row[0])
    except ValueError as error:
        raise UnusableInput(f"line {number}: expected a date like 2015-01-02, found {row[0][:40]!r}") from error
    if day <= after:
        raise UnusableInput(f"line {number}: expected a day after {after}, found {day}: sort the input by date")
    return day


def _checked_prices(row: Sequence[str], *, number: int) -> Sequence[str]:
    for text in row[1:]:
        if not _PRICE.fullmatch(text) or not text.strip("0."):
            raise UnusableInput(
                f"line {number}: expected a positive price with at most 3 decimals, found {text[:40]!r}"
            )
    return row


def _demo_symbols() -> list[str]:
    return sorted(change["symbol"] for change in read_file(DEMO_FILE).values())


def _read(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")
    return list(csv.reader(io.StringIO(text)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m market.derive", description="Derive the market's price file.")
    parser.add_argument("source", type=Path, help="skfolio's sp500_dataset.csv.gz, or the same unpacked")
    parser.add_argument("--output", type=Path, default=CLOSES_PATH, help="file to write (default: the vendored one)")
    options = parser.parse_args(arguments)
    try:
        rows = select_rows(_read(options.source), symbols=_demo_symbols())
    except (OSError, UnusableInput) as error:
        sys.stderr.write(f"{options.source}: {error}\n")
        return 1
    data = to_gzip(rows)
    options.output.write_bytes(data)
    sys.stdout.write(f"{options.output}: {len(rows) - 1} days, {rows[1][0]} to {rows[-1][0]}, {len(data)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
