"""The kernel decides trades as the domain does, to the unit, and takes a group back to the bit."""

from random import Random

import numpy as np
import pytest

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain import fees, risk, state, trades
from accounts.domain.account import decide, evolve
from accounts.domain.fees import NO_FEES, FeeSchedule
from accounts.domain.state import MICROSECONDS_PER_DAY, NO_POSITION, Account
from accounts.domain.values import BASIS_POINTS, MONEY_MAX, PRICE_MAX, QUANTITY_MAX, SHARE
from accounts.kernels import columns as kernel
from accounts.kernels import state as s
from accounts.kernels.columns import TERM_COLUMNS, TRADE, Asked
from accounts.kernels.decide import decide_commands
from accounts.kernels.orders import Symbols, WorkingOrders
from accounts.kernels.state import State

SYMBOLS = ("KO", "XOM", "PG", "AAPL")
CODES = {
    **{number: code for number, code in enumerate(risk.CODES) if code is not None},
    kernel.NOT_ACTIVE: "ACCOUNT_NOT_ACTIVE",
    kernel.ACCOUNT_CLOSED: "ACCOUNT_CLOSED",
}
FIGURES = (
    "value", "fee", "cash_after", "position_quantity", "position_cost", "position_realized_pnl", "realized_pnl",
    "total_realized_pnl", "total_fees", "positions_cost", "portfolio_value", "trade_count", "day_volume", "day_trades",
    "day_realized_pnl",
)  # fmt: skip
"""The fields of TradeExecuted in the order of the outcomes' columns from VALUE on."""


def decide_trades(state, *, numbers, symbols, are_buys, quantities, prices, markets, **more):
    terms_of, terms = np.full(len(numbers), TRADE), np.zeros((0, TERM_COLUMNS), np.int64)
    asked = Asked(symbols, symbols, are_buys, quantities, prices, markets, terms_of, terms)
    return decide_commands(state, WorkingOrders(Symbols()), asked, numbers=numbers, **more)


def row_of(account, version):
    row = np.zeros(s.ACCOUNT_COLUMNS, np.int64)
    row[s.STATUS], row[s.VERSION] = s.STATUSES.index(account.status), version
    row[s.CASH], row[s.RESERVED_CASH] = account.cash, account.reserved_cash
    row[s.POSITIONS_COST], row[s.POSITIONS_VALUE] = account.positions_cost, account.positions_value
    row[s.REALIZED_PNL], row[s.TRADE_COUNT] = account.realized_pnl, account.trade_count
    row[s.FEES], row[s.DAY], row[s.DAY_VOLUME] = account.fees, account.day, account.day_volume
    row[s.DAY_TRADES], row[s.DAY_REALIZED_PNL] = account.day_trades, account.day_realized_pnl
    row[s.MAX_POSITION_BP], row[s.MAX_DAILY_VALUE] = account.max_position_bp, account.max_daily_value
    row[s.MAX_TRADE_VALUE], row[s.DEPOSITED] = account.max_trade_value, account.deposited
    row[s.PRICE_BAND_BP] = account.price_band_bp
    row[s.FEE_PER_ORDER : s.FEE_MINIMUM + 1] = account.fee_schedule
    return row


class Both:
    """The same accounts as objects of the domain and as arrays."""

    def __init__(self, accounts):
        self.accounts = accounts
        self.versions = [3] * len(accounts)
        self.state = State()
        self.state.add_accounts(np.array([row_of(account, 3) for account in accounts]))
        self.wide = 0
        self.happened = []
        """The trades that happened, by batch: accounts, symbols, prices, days, and the rows of their outcomes."""

    def run(self, batch, day):
        """Decide a batch both ways; every outcome and every figure is the same."""
        columns = [np.array(column) for column in zip(*batch, strict=True)]
        numbers, symbols, are_buys, quantities, prices, markets = columns
        outcomes = np.zeros((len(batch), kernel.OUTCOME_COLUMNS), np.int64)
        expected = [self.decided(*entry, day) for entry in batch]
        at = 0
        while True:
            at = decide_trades(
                self.state, numbers=numbers, symbols=symbols, are_buys=are_buys, quantities=quantities, prices=prices,
                markets=markets, day=day, outcomes=outcomes, first=at,
            )  # fmt: skip
            if at == len(batch):
                break
            assert isinstance(expected[at][1], e.CommandRefused), "what does not fit is refused"
            self.state.note(int(numbers[at]))  # As whoever decides it elsewhere does.
            self.state.accounts[numbers[at], s.VERSION] += 1
            assert self.state.accounts[numbers[at], s.VERSION] == expected[at][0]
            expected[at] = None
            self.wide += 1
            at += 1
        done = [place for place, told in enumerate(expected) if told and isinstance(told[1], e.TradeExecuted)]
        self.happened.append((numbers[done], symbols[done], prices[done], np.full(len(done), day), outcomes[done]))
        for found, told in zip(outcomes.tolist(), expected, strict=True):
            if told is not None:
                self.check(found, *told)

    def decided(self, number, symbol, is_buy, quantity, price, market, day):
        if number < 0:
            return 0, None
        account = self.accounts[number]
        side = "BUY" if is_buy else "SELL"
        command = c.ExecuteTrade(SYMBOLS[symbol], side, int(quantity), int(price), None, int(market))
        (event,) = decide(account, command, day * MICROSECONDS_PER_DAY)
        evolve(account, event)
        self.versions[number] += 1
        return self.versions[number], event

    def check(self, found, version, event):
        if event is None:
            assert found[kernel.OUTCOME] == kernel.NOT_FOUND
        elif isinstance(event, e.CommandRefused):
            figures = (event.limit or 0, event.actual or 0)
            assert (CODES[found[kernel.OUTCOME]], found[kernel.VERSION_AFTER]) == (event.code, version)
            assert (found[kernel.LIMIT], found[kernel.ACTUAL]) == figures
        else:
            assert (found[kernel.OUTCOME], found[kernel.VERSION_AFTER]) == (risk.PASSED, version)
            assert found[kernel.VALUE : kernel.RESERVED_CASH] == [getattr(event, name) for name in FIGURES]

    def check_state(self):
        for number, account in enumerate(self.accounts):
            found = self.state.accounts[number].copy()
            found[s.LAST_POSITION] = 0
            assert found.tolist() == row_of(account, self.versions[number]).tolist()
            symbols = [
                self.state.positions[row, s.KEY] & (1 << s.SYMBOL_BITS) - 1 for row in self.state.positions_of(number)
            ]
            assert sorted(symbols) == sorted(map(SYMBOLS.index, account.positions))
            for code, symbol in enumerate(SYMBOLS):
                row = int(self.state.position_rows(number, np.array([code]))[0])
                position = account.positions.get(symbol, NO_POSITION)
                found = NO_POSITION if row < 0 else self.state.positions[row, s.QUANTITY : s.RESERVED_SHARES].tolist()
                assert list(found) == list(position)

    def bits(self):
        state = self.state
        kept = state.positions[: state.position_count + 50, : s.NEXT_IN_BUCKET]
        counts = state.counters[: s.BUCKET_COUNT].tobytes()
        return [state.accounts.tobytes(), kept.tobytes(), counts, chains(state)]


def chains(state):
    """The positions that the table finds, and that it finds each in one bucket alone."""
    found = []
    for row in state.buckets[: state.counters[s.BUCKET_COUNT]].tolist():
        while row:
            found.append(row - 1)
            row = int(state.positions[row - 1, s.NEXT_IN_BUCKET])
    assert len(found) == len(set(found))
    return sorted(found)


def opened(random):
    """An account of any size, with any limits; a few are frozen, closed, or never were."""
    cash = random.choice([0, 10**6, 10**9, 10**13, 10**18])
    return Account(
        status=random.choices(["ACTIVE", "FROZEN", "CLOSED", "NONE"], [90, 4, 3, 3])[0],
        cash=cash,
        deposited=cash,
        positions={},
        max_position_bp=random.choice([1, 1_000, 10_000, 10_000]),
        max_daily_value=random.choice([10**7, 10**10, MONEY_MAX]),
        max_trade_value=random.choice([10**6, 10**9, MONEY_MAX]),
        price_band_bp=random.choice([0, 1, 1_000, 10_000]),
        orders={},
        reserved_shares={},
        fee_schedule=schedule(random),
    )


def schedule(random):
    """None, one of any size, or one that is wider than 64 bits once it is multiplied."""
    if random.random() < 0.4:
        return NO_FEES
    return FeeSchedule(
        random.choice([0, 1, 10_000, 10**9]),
        random.choice([0, 1, 50, 10**6, 10**11, 10**18]),
        random.choice([0, 1, 25, BASIS_POINTS, 10**15]),
        random.choice([0, 1, 20_000, 10**18, 2 * 10**18]),
    )


def entry(random, accounts):
    number = random.randrange(-1, len(accounts))
    if number >= 0 and accounts[number].status == "NONE":
        number = -1
    symbol = random.randrange(len(SYMBOLS))
    held = NO_POSITION if number < 0 else accounts[number].positions.get(SYMBOLS[symbol], NO_POSITION)
    is_buy = random.random() < 0.6
    quantity = random.choice([
        random.randrange(1, 300) * SHARE, random.randrange(1, 300 * SHARE), random.randrange(1, 1_000),
        random.randrange(1, QUANTITY_MAX + 1), QUANTITY_MAX, max(1, min(held.quantity, QUANTITY_MAX)),
        max(1, min(held.quantity // random.randrange(1, 9), QUANTITY_MAX)),
    ])  # fmt: skip
    price = random.choice([
        random.randrange(1, 30_000), random.randrange(1, 3_000_000), random.randrange(1, PRICE_MAX + 1), 1, PRICE_MAX,
        max(1, held.mark + random.randrange(-9, 10)),
    ])  # fmt: skip
    price = min(price, PRICE_MAX)
    about = price + price * random.randrange(-1_500, 1_500) // 10_000 + random.randrange(-1, 2)
    market = random.choice([0, 1, PRICE_MAX, price, *[min(max(about, 0), PRICE_MAX)] * 9])
    return number, symbol, is_buy, quantity, price, market


def lived(seed, *, groups, size, rollbacks=0.0):
    random = Random(seed)
    both = Both([opened(random) for _ in range(12)])
    day = 20_000
    for _ in range(groups):
        day += random.choice([0, 0, 0, 1])
        if random.random() < rollbacks:
            before = both.bits()
            numbers, symbols, are_buys, quantities, prices, markets = (
                np.array(column) for column in zip(*[entry(random, both.accounts) for _ in range(size)], strict=True)
            )
            outcomes = np.zeros((size, kernel.OUTCOME_COLUMNS), np.int64)
            decide_trades(
                both.state, numbers=numbers, symbols=symbols, are_buys=are_buys, quantities=quantities, prices=prices,
                markets=markets, day=day, outcomes=outcomes,
            )  # fmt: skip
            both.state.take_back()
            assert both.bits() == before
        for at in range(0, size, 7):  # Entry by entry of its account's state, so that edges are met.
            both.run([entry(random, both.accounts) for _ in range(min(7, size - at))], day)
        both.state.keep()
    both.check_state()
    return both


@pytest.mark.parametrize("seed", range(12))
def test_every_outcome_and_every_figure_is_that_of_the_domain(seed):
    lived(seed, groups=40, size=70, rollbacks=0.3)


def test_what_does_not_fit_64_bits_is_met_and_left_to_python():
    assert sum(lived(seed, groups=20, size=70).wide for seed in range(100, 106)) > 20


def planted_rounding(monkeypatch):
    monkeypatch.setattr(trades, "value_of", lambda quantity, price: quantity * price // SHARE)


def planted_fee(monkeypatch):
    monkeypatch.setattr(state, "fee_of", lambda *given: fees.fee_of(*given) + 1)


def planted_cost(monkeypatch):
    monkeypatch.setattr(trades, "cost_removed", lambda cost, quantity, sold: -(-cost * sold // quantity))


def planted_band(monkeypatch):
    bound = risk.price_bound
    monkeypatch.setattr(risk, "price_bound", lambda price, market, band: bound(price, market, band and band + 1))


@pytest.mark.parametrize("plant", [planted_rounding, planted_fee, planted_cost, planted_band])
def test_a_domain_that_differs_in_one_point_is_found_out(plant, monkeypatch):
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        any(lived(seed, groups=20, size=70) is None for seed in range(50))
