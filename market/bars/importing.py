"""Brings the bars of a file into PostgreSQL: all of them or none, recorded with who, when, why and how many.

The rows are checked one by one while they go into a temporary table (COPY); symbols, sessions, doubles and overlaps are
then looked at by one statement each, and one INSERT makes bars of them. Imported minutes move the hours and days that
they belong to, but for those that were imported themselves.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from market.bars.definition import DAY, IMPORTED, MINUTE, SOURCES, Span
from market.bars.files import Row, UnusableFile, read_rows
from market.bars.writing import INSTANT_SQL, Stretch, derive, ensure_months, instant, microseconds
from market.instruments.changes import check_reason
from market.instruments.definition import InstrumentDefinition
from market.models import BarImport
from market.sessions import DAY_US, calendar_of, sessions_of

NAMED_MAX: Final = 10
"""So many symbols, days or bars are named in a message; of more it is said how many."""
LINES_AT_A_TIME: Final = 5_000

_STAGE: Final = """
    CREATE TEMPORARY TABLE staged_bars (symbol text, at_us bigint, open bigint, high bigint, low bigint, close bigint,
        volume bigint, number bigint) ON COMMIT DROP
"""
_DOUBLED: Final = """
    SELECT symbol, at_us, min(number), max(number) FROM staged_bars GROUP BY symbol, at_us HAVING count(*) > 1
    ORDER BY 3 LIMIT 1
"""
_BY_SYMBOL: Final = "SELECT symbol, min(at_us), max(at_us), count(*) FROM staged_bars GROUP BY symbol ORDER BY symbol"
_OVERLAP: Final = f"""
    SELECT stored.symbol, min(stored.at), max(stored.at), count(*), min(stored.source)
    FROM staged_bars AS staged JOIN {{table}} AS stored
        ON stored.symbol = staged.symbol AND stored.at = {INSTANT_SQL.format("staged.at_us")}
    GROUP BY stored.symbol ORDER BY stored.symbol
"""  # noqa: S608
_DAYS: Final = "SELECT symbol, at_us / %s, number FROM staged_bars"
_INSERT: Final = f"""
    INSERT INTO {{table}} (symbol, at, open, high, low, close, volume, price_count, source {{more}})
    SELECT symbol, {INSTANT_SQL.format("at_us")}, open, high, low, close, volume, NULL, {IMPORTED} {{values}}
    FROM staged_bars ORDER BY symbol, at_us
    ON CONFLICT (symbol, at) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low,
        close = excluded.close, volume = excluded.volume, price_count = excluded.price_count,
        source = excluded.source {{changes}}
"""  # noqa: S608 - of our own names.


class Imported(NamedTuple):
    """How many bars a file had, how many of these there were before, and of how many symbols they are."""

    bars: int
    replaced: int
    symbols: int


def import_bars(
    path: Path,
    *,
    span: Span,
    instruments: Mapping[str, InstrumentDefinition],
    is_replacing: bool,
    actor: str,
    reason: str,
    now: datetime,
    say: Callable[[str, int], None] = lambda what, count: None,
) -> Imported:
    """Import a file, all of it or nothing; raises UnusableFile and InvalidReason.

    `say` is told what goes on, and how many rows are read so far.
    """
    checked_reason = check_reason(reason)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_STAGE)
        _stage(cursor, read_rows(path, span), instruments, say)
        say("indexing", 0)
        cursor.execute("ANALYZE staged_bars")
        ranges = _ranges(cursor)
        _check_doubles(cursor)
        if span is DAY:
            _check_days(cursor, {symbol: instruments[symbol] for symbol in ranges})
        replaced = _replaced(cursor, span, is_replacing=is_replacing)
        say("writing", sum(count for _, _, count in ranges.values()))
        stretches = {symbol: Stretch(first, latest) for symbol, (first, latest, _) in ranges.items()}
        _insert(cursor, span)
        if span is MINUTE:
            say("hours and days of", len(stretches))
            derive(cursor, stretches, calendars={symbol: calendar_of(instruments[symbol]) for symbol in stretches})
        imported = Imported(sum(count for _, _, count in ranges.values()), replaced, len(ranges))
        BarImport.objects.create(
            at=now,
            actor=actor,
            reason=checked_reason,
            span=span.name,
            bars=imported.bars,
            replaced=imported.replaced,
            symbols=imported.symbols,
            first_at=instant(min(first for first, _, _ in ranges.values())),
            latest_at=instant(max(latest for _, latest, _ in ranges.values())),
        )
    return imported


def _stage(
    cursor: Any,
    rows: Iterator[tuple[int, Row]],
    instruments: Mapping[str, InstrumentDefinition],
    say: Callable[[str, int], None],
) -> None:
    """Copy rows; at the end of the file, symbols that are no instrument's are named."""
    unknown: dict[str, int] = {}
    count = 0
    lines: list[str] = []
    with cursor.copy("COPY staged_bars FROM STDIN") as copy:
        for count, (number, (symbol, at_us, opened, high, low, close, volume)) in enumerate(rows, start=1):
            if symbol not in instruments:
                unknown.setdefault(symbol, number)
                continue
            shown = "\\N" if volume is None else volume
            lines.append(f"{symbol}\t{at_us}\t{opened}\t{high}\t{low}\t{close}\t{shown}\t{number}\n")
            if len(lines) == LINES_AT_A_TIME:
                copy.write("".join(lines))
                lines.clear()
                say("read", count)
        copy.write("".join(lines))
        say("read", count)
    if unknown:
        named = ", ".join(f"{symbol[:20]!r} ({number})" for symbol, number in list(unknown.items())[:NAMED_MAX])
        more = f" and {len(unknown) - NAMED_MAX} others" if len(unknown) > NAMED_MAX else ""
        raise UnusableFile(
            f"column symbol: there is no instrument {named}{more}, first in the line or row in brackets: "
            "import_instruments adds instruments"
        )
    if not count:
        raise UnusableFile("there is no bar: after the header comes one line for each")


def _ranges(cursor: Any) -> dict[str, tuple[int, int, int]]:
    """Return the first and the latest bar of each symbol, and how many there are."""
    cursor.execute(_BY_SYMBOL)
    return {symbol: (first, latest, count) for symbol, first, latest, count in cursor.fetchall()}


def _check_doubles(cursor: Any) -> None:
    cursor.execute(_DOUBLED)
    for symbol, at_us, first, again in cursor.fetchall():
        raise UnusableFile(
            f"the bar of {symbol} at {_shown(at_us)} is there twice: in lines or rows {first} and {again}"
        )


def _check_days(cursor: Any, instruments: Mapping[str, InstrumentDefinition]) -> None:
    """Refuse days on which an exchange that is known has no session."""
    sessions = {symbol: sessions_of(calendar_of(each)) for symbol, each in instruments.items()}
    days = {each.calendar: set(each.days.tolist()) for each in sessions.values()}
    cursor.execute(_DAYS, [DAY_US])
    wrong = [
        f"{symbol} {_shown(day * DAY_US)[:10]} ({number})"
        for symbol, day, number in cursor.fetchall()
        if day not in days[sessions[symbol].calendar] and sessions[symbol].covers(day)
    ]
    if wrong:
        more = f" and {len(wrong) - NAMED_MAX} others" if len(wrong) > NAMED_MAX else ""
        raise UnusableFile(
            f"column at: its exchange has no session on {', '.join(wrong[:NAMED_MAX])}{more} (in brackets, the line or "
            "row)"
        )


def _replaced(cursor: Any, span: Span, *, is_replacing: bool) -> int:
    """Return how many of the bars there are already; refuses them unless they are to be replaced."""
    cursor.execute(_OVERLAP.format(table=span.table))
    found = cursor.fetchall()
    total = sum(count for *_, count, _ in found)
    if found and not is_replacing:
        shown = ", ".join(
            f"{symbol} from {_shown(microseconds(first))} to {_shown(microseconds(latest))} ({SOURCES[source]})"
            for symbol, first, latest, _, source in found[:NAMED_MAX]
        )
        more = f" and {len(found) - NAMED_MAX} other symbols" if len(found) > NAMED_MAX else ""
        raise UnusableFile(
            f"{total:,} of the bars there are already: {shown}{more}; --replace puts these in their place"
        )
    return total


def _insert(cursor: Any, span: Span) -> None:
    if span is MINUTE:
        cursor.execute(
            f"SELECT DISTINCT date_trunc('month', {INSTANT_SQL.format('at_us')}, 'UTC') FROM staged_bars"  # noqa: S608
        )
        ensure_months(cursor, {month.astimezone(UTC).date() for (month,) in cursor.fetchall()})
        cursor.execute(_INSERT.format(table=span.table, more="", values="", changes=""))
    else:
        cursor.execute(
            _INSERT.format(table=span.table, more=", is_derived", values=", false", changes=", is_derived = false")
        )


def _shown(at_us: int) -> str:
    return instant(at_us).isoformat().replace("+00:00", "Z")
