"""Tables for people at a terminal, of what the shapes hold."""

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.table import Table

WIDTH: Final = 200


def rendered(*parts: RenderableType) -> str:
    """Return parts as text, as wide as they need to be, so that nothing is cut when it goes into a file."""
    file = io.StringIO()
    console = Console(file=file, highlight=False, markup=False, width=WIDTH)
    for part in parts:
        console.print(part)
    return file.getvalue()


def figures_table(figures: Mapping[str, Any]) -> Table:
    """Return names and figures."""
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), _text(value))
    return table


def rows_table(title: str, rows: Iterable[Mapping[str, Any]], *, columns: Iterable[str] | None = None) -> Table:
    """Return rows, all with the same fields, or with those that are to be shown."""
    shown = list(rows)
    names = list(columns) if columns is not None else list(shown[0])
    table = Table(title=title, title_justify="left")
    for name in names:
        is_number = all(isinstance(row[name], int) or _is_decimal(row[name]) for row in shown)
        table.add_column(name.replace("_", " "), justify="right" if is_number else "left", overflow="fold")
    for row in shown:
        table.add_row(*(_text(row[name]) for name in names))
    return table


def _is_decimal(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdigit())


def _text(value: Any) -> str:
    return "" if value is None else str(value)
