"""The corporate actions of the simulated year: dividends each quarter, splits, a reverse split, a change of symbol."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

from market.calendar import first_index_from, trading_days
from tests.chaos.target import Target

COLUMNS = ("kind", "symbol", "effective_date", "numerator", "denominator", "amount_per_share", "new_symbol")
DIVIDENDS = {"AAPL": "0.73", "JNJ": "0.9", "KO": "0.4", "MSFT": "0.46", "PG": "0.717", "XOM": "0.82"}
SPLITS = (("AMD", 3, 2), ("HD", 2, 1), ("LLY", 5, 1), ("GE", 1, 8), ("RRC", 1, 10))
NEW_SYMBOLS = {"BBY": "BBUY"}


def announce(target: Target, first: str, sessions: int) -> int:
    """Announce actions for sessions after the first, spread over all of them; return how many."""
    days = trading_days()[first_index_from(date.fromisoformat(first)) :]
    path = target.data_dir / "corporate_actions.csv"
    rows = planned(sessions)
    _write(path, [{**row, "effective_date": days[row["effective_date"]].isoformat()} for row in rows])
    done = target.manage("import_corporate_actions", str(path), "--reason", "the simulated year")
    assert done.returncode == 0, done.stdout + done.stderr
    return len(rows)


def planned(sessions: int) -> list[dict[str, Any]]:
    """Return the actions of so many sessions, by the number of the session of each."""
    found: list[dict[str, Any]] = []
    quarters = range(max(2, sessions // 8), sessions - 1, max(3, sessions // 4))
    for place, start in enumerate(quarters):
        for offset, (symbol, amount) in enumerate(DIVIDENDS.items()):
            day = start + offset * max(1, sessions // 80)
            if day < sessions - 1 and (sessions > 40 or (offset + place) % 3 == 0):
                found.append({"kind": "DIVIDEND", "symbol": symbol, "effective_date": day, "amount_per_share": amount})
    changes = [
        *({"kind": "SPLIT", "symbol": symbol, "numerator": n, "denominator": d} for symbol, n, d in SPLITS),
        *({"kind": "SYMBOL_CHANGE", "symbol": old, "new_symbol": new} for old, new in NEW_SYMBOLS.items()),
    ]
    for number, change in enumerate(changes, start=1):
        found.append({**change, "effective_date": number * (sessions - 1) // (len(changes) + 1) + 1})
    return found


def unapplied(target: Target) -> list[str]:
    """Return the actions that are not applied."""
    listed = target.manage("corporate_actions", "list")
    assert listed.returncode == 0, listed.stdout + listed.stderr
    return [line.strip() for line in listed.stdout.splitlines() if line.split()[2] != "APPLIED"]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
