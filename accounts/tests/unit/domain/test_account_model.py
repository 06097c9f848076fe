"""Random histories against an independent, obvious model: fractions, dictionaries and a list of trades."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.domain.account import decide, evolve
from accounts.domain.commands import ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount, WithdrawCash
from accounts.domain.events import CashDeposited, CashWithdrawn, CommandRefused, TradeExecuted
from accounts.domain.state import Account
from accounts.tests.unit.domain.scenario import DAY

SYMBOLS = ["KO", "XOM", "PG"]
PRICES = st.integers(1, 3_000_000)
COMMANDS = st.one_of(
    st.builds(DepositCash, st.integers(1, 10**9), st.just("")),
    st.builds(WithdrawCash, st.integers(1, 10**9), st.just("")),
    st.builds(ChangeRiskLimits, st.integers(1, 10_000), st.integers(1, 10**10), st.integers(1, 10**10)),
    st.builds(
        ExecuteTrade, st.sampled_from(SYMBOLS), st.sampled_from(["BUY", "SELL"]), st.integers(1, 500), PRICES, st.none()
    ),
)


class Model:
    """What an account should be, said as plainly as possible."""

    def __init__(self):
        self.cash_in = self.cash_out = 0
        self.trades = []  # (day, symbol, side, quantity, price)
        self.limits = (1_000, 1_000_000 * 10_000, 100_000 * 10_000)

    @property
    def cash(self):
        flows = sum(q * p * (1 if side == "SELL" else -1) for _, _, side, q, p in self.trades)
        return self.cash_in - self.cash_out + flows

    def held(self, symbol):
        return sum(q * (1 if side == "BUY" else -1) for _, s, side, q, _ in self.trades if s == symbol)

    def mark(self, symbol):
        prices = [p for _, s, _, _, p in self.trades if s == symbol]
        return prices[-1] if prices else 0

    def volume(self, day):
        return sum(q * p for d, _, _, q, p in self.trades if d == day)

    def value(self, trade):
        """The portfolio after a trade, if it happened."""
        after = Model()
        after.cash_in, after.cash_out, after.trades = self.cash_in, self.cash_out, [*self.trades, trade]
        return after.cash + sum(after.held(symbol) * after.mark(symbol) for symbol in SYMBOLS)

    def should_refuse(self, trade):
        day, symbol, side, quantity, price = trade
        share, per_day, per_trade = self.limits
        if quantity * price > per_trade:
            return "TRADE_LIMIT_EXCEEDED"
        if self.volume(day) + quantity * price > per_day:
            return "DAILY_LIMIT_EXCEEDED"
        if side == "SELL":
            return "INSUFFICIENT_POSITION" if quantity > self.held(symbol) else None
        if quantity * price > self.cash:
            return "INSUFFICIENT_FUNDS"
        position = (self.held(symbol) + quantity) * price
        return "POSITION_LIMIT_EXCEEDED" if Fraction(position, self.value(trade)) > Fraction(share, 10_000) else None


@given(st.lists(st.tuples(COMMANDS, st.integers(0, 3)), max_size=40))
@settings(max_examples=300, deadline=None)
def test_every_decision_and_every_figure_is_the_models(steps):
    account, model, now = Account(), Model(), 20_000 * DAY
    for event in decide(account, OpenAccount("ada", "Savings", "USD"), now):
        evolve(account, event)
    for command, quarter_days in steps:
        now += quarter_days * DAY // 4
        (event,) = decide(account, command, now)
        check(model, command, event, now // DAY)
        evolve(account, event)
        assert account.cash == model.cash
        assert {s: p.quantity for s, p in account.positions.items()} == {s: model.held(s) for s in account.positions}
        assert account.portfolio_value == model.cash + sum(model.held(s) * model.mark(s) for s in SYMBOLS)
        # Conservation, to the last unit.
        cost = sum(position.cost for position in account.positions.values())
        assert account.positions_cost == cost
        assert model.cash_in - model.cash_out == account.cash + cost - account.realized_pnl
        assert all(position.cost >= 0 for position in account.positions.values())
        assert all(p.cost == 0 for p in account.positions.values() if p.quantity == 0)


def check(model, command, event, day):
    match command:
        case DepositCash():
            assert isinstance(event, CashDeposited)
            model.cash_in += command.amount
        case WithdrawCash():
            assert isinstance(event, CommandRefused) == (command.amount > model.cash)
            if isinstance(event, CashWithdrawn):
                model.cash_out += command.amount
        case ChangeRiskLimits():
            model.limits = (command.max_position_bp, command.max_daily_value, command.max_trade_value)
        case ExecuteTrade():
            trade = (day, command.symbol, command.side, command.quantity, command.price)
            refusal = model.should_refuse(trade)
            assert (event.code if isinstance(event, CommandRefused) else None) == refusal
            if isinstance(event, TradeExecuted):
                model.trades.append(trade)
                assert event.day_volume == model.volume(day)
                assert event.day_trades == sum(1 for each in model.trades if each[0] == day)
                assert event.trade_count == len(model.trades)
