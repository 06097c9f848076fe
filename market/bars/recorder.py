"""Records the bars of what the feed says, beside the feed and never in its way.

Every `WRITE_SECONDS` a thread writes what is new, all symbols in one statement: finished minutes, and the running one
as it is so far. Minutes of the replayed market are taken from its path, from the latest one that is stored up to
where the market is now: so those of an outage, of PostgreSQL or of the feed, come afterwards, at most `CATCH_UP_DAYS`
of them (of days before, the closes alone; so a chart has a past from the first moment on), and a restart doubles
nothing. Pushed prices are collected as they come; those of a time in which the feed was away are a hole.

A replay that has gone back (its data are over, or it has another first day) forgets the simulated bars of what is now
its future.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, timedelta
from typing import Any, ClassVar, Final, NamedTuple

import psycopg
import structlog
from django.db import DEFAULT_DB_ALIAS

from edge.database import BoundedConnection, connection_parameters
from market.bars.definition import Bar
from market.bars.pushed import PushedBars, continued
from market.bars.replayed import minute_bars, minute_of
from market.bars.writing import (
    EPOCH,
    Cursor,
    forget_simulated,
    instant,
    microseconds,
    month_of,
    write_closes,
    write_minutes,
)
from market.calendar import first_index_from, trading_days
from market.instruments.current import current_instruments
from market.intraday import SESSION_STEPS
from market.prices import close_price, replayed_symbols
from market.quotes import QuoteSheet, QuoteSource, market_time_us
from market.replay import ReplayPosition
from market.sessions import ALWAYS, DAY_US, REPLAYED, calendar_of, session_bounds_us

WRITE_SECONDS: Final = 2.0
CATCH_UP_DAYS: Final = 20
"""Market days whose minutes are written afterwards, or at first; a day takes some tenths of a second."""

_LATEST: Final = """
    SELECT max(minute.at), max(day.at) FROM unnest(%s::text[]) AS replayed (symbol)
    LEFT JOIN LATERAL (SELECT at FROM bars_1m WHERE symbol = replayed.symbol AND source = 1 ORDER BY at DESC LIMIT 1)
        AS minute ON true
    LEFT JOIN LATERAL (SELECT at FROM bars_1d WHERE symbol = replayed.symbol AND source = 1 ORDER BY at DESC LIMIT 1)
        AS day ON true
"""
_PUSHED: Final = """
    SELECT symbol, at, open, high, low, close, volume, price_count, source FROM bars_1m
    WHERE symbol = %s AND at = %s AND source = 2
"""

log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """Where the recording of the replay goes on: at this minute of this day's session."""

    day_index: int
    minute: int


class _Connection(BoundedConnection):
    answer_seconds_max: ClassVar[float | None] = 30.0


class BarRecorder:
    """Writes the bars of one feed. `note` and `run` are for the event loop, `write` for a thread, or for a test's."""

    def __init__(self, *, position: Callable[[int], ReplayPosition] | None, now_us: Callable[[], int]) -> None:
        """`position` says where the replay is at an instant; None where there is no replay."""
        self._position = position
        self._now_us = now_us
        self._pushed = PushedBars()
        self._begun: dict[tuple[str, int], Bar] = {}
        self._looked_up: set[str] = set()
        self._place: Place | None = None
        self._shown: ReplayPosition | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._is_away = False

    def note(self, sheet: QuoteSheet) -> None:
        """Take the pushed prices of a sheet."""
        for quote in sheet.quotes:
            if quote.source is QuoteSource.PUSHED:
                self._pushed.add(quote.symbol, price=quote.price, at_us=quote.at_us)

    async def run(self, sheets: AsyncIterator[QuoteSheet]) -> None:
        """Take the pushed prices of these sheets, and write what is new again and again; ends by cancellation only."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(sheets))
            tasks.create_task(self._write_on())

    async def _follow(self, sheets: AsyncIterator[QuoteSheet]) -> None:
        async for sheet in sheets:
            self.note(sheet)

    async def _write_on(self) -> None:
        try:
            while True:
                begun_at = time.monotonic()
                pushed = self._pushed.unwritten()
                is_more = await asyncio.to_thread(self.try_write, pushed)
                if is_more is not None:
                    self._pushed.note_written(pushed)
                took = time.monotonic() - begun_at
                await asyncio.sleep(0 if is_more else max(WRITE_SECONDS - took, took))  # Half of the time at most.
        finally:
            self.close()

    def try_write(self, pushed: list[Bar]) -> bool | None:
        """Write as `write` does; None when that failed, which is logged once until it works again."""
        try:
            is_more = self.write(pushed)
        except Exception as error:  # Whatever it is, the feed goes on, and the next write may do better.
            self.close()
            if not self._is_away:
                reason = str(error).strip()
                log.warning("bars.not_written", reason=reason, exc_info=not isinstance(error, psycopg.Error))
            self._is_away = True
            return None
        if self._is_away:
            log.info("bars.written_again")
        self._is_away = False
        return is_more

    def write(self, pushed: list[Bar]) -> bool:
        """Write these bars of pushed prices and one day at most of the replay's; tell whether there is more of that."""
        if self._connection is None:
            self._connection = _Connection.connect(**connection_parameters(DEFAULT_DB_ALIAS), autocommit=True)
        if pushed:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                write_minutes(cursor, self._continued(cursor, pushed), calendars=_calendars(pushed))
        position = None if self._position is None else self._position(self._now_us())
        if position is None or position == self._shown:
            return False
        with self._connection.transaction(), self._connection.cursor() as cursor:
            self._place, is_there = self._write_replayed(cursor, position)
        self._shown = position if is_there else None
        return not is_there

    def close(self) -> None:
        """Close the connection; the next write makes another, and looks where the recording goes on."""
        self._place = self._shown = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write_replayed(self, cursor: Cursor, position: ReplayPosition) -> tuple[Place | None, bool]:
        """Write up to a day of bars; return where it goes on, None when that has to be looked up, and whether all is
        written up to the position.
        """
        place = self._place
        if place is None or _is_before(position, place):
            place = self._found_place(cursor, position)
        if place is None:
            return None, False
        is_today = place.day_index == position.day_index
        traded_us = self._traded_us(place.day_index, position)
        bars = minute_bars(
            place.day_index,
            from_minute=place.minute,
            to_step=position.step if is_today else SESSION_STEPS,
            adjustments=current_instruments().adjustments,
            at_us=traded_us,
        )
        write_minutes(cursor, bars, calendars=dict.fromkeys(self._replayed(traded_us), REPLAYED))
        if is_today:
            return Place(position.day_index, minute_of(position.day_index, market_time_us(position))), True
        return Place(place.day_index + 1, 0), False

    def _traded_us(self, day_index: int, position: ReplayPosition) -> int:
        """Return the real time until which splits and changes of symbol count for a day's bars: the close of its
        session, or now while that runs. What comes later changes nothing that was traded, whenever it is written.
        """
        assert self._position is not None, "there is a replay"
        if position.day_index == day_index and position.step < SESSION_STEPS:
            return self._now_us()
        while True:
            session = self._position(position.closed_at_us - 1)
            is_beginning = session.closed_at_us >= position.closed_at_us or session.day_index > position.day_index
            if is_beginning or session.day_index <= day_index:
                return position.closed_at_us
            position = session

    def _replayed(self, at_us: int) -> list[str]:
        """Return the symbols that the replay quoted at an instant of real time."""
        return list(current_instruments().adjustments.replayed(replayed_symbols(), at_us=at_us))

    def _found_place(self, cursor: Cursor, position: ReplayPosition) -> Place | None:
        """Return where to go on by what is stored; None after a month of what is the future now was removed."""
        symbols = sorted({*replayed_symbols(), *self._replayed(self._now_us())})
        cursor.execute(_LATEST, [list(symbols)])
        ((latest, latest_day),) = cursor.fetchall()
        open_us, _ = session_bounds_us(trading_days()[position.day_index])
        later = [
            each
            for each, end_us in ((latest, market_time_us(position)), (latest_day, open_us))
            if each is not None and microseconds(each) > end_us
        ]
        if later:
            month_us = (month_of(max(later)) - EPOCH.date()) // timedelta(days=1) * DAY_US
            forget_simulated(cursor, symbols, from_us=max(month_us, open_us))
            log.info("bars.replay_went_back", from_month=str(month_of(max(later))))
            return None
        first = max(position.day_index - CATCH_UP_DAYS, 1)
        if latest is not None and (day_index := first_index_from(latest.astimezone(UTC).date())) >= first:
            return Place(day_index, minute_of(day_index, microseconds(latest)))
        write_history(cursor, before_day_index=first)
        return Place(first, 0)

    def _continued(self, cursor: Cursor, bars: list[Bar]) -> list[Bar]:
        """Return bars with what is stored already of the first minute of each symbol."""
        for bar in bars:
            if bar.symbol not in self._looked_up:
                cursor.execute(_PUSHED, [bar.symbol, instant(bar.at_us)])
                for symbol, at, *values in cursor.fetchall():
                    self._begun[symbol, bar.at_us] = Bar(symbol, microseconds(at), *values)
                self._looked_up.add(bar.symbol)
        return [
            bar if (begun := self._begun.get((bar.symbol, bar.at_us))) is None else continued(begun, bar)
            for bar in bars
        ]


def write_history(cursor: Cursor, *, before_day_index: int) -> int:
    """Add what is known of the days before one, where there are no bars: their closes; return how many were added."""
    return write_closes(
        cursor,
        (
            (symbol, trading_days()[day_index], close_price(symbol=symbol, day_index=day_index))
            for symbol in replayed_symbols()
            for day_index in range(before_day_index)
        ),
    )


def _is_before(position: ReplayPosition, place: Place) -> bool:
    here = Place(position.day_index, minute_of(position.day_index, market_time_us(position)))
    return here < place


def _calendars(bars: list[Bar]) -> dict[str, str]:
    known = current_instruments().by_symbol
    return {bar.symbol: calendar_of(known[bar.symbol]) if bar.symbol in known else ALWAYS for bar in bars}
