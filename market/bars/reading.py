"""Reads bars: the statement for a page of one symbol's, which is one stretch of the table's key. Permissions are the
caller's, and so is the connection.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from market.bars.definition import SOURCES, Span

BEFORE_ALL: Final = datetime(1, 1, 1, tzinfo=UTC)
AFTER_ALL: Final = datetime(9999, 12, 31, tzinfo=UTC)
COLUMNS: Final = ("at", "open", "high", "low", "close", "volume", "price_count", "source")
SOURCE_NAMES: Final = tuple(SOURCES.values())


class Page(NamedTuple):
    """A statement and its values; its rows have COLUMNS."""

    statement: str
    values: list[Any]


def page_of(
    *,
    symbol: str,
    span: Span,
    begin: datetime | None,
    end: datetime | None,
    beyond: datetime | None,
    limit: int,
    oldest_first: bool,
) -> Page:
    """Return the page of at most `limit` bars that begin at or after one instant and before another, and beyond the
    last one of the page before.
    """
    values = [begin or BEFORE_ALL, end or AFTER_ALL, *([] if beyond is None else [beyond])]
    where = "symbol = %s AND at >= %s AND at < %s"
    if beyond is not None:
        where += f" AND at {'>' if oldest_first else '<'} %s"
    statement = (
        f"SELECT {', '.join(COLUMNS)} FROM {span.table} WHERE {where}"  # noqa: S608 - of our own names.
        f" ORDER BY at {'ASC' if oldest_first else 'DESC'} LIMIT %s"
    )
    return Page(statement, [symbol, *values, limit])


def row_of(values: Sequence[Any]) -> dict[str, Any]:
    """Return a row by its columns, its source in words."""
    row = dict(zip(COLUMNS, values, strict=True))
    return {**row, "source": SOURCES[row["source"]]}
