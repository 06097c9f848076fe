"""How bars get into PostgreSQL: one statement for all of them, and one each for the hours and the days that they move.

In a transaction of the caller. A bar that is written again with the same values changes nothing; one that was imported
stays as it is. Hours are made of their minutes, and days of their hours and of the minutes at both ends of a session,
so a day costs some 70 rows a symbol and not all of its minutes. What was imported as an hour or a day is never made
anew. Minutes are partitioned by month; whoever writes makes the months that are missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from market.bars.definition import HOUR_US, IMPORTED, MINUTE, SIMULATED, SPANS, Bar
from market.sessions import DAY_US, sessions_of

MAKING_MONTHS: Final = 7_421_011
"""Key of the advisory lock of whoever makes partitions: the feed and an import may meet the same new month."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_VALUES: Final = ("open", "high", "low", "close", "volume", "price_count", "source")
_CHANGES: Final = ", ".join(f"{name} = excluded.{name}" for name in _VALUES)
_IS_DIFFERENT: Final = (
    f"({', '.join(f'stored.{name}' for name in _VALUES)}) IS DISTINCT FROM "
    f"({', '.join(f'excluded.{name}' for name in _VALUES)})"
)
INSTANT_SQL: Final = "(timestamptz 'epoch' + {} * interval '1 microsecond')"
"""An instant, given as microseconds since 1970."""

_WRITE_MINUTES: Final = f"""
    INSERT INTO bars_1m AS stored (symbol, at, {", ".join(_VALUES)})
    SELECT symbol, {INSTANT_SQL.format("at_us")}, {", ".join(_VALUES)}
    FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
        %s::int[], %s::smallint[]) AS given (symbol, at_us, {", ".join(_VALUES)})
    ORDER BY symbol, at_us
    ON CONFLICT (symbol, at) DO UPDATE SET {_CHANGES} WHERE stored.source <> {IMPORTED} AND {_IS_DIFFERENT}
"""  # noqa: S608 - of our own names.
_AGGREGATES: Final = """
    (array_agg(open ORDER BY at))[1] AS open, max(high) AS high, min(low) AS low,
    (array_agg(close ORDER BY at DESC))[1] AS close,
    CASE WHEN count(volume) = count(*) THEN sum(volume)::bigint END AS volume,
    CASE WHEN count(price_count) = count(*) THEN sum(price_count)::int END AS price_count,
    min(source) AS source
"""
_UPSERT_DERIVED: Final = f"""
    ON CONFLICT (symbol, at) DO UPDATE SET {_CHANGES} WHERE stored.is_derived AND {_IS_DIFFERENT}
"""
_DERIVE_HOURS: Final = f"""
    INSERT INTO bars_1h AS stored (symbol, at, {", ".join(_VALUES)}, is_derived)
    SELECT moved.symbol, made.hour, {", ".join(f"made.{name}" for name in _VALUES)}, true
    FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS moved (symbol, since, until)
    CROSS JOIN LATERAL (
        SELECT date_trunc('hour', at, 'UTC') AS hour, {_AGGREGATES} FROM bars_1m
        WHERE symbol = moved.symbol AND at >= moved.since AND at < moved.until GROUP BY 1
    ) AS made
    ORDER BY moved.symbol, made.hour
    {_UPSERT_DERIVED}
"""  # noqa: S608
_DERIVE_DAYS: Final = f"""
    INSERT INTO bars_1d AS stored (symbol, at, {", ".join(_VALUES)}, is_derived)
    SELECT moved.symbol, moved.day, {", ".join(f"made.{name}" for name in _VALUES)}, true
    FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
        %s::timestamptz[]) AS moved (symbol, day, opens, first_hour, end_hour, closes)
    CROSS JOIN LATERAL (
        SELECT {_AGGREGATES} FROM (
            SELECT at, {", ".join(_VALUES)} FROM bars_1m
            WHERE symbol = moved.symbol AND at >= moved.opens AND at < moved.first_hour
            UNION ALL
            SELECT at, {", ".join(_VALUES)} FROM bars_1h
            WHERE symbol = moved.symbol AND at >= moved.first_hour AND at < moved.end_hour
            UNION ALL
            SELECT at, {", ".join(_VALUES)} FROM bars_1m
            WHERE symbol = moved.symbol AND at >= moved.end_hour AND at < moved.closes
        ) AS parts HAVING count(*) > 0
    ) AS made
    ORDER BY moved.symbol, moved.day
    {_UPSERT_DERIVED}
"""  # noqa: S608
_MONTHS: Final = (
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = %s::regclass"
)
_WRITE_CLOSES: Final = f"""
    INSERT INTO bars_1d (symbol, at, open, high, low, close, price_count, source, is_derived)
    SELECT symbol, at, close, close, close, close, 1, {SIMULATED}, true
    FROM unnest(%s::text[], %s::timestamptz[], %s::bigint[]) AS given (symbol, at, close)
    ORDER BY symbol, at ON CONFLICT (symbol, at) DO NOTHING
"""  # noqa: S608


class Cursor(Protocol):
    """A cursor of Django's or of psycopg's."""

    @property
    def rowcount(self) -> int:
        """Return how many rows the statement touched."""

    def execute(self, query: str, params: Sequence[Any] = ..., /) -> Any:
        """Execute a statement."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return its rows."""


class Stretch(NamedTuple):
    """The time in which minutes of a symbol were written; its end is the beginning of the latest of them."""

    from_us: int
    latest_us: int


def instant(at_us: int) -> datetime:
    """Return microseconds since 1970 as PostgreSQL's driver takes an instant."""
    return EPOCH + timedelta(microseconds=at_us)


def microseconds(at: datetime) -> int:
    """Return the same the other way round."""
    return (at - EPOCH) // timedelta(microseconds=1)


def write_minutes(cursor: Cursor, bars: Sequence[Bar], *, calendars: Mapping[str, str]) -> int:
    """Add minute bars, or move them on, with the hours and days that they belong to; return how many have changed.

    `calendars` has the calendar of each symbol.
    """
    if not bars:
        return 0
    ensure_months(cursor, {month_of(instant(bar.at_us)) for bar in bars})
    cursor.execute(_WRITE_MINUTES, [list(column) for column in zip(*bars, strict=True)])
    changed = cursor.rowcount
    if changed:
        derive(cursor, _stretches(bars), calendars=calendars)
    return changed


def derive(cursor: Cursor, stretches: Mapping[str, Stretch], *, calendars: Mapping[str, str]) -> None:
    """Make the hours and the days anew in which minutes of symbols were written."""
    hours = [
        (symbol, instant(stretch.from_us // HOUR_US * HOUR_US), instant((stretch.latest_us // HOUR_US + 1) * HOUR_US))
        for symbol, stretch in stretches.items()
    ]
    cursor.execute(_DERIVE_HOURS, _columns(hours, 3))
    cursor.execute(_DERIVE_DAYS, _columns(_days(stretches, calendars), 6))


def write_closes(cursor: Cursor, closes: Iterable[tuple[str, date, int]]) -> int:
    """Add day bars of which nothing but the close is known (symbol, day, price), where there are none; return how many
    were added.
    """
    rows = [(symbol, datetime(day.year, day.month, day.day, tzinfo=UTC), close) for symbol, day, close in closes]
    cursor.execute(_WRITE_CLOSES, _columns(rows, 3))
    return cursor.rowcount


def forget_simulated(cursor: Cursor, symbols: Sequence[str], *, from_us: int) -> None:
    """Remove the simulated bars of symbols from a session's open on: the replay has gone back to before them."""
    for span in SPANS.values():
        since = from_us // span.length_us * span.length_us
        cursor.execute(
            f"DELETE FROM {span.table} WHERE symbol = ANY(%s) AND at >= %s AND source = {SIMULATED}",  # noqa: S608
            [list(symbols), instant(since)],
        )


def ensure_months(cursor: Cursor, months: set[date]) -> None:
    """Make what is missing of the partitions of these months, each named by its first day."""
    wanted = {f"{MINUTE.table}_{month:%Y_%m}": month for month in sorted(months)}
    if not wanted.keys() - _standing(cursor):
        return
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MAKING_MONTHS])
    standing = _standing(cursor)
    for name, month in wanted.items():
        if name not in standing:
            end = (month + timedelta(days=31)).replace(day=1)
            # Attached, not made in place: that would wait for all who read the table, and hold up all who want to.
            cursor.execute(f"CREATE TABLE {name} (LIKE {MINUTE.table} INCLUDING ALL)")
            cursor.execute(
                f"ALTER TABLE {MINUTE.table} ATTACH PARTITION {name} FOR VALUES "
                f"FROM ('{month} 00:00:00+00') TO ('{end} 00:00:00+00')"
            )


def month_of(at: datetime) -> date:
    """Return the first day of the month of an instant in UTC."""
    return at.astimezone(UTC).date().replace(day=1)


def _standing(cursor: Cursor) -> set[str]:
    cursor.execute(_MONTHS, [MINUTE.table])
    return {name for (name,) in cursor.fetchall()}


def _stretches(bars: Sequence[Bar]) -> dict[str, Stretch]:
    found: dict[str, Stretch] = {}
    for bar in bars:
        known = found.get(bar.symbol, Stretch(bar.at_us, bar.at_us))
        found[bar.symbol] = Stretch(min(known.from_us, bar.at_us), max(known.latest_us, bar.at_us))
    return found


def _days(stretches: Mapping[str, Stretch], calendars: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """Return for each session that a stretch touches: symbol, date, open, first and end of its full hours, close."""
    days = []
    for symbol, stretch in stretches.items():
        sessions = sessions_of(calendars[symbol])
        for session in sessions.between(stretch.from_us, stretch.latest_us + MINUTE.length_us):
            first = -(-session.open_us // HOUR_US) * HOUR_US
            end = max(session.close_us // HOUR_US * HOUR_US, first)
            day_us = session.day.toordinal() - EPOCH.toordinal()
            instants = (day_us * DAY_US, session.open_us, min(first, session.close_us), end, session.close_us)
            days.append((symbol, *map(instant, instants)))
    return days


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]
