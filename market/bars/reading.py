"""Reads bars: the statement for a page of one symbol's, which is one stretch of the table's key. Permissions are the
caller's, and so is the connection.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
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
    since, until = begin or BEFORE_ALL, end or AFTER_ALL
    if beyond is not None and oldest_first:
        since = max(since, beyond + timedelta(microseconds=1))
    elif beyond is not None:
        until = min(until, beyond)
    statement = (
        f"SELECT {', '.join(COLUMNS)} FROM {span.table} WHERE symbol = %s AND at >= %s AND at < %s"  # noqa: S608
        f" ORDER BY at {'ASC' if oldest_first else 'DESC'} LIMIT %s"
    )
    return Page(statement, [symbol, since, until, limit])


def row_of(values: Sequence[Any]) -> dict[str, Any]:
    """Return a row by its columns, its source in words."""
    row = dict(zip(COLUMNS, values, strict=True))
    return {**row, "source": SOURCES[row["source"]]}
