"""The recording of bars: whatever is sampled when, the tables have what the path of the replay adds up to."""

from datetime import UTC, date, datetime, time, timedelta

import psycopg
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market.bars import recorder as module
from market.bars.definition import MINUTE_US, SIMULATED
from market.bars.recorder import BarRecorder, write_history
from market.bars.replayed import minute_bars, minute_count
from market.bars.writing import microseconds
from market.calendar import day_index, trading_days
from market.corporate_actions.adjustments import Adjustment, Adjustments, Replayed
from market.intraday import SESSION_STEPS, day_path
from market.models import DayBar, HourBar, MinuteBar
from market.prices import close_price, replayed_symbols
from market.quotes import Quote, QuoteSheet, QuoteSource, market_time_us
from market.replay import Phase, ReplayPosition
from market.sessions import session_bounds_us
from tests.services.instruments import adjusted

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = day_index(date(2019, 7, 2))
"""The third is a short day, the fourth none, the fifth a Friday."""
DAY_US = 120_000_000
SESSION_US = DAY_US - DAY_US // 12


def place_of(elapsed_us):
    """Return where a replay of five days is."""
    day, in_day_us = divmod(elapsed_us, DAY_US)
    closed_day = day if in_day_us >= SESSION_US else day - 1
    return ReplayPosition(
        day_index=FIRST + day % 5,
        phase=Phase.OPEN if in_day_us < SESSION_US else Phase.CLOSED,
        step=min(in_day_us * SESSION_STEPS // SESSION_US, SESSION_STEPS),
        closed_at_us=closed_day * DAY_US + SESSION_US,
    )


class Replay:
    """A recorder and the real time that it sees, from the replay's beginning on."""

    def __init__(self):
        self.elapsed_us = 0
        self.restart()

    def restart(self):
        self.recorder = BarRecorder(position=place_of, now_us=lambda: self.elapsed_us)

    def write(self, pushed=()):
        while self.recorder.write(list(pushed)):
            pass

    @property
    def position(self):
        return place_of(self.elapsed_us)


@pytest.fixture(autouse=True)
def _few_days_before(monkeypatch, request):
    """Begin with the minutes of three days, not of twenty, which would take seconds."""
    monkeypatch.setattr(module, "CATCH_UP_DAYS", 2 if "late" in request.node.name else 3)


@pytest.fixture
def replay():
    made = Replay()
    yield made
    made.recorder.close()


def naive(span_us, position, *, first_day_index=FIRST, symbols=("KO", "AAPL")):
    """Add up every price of the path, one by one, into the bars of a span."""
    bars = {}
    for index in range(first_day_index, position.day_index + 1):
        day = trading_days()[index]
        opens, closes = session_bounds_us(day)
        last = position.step if index == position.day_index else SESSION_STEPS
        for symbol in symbols:
            for step, price in enumerate(day_path(symbol=symbol, day_index=index).prices[: last + 1]):
                at_us = opens + (closes - opens) * step // SESSION_STEPS
                at_us = min(at_us, closes - 1) // span_us * span_us
                opened, high, low, _, count = bars.get((symbol, at_us), (price, price, price, price, 0))
                bars[symbol, at_us] = (opened, max(high, price), min(low, price), price, count + 1)
    return bars


def stored(model, symbols=("KO", "AAPL")):
    since = datetime.combine(trading_days()[FIRST], time(), UTC)
    rows = model.objects.filter(symbol__in=symbols, at__gte=since).values_list(
        "symbol", "at", "open", "high", "low", "close", "price_count"
    )
    return {(symbol, microseconds(at)): tuple(values) for symbol, at, *values in rows}


def assert_recorded(position, **options):
    for model, span_us in ((MinuteBar, MINUTE_US), (HourBar, 60 * MINUTE_US), (DayBar, 24 * 60 * MINUTE_US)):
        assert stored(model) == naive(span_us, position, **options)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    instants=st.lists(st.integers(0, 3 * DAY_US - 1), min_size=1, max_size=5),
    restarts=st.sets(st.integers(0, 5)),
)
def test_the_bars_are_those_of_the_path_whatever_was_sampled(instants, restarts):
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bars_1m, bars_1h, bars_1d")
    replay = Replay()
    try:
        for number, elapsed_us in enumerate(sorted(instants)):
            replay.elapsed_us = elapsed_us
            if number in restarts:
                replay.recorder.close()
                replay.restart()
            replay.write()
            assert_recorded(replay.position)
    finally:
        replay.recorder.close()


def test_all_symbols_are_recorded_as_simulated(replay):
    replay.elapsed_us = 1_000_000
    replay.write()
    assert set(MinuteBar.objects.values_list("symbol", "source")) == {
        (symbol, SIMULATED) for symbol in replayed_symbols()
    }


def test_a_short_day_has_the_minutes_until_its_early_close():
    index = FIRST + 1
    assert trading_days()[index] == date(2019, 7, 3)
    bars = [bar for bar in minute_bars(index, from_minute=0, to_step=SESSION_STEPS) if bar.symbol == "KO"]
    assert len(bars) == minute_count(index) == 210
    assert bars[-1].at_us == int(datetime(2019, 7, 3, 16, 59, tzinfo=UTC).timestamp()) * 1_000_000
    assert bars[-1].close == close_price(symbol="KO", day_index=index)
    assert sum(bar.price_count for bar in bars) == SESSION_STEPS + 1


@given(step=st.integers(0, SESSION_STEPS), minute=st.integers(0, 389))
@settings(max_examples=30, deadline=None)
def test_a_running_minute_has_no_price_that_comes_later(step, minute):
    bars = [bar for bar in minute_bars(FIRST, from_minute=minute, to_step=step) if bar.symbol == "KO"]
    now_us = market_time_us(ReplayPosition(day_index=FIRST, phase=Phase.OPEN, step=step))
    assert all(bar.at_us <= now_us for bar in bars)
    if bars:
        assert bars[-1].close == day_path(symbol="KO", day_index=FIRST).prices[step]


def test_nothing_is_written_while_the_market_stands_still(replay, monkeypatch):
    replay.elapsed_us = SESSION_US + 1
    replay.write()
    monkeypatch.setattr(module, "write_minutes", lambda *given, **named: pytest.fail("it was written again"))
    replay.elapsed_us = SESSION_US + 5_000_000
    assert not replay.recorder.write([])


def test_the_minutes_of_an_outage_come_afterwards(replay, monkeypatch):
    replay.elapsed_us = 1_000_000
    replay.write()
    monkeypatch.setattr(module, "connection_parameters", lambda alias: {"host": "127.0.0.1", "port": 1})
    replay.recorder.close()
    replay.elapsed_us = 2 * DAY_US
    assert replay.recorder.try_write([]) is None
    monkeypatch.undo()
    while replay.recorder.try_write([]):
        pass
    assert_recorded(replay.position)


def test_a_statement_that_fails_leaves_nothing_half_written(replay, monkeypatch):
    replay.elapsed_us = 1_000_000
    replay.write()

    def fail(*given, **named):
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr("market.bars.writing.derive", fail)
    replay.elapsed_us = 20_000_000
    before = stored(MinuteBar)
    assert replay.recorder.try_write([]) is None
    assert stored(MinuteBar) == before
    monkeypatch.undo()
    replay.write()
    assert_recorded(replay.position)


def test_a_replay_that_begins_again_forgets_what_is_its_future(replay):
    for days in range(5):
        replay.elapsed_us = days * DAY_US + SESSION_US
        replay.write()
    assert DayBar.objects.filter(symbol="KO").count() == FIRST + 5
    replay.elapsed_us = 5 * DAY_US + 30_000_000
    replay.write()
    assert replay.position.day_index == FIRST
    assert_recorded(replay.position)


def test_what_came_before_the_replay_has_its_closes(replay):
    with connection.cursor() as cursor:
        assert write_history(cursor, before_day_index=FIRST) == FIRST * len(replayed_symbols())
        assert write_history(cursor, before_day_index=FIRST) == 0
    bar = DayBar.objects.get(symbol="KO", at=datetime(2019, 7, 1, tzinfo=UTC))
    close = close_price(symbol="KO", day_index=FIRST - 1)
    assert (bar.open, bar.high, bar.low, bar.close, bar.price_count, bar.source) == (*[close] * 4, 1, SIMULATED)
    replay.elapsed_us = SESSION_US
    replay.write()
    assert DayBar.objects.filter(symbol="KO").count() == FIRST + 1


def test_a_recorder_that_begins_late_has_the_latest_minutes_and_the_closes_of_the_days_before():
    replay = Replay()
    replay.elapsed_us = 4 * DAY_US
    replay.write()
    replay.recorder.close()
    days = DayBar.objects.filter(symbol="KO", at__gte=datetime(2019, 7, 2, tzinfo=UTC)).order_by("at")
    assert [day.price_count for day in days] == [1, 1, SESSION_STEPS + 1, SESSION_STEPS + 1, 1]
    assert stored(MinuteBar) == naive(MINUTE_US, replay.position, first_day_index=FIRST + 2)


def times(ratio, bars):
    """Return bars whose prices are divided by a split."""
    how = Replayed("KO", ratio)
    return {key: (*map(how.price, prices), count) for key, (*prices, count) in bars.items()}


@pytest.mark.parametrize("written_s", [(109, 111, 118), (109,)])
@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_split_between_two_days_leaves_the_bars_of_the_day_before_as_they_were_traded(
    replay, written_s, is_restarted
):
    split = Adjustments((Adjustment(115_000_000, "KO", 2, 1, None), Adjustment(115_000_000, "PG", 1, 1, "PGX")))
    with adjusted(split):
        for seconds in (5, *written_s, 130, 3 * 120):
            if is_restarted:
                replay.recorder.close()
                replay.restart()
            replay.elapsed_us = seconds * 1_000_000
            replay.write()
    days = {
        index: naive(MINUTE_US, place_of(index * DAY_US + SESSION_US), first_day_index=FIRST + index, symbols=("KO",))
        for index in range(3)
    }
    whole = stored(MinuteBar, symbols=("KO",))
    ends_us = microseconds(datetime(2019, 7, 3, tzinfo=UTC))
    assert {key: bar for key, bar in whole.items() if key[1] < ends_us} == days[0]
    later = {key: bar for key, bar in whole.items() if key[1] >= ends_us}
    assert {key: later[key] for key in {**days[1], **days[2]}} == times(2, {**days[1], **days[2]})
    (close,) = DayBar.objects.filter(symbol="KO", at=datetime(2019, 7, 2, tzinfo=UTC)).values_list("close", flat=True)
    assert close == close_price(symbol="KO", day_index=FIRST)
    assert min(key[1] for key in stored(MinuteBar, symbols=("PGX",))) > ends_us
    assert max(key[1] for key in stored(MinuteBar, symbols=("PG",))) < ends_us
    for model in (HourBar, DayBar):
        assert min(key[1] for key in stored(model, symbols=("PGX",))) >= ends_us


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def sheet(*prices):
    """Return a sheet of pushed prices: symbol, price, seconds after noon."""
    noon_us = microseconds(NOON)
    quotes = [
        Quote(symbol, price, price, price, price, price, at_us=noon_us + seconds * 1_000_000, source=QuoteSource.PUSHED)
        for symbol, price, seconds in prices
    ]
    return QuoteSheet(session_date=None, phase=Phase.OPEN, made_at_us=0, quotes=tuple(quotes))


def record(recorder, *sheets):
    for each in sheets:
        recorder.note(each)
    bars = recorder._pushed.unwritten()
    recorder.write(bars)
    recorder._pushed.note_written(bars)


def pushed_bars(model, symbol="XYZ"):
    rows = model.objects.filter(symbol=symbol).order_by("at")
    return [
        ((row.at - NOON) // timedelta(minutes=1), row.open, row.high, row.low, row.close, row.price_count)
        for row in rows
    ]


def test_pushed_prices_become_bars_in_which_each_counts_once(replay):
    recorder = replay.recorder
    record(recorder, sheet(("XYZ", 100, 1)), sheet(("XYZ", 100, 1)), sheet(("XYZ", 300, 2)))
    record(recorder, sheet(("XYZ", 50, 59)))
    assert pushed_bars(MinuteBar) == [(0, 100, 300, 50, 50, 3)]
    record(recorder, sheet(("XYZ", 70, 61)), sheet(("XYZ", 80, 200)))
    assert pushed_bars(MinuteBar) == [(0, 100, 300, 50, 50, 3), (1, 70, 70, 70, 70, 1), (3, 80, 80, 80, 80, 1)]
    assert pushed_bars(HourBar) == [(0, 100, 300, 50, 80, 5)]
    assert pushed_bars(DayBar) == [(-720, 100, 300, 50, 80, 5)]


def test_a_price_that_comes_late_changes_nothing(replay):
    record(replay.recorder, sheet(("XYZ", 100, 61)), sheet(("XYZ", 900, 30)))
    assert pushed_bars(MinuteBar) == [(1, 100, 100, 100, 100, 1)]


def test_after_a_restart_a_minute_goes_on_where_it_was(replay):
    record(replay.recorder, sheet(("XYZ", 100, 1)), sheet(("XYZ", 300, 2)))
    replay.recorder.close()
    replay.restart()
    record(replay.recorder, sheet(("XYZ", 200, 10)))
    record(replay.recorder, sheet(("XYZ", 40, 20)))
    assert pushed_bars(MinuteBar) == [(0, 100, 300, 40, 40, 4)]
    assert pushed_bars(DayBar) == [(-720, 100, 300, 40, 40, 4)]


def test_the_feed_never_overwrites_what_was_imported(replay):
    today = datetime(2019, 7, 2, tzinfo=UTC)
    replay.elapsed_us = 1_000_000
    replay.write()
    at = MinuteBar.objects.filter(symbol="KO", at__gte=today).latest("at").at
    MinuteBar.objects.filter(symbol="KO", at=at).update(open=1, high=1, low=1, close=1, source=3)
    HourBar.objects.filter(symbol="KO", at__gte=today).update(close=7, source=3, is_derived=False)
    replay.recorder.close()
    replay.restart()
    replay.elapsed_us = 2_000_000
    replay.write()
    assert MinuteBar.objects.get(symbol="KO", at=at).close == 1
    assert HourBar.objects.get(symbol="KO", at__gte=today).close == 7
    assert HourBar.objects.get(symbol="AAPL", at__gte=today).close != 7
