"""Performance of one account by day, week or month, from its events alone: exact, and the same however it is read.

Events are fat, so a period's figures are differences between the states at its ends; only money that came in or went
out has to be looked at event by event, because each flow splits the return (time-weighted: what the manager of the
money earned, whatever its owner paid in or took out). Values are at the account's marks: the prices that it last traded
at, or those of the last close that its positions were marked at. A dividend is no flow: it is earned, as a price is.
The account counts volume by UTC day, so the walk also stops at every UTC midnight, whatever the time zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from accounts.domain.state import MICROSECONDS_PER_DAY, Account, Position
from eventstore.store import get_store
from temporal.as_of.as_of import Moment, account_as_of, translated
from temporal.as_of.walk import Flow, Walk
from temporal.errors import InvalidMoment
from temporal.performance.periods import (
    FIRST_DATE,
    Period,
    PeriodKind,
    begins,
    date_of,
    ends,
    kind_of,
    periods_of,
    today_in,
    zone_of,
)

MILLION: Final = 1_000_000

FLOWS_MAX: Final = 20_000
"""Deposits and withdrawals in one range: each is a factor of the exact return, which grows with it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in some days. Money in ten-thousandths; returns and drawdown in millionths, rounded half even.

    `symbols_changed` are those whose position, average cost, mark or realized P&L is another one than before.
    `drawdown` is how far the growth of the account is below its highest at the end of any period so far of the range.
    """

    start_date: date
    end_date: date
    version: int
    trades: int
    volume: int
    realized_pnl: int
    unrealized_pnl_change: int
    fees: int
    dividends: int
    symbols_changed: tuple[str, ...]
    opening_equity: int
    closing_equity: int
    deposits: int
    withdrawals: int
    time_weighted_return: int
    drawdown: int


@dataclass(frozen=True, slots=True)
class Performance:
    """The periods of a range, and the range as one: its `drawdown` is the highest of any period's end."""

    account_id: str
    zone: str
    period: PeriodKind
    periods: list[Figures]
    totals: Figures


class _Mark(NamedTuple):
    """What the account was at an instant."""

    version: int
    equity: int
    unrealized: int
    realized: int
    fees: int
    dividends: int
    trade_count: int
    deposited: int
    withdrawn: int
    positions: dict[str, Position]


class _Range:
    """The walk through a range, and what adds up on the way."""

    def __init__(self, walk: Walk, start: int) -> None:
        self.walk = walk
        self.timestamp = start
        walk.start(start - 1)
        self.volume = 0
        self.flow_count = 0

    def mark(self) -> _Mark:
        state = self.walk.state
        return _Mark(
            version=self.walk.version,
            equity=state.portfolio_value,
            unrealized=state.positions_value - state.positions_cost,
            realized=state.realized_pnl,
            fees=state.fees,
            dividends=state.dividends,
            trade_count=state.trade_count,
            deposited=state.deposited,
            withdrawn=state.withdrawn,
            positions=state.positions,
        )

    def go(self, end: int) -> Iterator[Flow]:
        """Go to where a period ends, stopping at every UTC midnight on the way; yield the flows."""
        while self.timestamp < end:
            day = self.timestamp // MICROSECONDS_PER_DAY
            stop = min(end, (day + 1) * MICROSECONDS_PER_DAY)
            volume_before = _volume_of_day(self.walk.state, day)
            flows = self.walk.to(stop - 1)
            self.volume += _volume_of_day(self.walk.state, day) - volume_before
            self.timestamp = stop
            self.flow_count += len(flows)
            if self.flow_count > FLOWS_MAX:
                raise InvalidMoment(
                    f"there are more than {FLOWS_MAX:,} deposits and withdrawals in the range: ask for fewer days"
                )
            yield from flows


def asked_performance(
    account_id: str, *, start: str | None, end: str | None, period: str, zone: str, now: datetime
) -> Performance:
    """Return what texts ask for; without a start from the day that the account was opened, without an end to today.

    Raises InvalidMoment, FutureInstant, UnknownAccount, HistoryDamaged.
    """
    in_zone, kind = zone_of(zone), kind_of(period)
    today = today_in(in_zone, now=now)
    last = today if end is None else date_of(end)
    if start is not None:
        first = date_of(start)
    else:
        opened = account_as_of(account_id, Moment(version=1)).recorded_at.astimezone(in_zone).date()
        first = min(max(opened, FIRST_DATE), last)
    periods = periods_of(first, last, kind, today=today)
    return performance(account_id, periods=periods, kind=kind, zone=in_zone)


def performance(
    account_id: str, *, periods: list[Period], kind: PeriodKind, zone: ZoneInfo, is_skipping: bool = True
) -> Performance:
    """Return the figures of each of these periods (see `periods.periods_of`) and of all of them together.

    With `is_skipping`, pages in which no period and no UTC day ends are not read, which is never more work; without,
    every event of the range is. Raises UnknownAccount, InvalidMoment, HistoryDamaged.
    """
    with translated(account_id):
        walk = Walk(get_store(), account_id, is_skipping=is_skipping)
        way = _Range(walk, begins(periods[0].start_date, zone))
        first = before = way.mark()
        growth, peak, deepest = GrowthIndex(first.equity), (1, 1), 0
        found: list[Figures] = []
        for period in periods:
            volume_before, of_period = way.volume, GrowthIndex(before.equity)
            for flow in way.go(ends(period.end_date, zone)):
                for index in (growth, of_period):
                    index.flow(flow.value_before, flow.value_before + flow.amount)
            after = way.mark()
            risen, on = growth.at(after.equity)
            if risen * peak[1] > peak[0] * on:
                peak = (risen, on)
            drawdown = parts_of_a_million(peak[0] * on - risen * peak[1], peak[0] * on)
            deepest = max(deepest, drawdown)
            volume = way.volume - volume_before
            found.append(_figures(period, before, after, volume, of_period.earned(after.equity), drawdown))
            before = after
    whole = Period(periods[0].start_date, periods[-1].end_date)
    totals = _figures(whole, first, before, way.volume, growth.earned(before.equity), deepest)
    return Performance(account_id, zone.key, kind, found, totals)


def _figures(period: Period, before: _Mark, after: _Mark, volume: int, earned: int, drawdown: int) -> Figures:
    return Figures(
        start_date=period.start_date,
        end_date=period.end_date,
        version=after.version,
        trades=after.trade_count - before.trade_count,
        volume=volume,
        realized_pnl=after.realized - before.realized,
        unrealized_pnl_change=after.unrealized - before.unrealized,
        fees=after.fees - before.fees,
        dividends=after.dividends - before.dividends,
        symbols_changed=tuple(
            sorted(symbol for symbol, held in after.positions.items() if before.positions.get(symbol) != held)
        ),
        opening_equity=before.equity,
        closing_equity=after.equity,
        deposits=after.deposited - before.deposited,
        withdrawals=after.withdrawn - before.withdrawn,
        time_weighted_return=earned,
        drawdown=drawdown,
    )


def _volume_of_day(state: Account, day: int) -> int:
    return state.day_volume if state.day == day else 0


class GrowthIndex:
    """What one unit of money became since the beginning, flows left out, as an exact fraction of integers.

    Each flow of money ends a sub-period: growth is the product over the sub-periods of (value before the flow) / (value
    after the flow before it), as the Global Investment Performance Standards have it. A sub-period that begins with
    nothing has no return. The fraction is never reduced: that would cost more than it saves.
    """

    def __init__(self, value: int) -> None:
        self._numerator = self._denominator = 1
        self._value_after = value

    def flow(self, value_before: int, value_after: int) -> None:
        """Note a flow of money: what the account was worth before and after it."""
        self._numerator, self._denominator = self.at(value_before)
        self._value_after = value_after

    def at(self, value: int) -> tuple[int, int]:
        """Return numerator and denominator of the growth at a value of the account."""
        if self._value_after <= 0:
            return self._numerator, self._denominator
        return self._numerator * value, self._denominator * self._value_after

    def earned(self, value: int) -> int:
        """Return the time-weighted return at a value of the account, in millionths."""
        numerator, denominator = self.at(value)
        return parts_of_a_million(numerator - denominator, denominator)


def parts_of_a_million(numerator: int, denominator: int) -> int:
    """Return a fraction in millionths, rounded half to even; the denominator is above zero."""
    quotient, remainder = divmod(numerator * MILLION, denominator)
    twice = 2 * remainder
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))
