"""The instruments that commands are measured with: a thousand, the demo's twenty among them."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Final

from market.instruments.csv_file import DEMO_FILE, definitions_of, read_file
from market.instruments.current import Instruments
from market.instruments.definition import shown_fields

_DEMO: Final = definitions_of(read_file(DEMO_FILE))
DEMO_SYMBOLS: Final = tuple(sorted(_DEMO))


def instruments(count: int = 1_000) -> Instruments:
    """Return so many instruments as a process holds them."""
    names = [f"S{number:03d}" for number in range(count - len(_DEMO))]
    made = {name: replace(_DEMO["KO"], symbol=name, name=f"Share {name}") for name in names}
    return Instruments.of({**_DEMO, **made}, version=1)


SYMBOLS: Final = tuple(instruments().by_symbol)
HUNDRED_SYMBOLS: Final = SYMBOLS[-100:]


def write(path: Path) -> None:
    """Write them all as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [shown_fields(each) for each in instruments().by_symbol.values()]
        writer = csv.DictWriter(file, fieldnames=[name for name in rows[0] if not name.startswith("is_")])
        writer.writeheader()
        writer.writerows({name: row[name] for name in writer.fieldnames} for row in rows)
