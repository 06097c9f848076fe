"""What if: held to an account that really had those limits; and nothing is written."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.codec import dump_account
from accounts.domain import commands as c
from accounts.domain.account import decide
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore.record import instant_of
from temporal import what_if as module
from temporal.errors import InvalidLimits, InvalidMoment, TooManyEvents, UnknownAccount
from temporal.tests.history.conftest import ADA, BOB, Histories
from temporal.what_if import Limits, what_if
from tradingplatform.bootstrap import wire

SMALL = Limits(max_trade_value=1_000_0000)


@pytest.fixture
def traded(histories):
    """Buys of 500 and 5,000, sells of 800 and of what the large one bought."""
    histories.at("2026-01-05T12:00:00Z").open()
    histories.buy(10, 50)
    histories.buy(100, 50)
    histories.make_pages()
    histories.at("2026-01-06T12:00:00Z").sell(10, 80)
    histories.sell(20, 30)
    histories.buy(1_000_000, 50)  # More than the account has.
    return histories


def test_trades_that_would_have_been_refused_and_what_follows_from_it(traded):
    found = what_if(ADA, limits=SMALL)
    refused, knock_on = found.differences
    assert (refused.version, refused.is_refused_now, refused.is_knock_on) == (5, True, False)
    assert refused.command == c.ExecuteTrade("KO", "BUY", 100 * SHARE, 50_0000, None)
    assert (refused.refusal.code, refused.refusal.limit, refused.refusal.actual) == (
        "TRADE_LIMIT_EXCEEDED",
        1_000_0000,
        5_000_0000,
    )
    assert (knock_on.version, knock_on.is_knock_on) == (7, True)
    assert (knock_on.refusal.code, knock_on.refusal.limit, knock_on.refusal.actual) == (
        "INSUFFICIENT_POSITION",
        0,
        20 * SHARE,
    )
    assert (found.refused_now_count, found.accepted_now_count, found.knock_on_count) == (2, 0, 1)
    assert found.refused_for_another_reason_count == 1
    assert (found.command_count, found.from_version, found.to_version, found.is_complete) == (8, 0, 8, True)
    assert (found.imagined.cash, found.imagined.realized_pnl) == (1_000_300_0000, 300_0000)
    assert (found.real.positions["KO"].quantity, found.imagined.positions["KO"].quantity) == (80 * SHARE, 0)
    assert dump_account(found.real) == dump_account(traded.store.state(AccountDecider(), ADA).state)


def test_trades_that_were_refused_would_pass(traded):
    traded.execute(ADA, c.ChangeRiskLimits(10_000, 10**15, 1_000))
    traded.buy(1, 50)
    found = what_if(ADA, limits=Limits(max_trade_value=10**12))
    (accepted,) = found.differences
    assert (accepted.version, accepted.is_refused_now, accepted.is_knock_on) == (10, False, False)
    assert (accepted.refusal.code, accepted.refusal.limit) == ("TRADE_LIMIT_EXCEEDED", 1_000)
    assert (found.accepted_now_count, found.imagined.trade_count, found.real.trade_count) == (1, 5, 4)
    assert found.imagined.max_daily_value == 10**15


def test_only_a_stretch_of_time_is_decided_again(traded):
    noon = instant_of(traded.now) - timedelta(hours=12)
    later = what_if(ADA, limits=SMALL, start=noon)
    assert (later.from_version, later.command_count, later.differences) == (5, 3, [])
    assert dump_account(later.imagined) != dump_account(later.real)
    assert later.imagined.cash == later.real.cash
    earlier = what_if(ADA, limits=SMALL, end=noon)
    assert (earlier.to_version, earlier.refused_now_count, earlier.real.trade_count) == (5, 1, 2)
    before = what_if(ADA, limits=SMALL, start=noon - timedelta(days=30))
    assert (before.from_version, before.refused_now_count) == (0, 2)


def test_what_companies_did_happens_to_what_the_account_would_have_had(traded):
    """A buy that is refused now leaves nothing to split; an order that works now is cancelled, as the venue does."""
    traded.execute(ADA, c.ChangeRiskLimits(10_000, 10**15, 900_0000))
    traded.buy(10, 70, symbol="XOM")
    place = c.PlaceOrder("o-1", "mine", "XOM", "BUY", 20 * SHARE, "LIMIT", "GTC", 60_0000, None, 0)
    traded.execute(ADA, place, c.ApplySplit("a", "XOM", 2, 1, SHARE, 0), c.PayDividend("b", "KO", 10**8))
    traded.execute(ADA, c.ChangeSymbol("c", "XOM", "EXX"), c.MarkPositions(20_460, traded.now, {"EXX": 36_0000}))
    freer = what_if(ADA, limits=Limits(max_trade_value=10**12))
    assert [(each.version, each.is_refused_now) for each in freer.differences] == [(11, False)]
    assert (freer.imagined.orders, freer.imagined.positions) == ({}, freer.real.positions)
    assert dump_account(freer.imagined) != dump_account(freer.real), "the limits are others"
    tighter = what_if(ADA, limits=Limits(max_trade_value=600_0000))
    assert {symbol: held.quantity for symbol, held in tighter.imagined.positions.items()} == {"KO": 10 * SHARE}
    assert (tighter.imagined.dividends, tighter.real.dividends) == (10_0000, 80_0000)
    assert tighter.command_count == freer.command_count == 15


def test_nothing_is_written(traded):
    heads = traded.store.heads()
    positions = [traded.store.engine.page_stretches(partition=number) for number in heads]
    what_if(ADA, limits=SMALL)
    assert traded.store.heads() == heads
    assert [traded.store.engine.page_stretches(partition=number) for number in heads] == positions


def test_what_cannot_be_asked_is_refused_with_what_to_do(traded, monkeypatch):
    with pytest.raises(InvalidLimits, match=r"give at least one of max_position_percent, .* and price_band_percent"):
        what_if(ADA, limits=Limits())
    with pytest.raises(UnknownAccount, match=BOB):
        what_if(BOB, limits=SMALL)
    now = instant_of(traded.now)
    with pytest.raises(InvalidMoment, match="a range ends where it begins or later"):
        what_if(ADA, limits=SMALL, start=now, end=now - timedelta(seconds=1))
    with pytest.raises(TooManyEvents, match=r"8 events would have to be decided again, and at most 7 are here: ask"):
        what_if(ADA, limits=SMALL, events_max=7)
    assert what_if(ADA, limits=SMALL, events_max=8).command_count == 8


def test_the_list_is_bounded_and_the_counts_are_not(traded, monkeypatch):
    monkeypatch.setattr(module, "DIFFERENCES_MAX", 1)
    found = what_if(ADA, limits=SMALL)
    assert (len(found.differences), found.refused_now_count, found.is_complete) == (1, 2, False)


def test_progress_is_told(traded, monkeypatch):
    monkeypatch.setattr(module, "PROGRESS_COMMANDS", 3)
    told = []
    what_if(ADA, limits=SMALL, progress=lambda done, total: told.append((done, total)))
    assert told == [(3, 8), (6, 8), (8, 8)]


# Held to an account that really had those limits.

SYMBOLS = st.sampled_from(["KO", "XOM"])
SIDES = st.sampled_from(["BUY", "BUY", "SELL"])
QUANTITIES = st.integers(1, 30).map(lambda shares: shares * SHARE) | st.integers(1, 30 * SHARE)
PRICES = st.integers(1, 1_000)
IDS = st.sampled_from(["o-1", "o-2", "o-3"])
COMMANDS = st.one_of(
    st.builds(c.ExecuteTrade, SYMBOLS, SIDES, QUANTITIES, PRICES, st.none() | IDS),
    st.builds(c.ExecuteTrade, SYMBOLS, SIDES, QUANTITIES, PRICES, st.none(), st.just(0) | PRICES),
    st.builds(c.DepositCash, st.integers(1, 20_000), st.just("")),
    st.builds(c.WithdrawCash, st.integers(1, 20_000), st.just("")),
    st.builds(c.ChangeRiskLimits, st.integers(1, 10_000), st.integers(1, 10**5), st.integers(1, 20_000)),
    st.builds(
        c.ChangeFeeSchedule, st.integers(0, 20), st.integers(0, 9), st.sampled_from([0, 50]), st.integers(0, 30)
    ),
    st.builds(
        c.PlaceOrder, IDS, IDS, SYMBOLS, SIDES, QUANTITIES, st.just("LIMIT"), st.just("GTC"), PRICES, st.none(),
        st.just(0),
    ),
    st.builds(c.ReplaceOrder, IDS, IDS, IDS, st.none() | QUANTITIES, st.none(), st.none() | PRICES, st.none()),
    st.builds(c.CancelOrder, IDS, st.just("")),
    st.sampled_from([c.FreezeAccount("audit"), c.UnfreezeAccount("done")]),
)  # fmt: skip
DRAWN = {
    "steps": st.lists(st.tuples(st.integers(0, 2), COMMANDS, st.booleans()), max_size=40),
    "limits": st.builds(
        Limits,
        st.none() | st.integers(1, 10_000),
        st.none() | st.integers(1, 10**5),
        st.none() | st.integers(1, 20_000),
        st.sampled_from([None, None, 0]),  # What the market said is not known of a trade that was booked.
    ).filter(lambda limits: limits != Limits()),
}


def imposed(limits, command):
    """The command that would have set these limits, where one sets any."""
    if not isinstance(command, c.ChangeRiskLimits):
        return command
    own = msgspec.structs.astuple(command)
    return c.ChangeRiskLimits(*(old if new is None else new for new, old in zip(limits, own, strict=True)))


def check_against_an_account_that_had_the_limits(steps, limits):
    histories = Histories()
    begun = [c.OpenAccount("ada", "A", "USD"), c.ChangeRiskLimits(5_000, 10**5, 10**4), c.DepositCash(10**5, "")]
    differences = 0
    try:
        for gap, command, is_paged in [(0, command, False) for command in begun] + steps:
            histories.now += gap * 12 * 3_600_000_000
            (then, *_), (now, *_) = (
                histories.execute(ADA, command),
                histories.execute(BOB, imposed(limits, command)),
            )
            differences += hasattr(then, "code") != hasattr(now, "code")
            if is_paged:
                histories.make_pages()
        heads = histories.store.heads()
        found = what_if(ADA, limits=limits)
        assert histories.store.heads() == heads
        expected = histories.store.state(AccountDecider(), BOB).state
    finally:
        wire()
    assert dump_account(found.imagined) == dump_account(expected)
    assert len(found.differences) == differences
    assert found.command_count == len(steps) + 3


def test_what_would_be_is_what_an_account_with_these_limits_is():
    check = given(**DRAWN)(check_against_an_account_that_had_the_limits)
    settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])(check)()


PLANTED = {
    "changes of the limits count": ("temporal.what_if.RiskLimitsChanged", type("None", (), {})),
    "time stands still": ("temporal.what_if.decide", lambda account, command, now: decide(account, command, 0)),
    "refused commands are left out": (
        "temporal.what_if._decide_again",
        lambda answer, recorded, was=module._decide_again: hasattr(recorded.events[0], "code") or was(answer, recorded),
    ),
}


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_fault_is_noticed(plant, monkeypatch):
    monkeypatch.setattr(*PLANTED[plant])
    seeded = settings(max_examples=2_000, phases=[Phase.generate], derandomize=True, deadline=None)
    with pytest.raises(AssertionError):
        seeded(given(**DRAWN)(check_against_an_account_that_had_the_limits))()


def test_another_band_lets_pass_what_was_refused_for_its_price_and_refuses_nothing_that_was_booked(traded):
    """What the market said is known of a refusal alone."""
    traded.at("2026-02-02T12:00:00Z").execute(
        ADA,
        c.ExecuteTrade("KO", "BUY", SHARE, 56_0000, None, 50_0000),
        c.ExecuteTrade("KO", "BUY", SHARE, 54_0000, None, 50_0000),
    )
    wider = what_if(ADA, limits=Limits(price_band_bp=2_000))
    assert (wider.accepted_now_count, wider.refused_now_count, wider.knock_on_count) == (1, 0, 0)
    assert wider.differences[0].refusal.code == "PRICE_BEYOND_BAND"
    assert wider.imagined.trade_count == wider.real.trade_count + 1
    narrower = what_if(ADA, limits=Limits(price_band_bp=1))
    assert narrower.differences == []
