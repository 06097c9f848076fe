"""Performance by day, week and month: held to plain sums over the events, in many time zones, however it is read."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.domain.commands import (
    ApplySplit,
    ChangeFeeSchedule,
    ChangeSymbol,
    DepositCash,
    ExecuteTrade,
    MarkPositions,
    PayDividend,
    WithdrawCash,
)
from accounts.domain.events import CashDeposited, CashWithdrawn, DividendPaid, TradeExecuted
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore.pages import page
from eventstore.record import instant_of
from temporal.errors import HistoryDamaged, InvalidMoment, UnknownAccount
from temporal.performance import history as module
from temporal.performance.history import performance
from temporal.performance.periods import begins, periods_of
from temporal.tests.history.conftest import ADA, BOB, Histories
from tradingplatform.bootstrap import wire

TODAY = date(2026, 12, 31)
ZONES = ["UTC", "America/New_York", "Pacific/Tongatapu", "Asia/Kathmandu", "Europe/Lisbon"]


def figures(start, end, *, kind="day", zone="UTC", account_id=ADA, **more):
    periods = periods_of(date.fromisoformat(start), date.fromisoformat(end), kind, today=TODAY)
    return performance(account_id, periods=periods, kind=kind, zone=ZoneInfo(zone), **more)


def test_a_day_has_the_figures_that_one_reckons_by_hand(histories):
    histories.at("2026-01-05T12:00:00Z").open().buy(100, 50)
    histories.at("2026-01-06T12:00:00Z").sell(40, 60)
    found = figures("2026-01-04", "2026-01-07")
    before, first, second, after = found.periods
    assert (before.closing_equity, before.version, before.trades, before.time_weighted_return) == (0, 0, 0, 0)
    assert (first.trades, first.volume, first.realized_pnl, first.deposits) == (1, 5_000_0000, 0, 1_000_000_0000)
    assert (first.opening_equity, first.closing_equity, first.symbols_changed) == (0, 1_000_000_0000, ("KO",))
    assert (second.trades, second.volume, second.realized_pnl) == (1, 2_400_0000, 400_0000)
    assert (second.unrealized_pnl_change, second.fees, second.withdrawals) == (600_0000, 0, 0)
    assert (second.opening_equity, second.closing_equity) == (1_000_000_0000, 1_001_000_0000)
    assert second.time_weighted_return == 1_000  # 1,000 of 1,000,000 = 0.001
    assert (after.trades, after.symbols_changed, after.version) == (0, (), 5)
    assert after.opening_equity == after.closing_equity == 1_001_000_0000
    assert (found.totals.trades, found.totals.volume, found.totals.time_weighted_return) == (2, 7_400_0000, 1_000)


def test_fees_are_what_the_trades_of_the_days_cost_and_lower_the_return(histories):
    histories.at("2026-01-05T12:00:00Z").open().execute(ADA, ChangeFeeSchedule(10_000, 0, 10, 0))
    histories.buy(100, 50)  # 5,000: a fee of 6.
    histories.at("2026-01-06T12:00:00Z").sell(40, 60)  # 2,400: a fee of 3.4.
    found = figures("2026-01-04", "2026-01-07")
    assert [day.fees for day in found.periods] == [0, 6_0000, 3_4000, 0]
    assert found.totals.fees == 9_4000
    _, first, second, _ = found.periods
    assert (first.closing_equity, second.closing_equity) == (999_994_0000, 1_000_990_6000)
    assert second.realized_pnl == 2_400_0000 - 3_4000 - 2_002_4000
    assert found.totals.time_weighted_return == 991  # 990.6 of 1,000,000: what was earned less what it cost.


def test_money_that_comes_and_goes_is_no_return(histories):
    histories.at("2026-01-05T12:00:00Z").open(cash=100_0000).buy(1, 10)
    histories.at("2026-01-06T10:00:00Z").buy(1, 20)  # 90 + 2 * 20 - 20: the account is worth 110.
    histories.at("2026-01-06T11:00:00Z").deposit(890)
    histories.at("2026-01-06T12:00:00Z").buy(1, 120)  # 3 * 120 + 70 + 890 - 120 = 1,200
    histories.at("2026-01-06T13:00:00Z").withdraw(600)
    (day,) = figures("2026-01-06", "2026-01-06").periods
    assert (day.opening_equity, day.deposits, day.withdrawals) == (100_0000, 890_0000, 600_0000)
    assert day.time_weighted_return == 320_000  # 110/100 * 1,200/1,000 - 1 = 0.32


def test_drawdown_is_how_far_growth_is_below_its_highest_at_the_end_of_a_day(histories):
    histories.at("2026-01-05T12:00:00Z").open(cash=100_0000).buy(1, 50)
    histories.at("2026-01-06T12:00:00Z").buy(1, 10)  # 40 + 2 * 10 = 60
    histories.at("2026-01-07T12:00:00Z").sell(1, 50)  # 90 + 50 = 140
    histories.at("2026-01-08T12:00:00Z").withdraw(10)
    histories.at("2026-01-09T12:00:00Z").sell(1, 38)  # 80 + 38 = 118
    found = figures("2026-01-05", "2026-01-09")
    assert [day.closing_equity // 10_000 for day in found.periods] == [100, 60, 140, 130, 118]
    assert [day.drawdown for day in found.periods] == [0, 400_000, 0, 0, 92_308]
    assert found.totals.drawdown == 400_000


def test_what_companies_did_and_the_closes_of_sessions_are_in_the_return_and_the_drawdown(histories):
    """A split earns nothing, a dividend does, and a close that nobody traded at is what the day ended on."""
    histories.at("2026-01-05T12:00:00Z").open(cash=1_000_0000).buy(10, 50)
    histories.at("2026-01-06T12:00:00Z").execute(ADA, ApplySplit("a", "KO", 3, 2, SHARE, 0))
    histories.at("2026-01-07T12:00:00Z").execute(ADA, PayDividend("b", "KO", 2 * 10**8))  # 15 shares: 30.
    histories.at("2026-01-08T21:00:00Z").execute(ADA, MarkPositions(20_461, histories.now, {"KO": 20_0000}))
    histories.at("2026-01-09T12:00:00Z").execute(ADA, ChangeSymbol("c", "KO", "COKE"))
    histories.at("2026-01-09T21:00:00Z").execute(ADA, MarkPositions(20_462, histories.now, {"COKE": 40_0000}))
    found = figures("2026-01-05", "2026-01-09")
    equities = [1_000_0000, 999_9995, 1_029_9995, 830_0000, 1_130_0000]
    assert [day.closing_equity for day in found.periods] == equities
    assert [day.dividends // 10_000 for day in found.periods] == [0, 0, 30, 0, 0]
    assert [day.drawdown for day in found.periods] == [0, 0, 0, 194_174, 0]
    assert [day.symbols_changed for day in found.periods[1:]] == [("KO",), (), ("KO",), ("COKE", "KO")]
    assert (found.totals.time_weighted_return, found.totals.drawdown) == (130_000, 194_174)
    assert (found.totals.realized_pnl, found.totals.dividends) == (0, 30_0000)
    assert found.totals.unrealized_pnl_change == 100_0000


def test_the_day_is_that_of_the_time_zone(histories):
    histories.at("2026-03-07T12:00:00Z").open()
    histories.at("2026-03-08T04:59:59.999999Z").buy(1, 50)  # The 7th in New York, one microsecond before midnight.
    histories.at("2026-03-08T05:00:00Z").buy(2, 50)
    histories.at("2026-03-09T03:59:59Z").buy(3, 50)  # The 8th has 23 hours there.
    histories.at("2026-03-09T04:00:00Z").buy(4, 50)
    volumes = [day.volume // 50_0000 for day in figures("2026-03-07", "2026-03-09", zone="America/New_York").periods]
    assert volumes == [1, 5, 4]
    assert [day.volume // 50_0000 for day in figures("2026-03-07", "2026-03-09").periods] == [0, 3, 7]


def test_weeks_and_months_are_cut_where_the_range_begins_and_ends(histories):
    histories.at("2026-01-05T12:00:00Z").open()
    weeks = figures("2026-01-03", "2026-01-13", kind="week")
    assert [str(week.start_date) for week in weeks.periods] == ["2026-01-03", "2026-01-05", "2026-01-12"]
    assert [str(week.end_date) for week in weeks.periods] == ["2026-01-04", "2026-01-11", "2026-01-13"]
    months = figures("2026-01-31", "2026-03-01", kind="month")
    assert [str(month.start_date) for month in months.periods] == ["2026-01-31", "2026-02-01", "2026-03-01"]


def test_too_many_flows_are_refused_with_what_to_do(histories, monkeypatch):
    monkeypatch.setattr(module, "FLOWS_MAX", 2)
    histories.at("2026-01-05T12:00:00Z").open().deposit(1)
    assert figures("2026-01-05", "2026-01-05").totals.deposits == 1_000_001_0000
    histories.withdraw(1)
    with pytest.raises(InvalidMoment, match="more than 2 deposits and withdrawals in the range: ask for fewer days"):
        figures("2026-01-05", "2026-01-05")


def test_an_account_without_events_is_unknown(histories):
    histories.open()
    with pytest.raises(UnknownAccount, match=BOB):
        figures("2026-01-05", "2026-01-05", account_id=BOB)


def test_a_page_that_is_missing_is_noticed(histories):
    histories.at("2026-01-05T12:00:00Z").open().make_pages()
    histories.at("2026-01-06T12:00:00Z").buy(1, 50)
    histories.make_pages()
    del histories.store.engine._pages[ADA][1]
    with pytest.raises(HistoryDamaged, match="the version should be 1"):
        figures("2026-01-05", "2026-01-06", is_skipping=False)


def test_days_that_are_skipped_are_not_read(histories, monkeypatch):
    """A day of many pages is one page, and a day without events none."""
    histories.at("2026-01-05T12:00:00Z").open().make_pages().at("2026-01-06T00:00:00Z")
    for _ in range(40):
        histories.now += 3_600_000_000
        histories.buy(1, 50)
        histories.make_pages()
    opened = []

    def counted(stored, codec):
        opened.append(stored)
        return content(stored, codec)

    content = page._content
    monkeypatch.setattr(page, "_content", counted)
    found = figures("2026-01-05", "2026-06-30")
    assert found.totals.trades == 40
    assert len(opened) == 3
    opened.clear()
    assert figures("2026-01-05", "2026-06-30", is_skipping=False) == found
    assert len(opened) == 41


# Held to plain sums.

HOUR = 3_600_000_000
GAPS = st.sampled_from([0, 1, HOUR, 5 * HOUR, 23 * HOUR, 24 * HOUR, 70 * HOUR, 24 * 40 * HOUR]) | st.integers(0, HOUR)
SYMBOLS = st.sampled_from(["KO", "XOM", "PG"])
PRICES = st.integers(1, 10**6)
QUANTITIES = st.integers(1, 50).map(lambda shares: shares * SHARE) | st.integers(1, 50 * SHARE)
COMMANDS = st.one_of(
    st.builds(ExecuteTrade, SYMBOLS, st.just("BUY"), QUANTITIES, st.integers(1, 10**6), st.none()),
    st.builds(ExecuteTrade, SYMBOLS, st.just("SELL"), QUANTITIES, st.integers(1, 10**6), st.none()),
    st.builds(DepositCash, st.integers(1, 10**8), st.just("")),
    st.builds(WithdrawCash, st.integers(1, 10**8), st.just("")),
    st.builds(
        ApplySplit, st.just("a"), SYMBOLS, st.integers(1, 9), st.integers(1, 9), st.just(SHARE), st.just(0) | PRICES
    ),
    st.builds(PayDividend, st.just("b"), SYMBOLS, st.integers(1, 10**9)),
    st.builds(ChangeSymbol, st.just("c"), SYMBOLS, SYMBOLS),
    st.builds(MarkPositions, st.integers(1, 99), st.just(1), st.dictionaries(SYMBOLS, PRICES, min_size=1)),
)
STEPS = st.lists(st.tuples(GAPS, COMMANDS, st.booleans()), min_size=1, max_size=40)


def written(steps, began):
    histories = Histories()
    histories.now = began
    histories.open(cash=10**7)
    for gap, command, is_paged in steps:
        histories.now += gap
        histories.attempt(ADA, command)
        if is_paged:
            histories.make_pages()
    return histories


def local_day(timestamp, zone):
    return instant_of(timestamp).astimezone(zone).date()


def plain(recorded, start, end, zone):
    """The figures of some days, added up from the events that happened on them."""
    mine = [each for each in recorded if start <= local_day(each.timestamp, zone) <= end]
    before = [each for each in recorded if local_day(each.timestamp, zone) < start]
    trades = [each.data for each in mine if isinstance(each.data, TradeExecuted)]
    value, growth = equity(before), Fraction(1)
    opening = base = value
    for each in mine:
        if isinstance(each.data, CashDeposited | CashWithdrawn):
            if base:
                growth *= Fraction(value, base)
            base = value = each.data.portfolio_value
        elif hasattr(each.data, "portfolio_value"):
            value = each.data.portfolio_value
    if base:
        growth *= Fraction(value, base)
    return {
        "trades": len(trades),
        "volume": sum(round(Fraction(trade.quantity * trade.price, SHARE)) for trade in trades),
        "realized_pnl": sum(each.data.realized_pnl for each in mine if hasattr(each.data, "realized_pnl")),
        "dividends": sum(each.data.amount for each in mine if isinstance(each.data, DividendPaid)),
        "deposits": sum(each.data.amount for each in mine if isinstance(each.data, CashDeposited)),
        "withdrawals": sum(each.data.amount for each in mine if isinstance(each.data, CashWithdrawn)),
        "opening_equity": opening,
        "closing_equity": value,
        "time_weighted_return": round((growth - 1) * 1_000_000),
        "version": (mine or before)[-1].version if mine or before else 0,
    }


def equity(recorded):
    values = [each.data.portfolio_value for each in recorded if hasattr(each.data, "portfolio_value")]
    return values[-1] if values else 0


DRAWN = {
    "steps": STEPS,
    "began": st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 15)),
    "zone": st.sampled_from(ZONES),
    "kind": st.sampled_from(["day", "week", "month"]),
    "early": st.integers(-20, 3),
}


def check_sums(steps, began, zone, kind, early):
    histories = written(steps, round(began.replace(tzinfo=UTC).timestamp()) * 1_000_000)
    try:
        zone = ZoneInfo(zone)
        recorded = list(histories.store.events(ADA))
        last = local_day(recorded[-1].timestamp, zone)
        start = min(last, local_day(recorded[0].timestamp, zone) + timedelta(days=early))
        periods = periods_of(start, last, kind, today=date(2099, 1, 1))
        found = performance(ADA, periods=periods, kind=kind, zone=zone)
        assert found == performance(ADA, periods=periods, kind=kind, zone=zone, is_skipping=False)
        state = histories.store.state(AccountDecider(), ADA).state
    finally:
        wire()
    for period in [*found.periods, found.totals]:
        expected = plain(recorded, period.start_date, period.end_date, zone)
        assert {name: getattr(period, name) for name in expected} == expected
        earned = period.realized_pnl + period.unrealized_pnl_change + period.dividends
        gained = earned + period.deposits - period.withdrawals
        assert period.closing_equity - period.opening_equity == gained
    for name in ("trades", "volume", "realized_pnl", "unrealized_pnl_change", "dividends", "deposits", "withdrawals"):
        assert sum(getattr(period, name) for period in found.periods) == getattr(found.totals, name)
    if early <= 0:
        assert (found.totals.trades, found.totals.realized_pnl) == (state.trade_count, state.realized_pnl)
        assert (found.totals.deposits, found.totals.withdrawals) == (state.deposited, state.withdrawn)
    assert found.totals.drawdown == max(period.drawdown for period in found.periods)


def test_periods_are_what_their_events_add_up_to():
    settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])(
        given(**DRAWN)(check_sums)
    )()


PLANTED = {
    "flows are not seen": ("temporal.as_of.walk.flows_of", lambda event, timestamp: []),
    "flows of skipped pages are not seen": ("temporal.as_of.walk.Walk._flows_before", lambda self, version: []),
    "the volume of another day counts": (
        "temporal.performance.history._volume_of_day",
        lambda state, day: state.day_volume,
    ),
    "every day begins in UTC": ("temporal.performance.history.begins", lambda day, zone: begins(day, ZoneInfo("UTC"))),
    "a range begins an hour late": ("temporal.as_of.walk.Walk.start", lambda self, at: self._go(at + HOUR, None)),
}


@pytest.mark.parametrize("plant", PLANTED)
def test_the_sums_notice_a_planted_fault(plant, monkeypatch):
    monkeypatch.setattr(*PLANTED[plant])
    seeded = settings(max_examples=2_000, phases=[Phase.generate], derandomize=True, deadline=None)
    with pytest.raises(AssertionError):
        seeded(given(**DRAWN)(check_sums))()
