"""Any sequence of commands, in any slices and with doubles: the rows of one clean pass, and those of the aggregate."""

import itertools
import uuid
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.domain import commands as c
from accounts.domain import trades
from accounts.domain.account import decide, evolve
from accounts.domain.state import Account, Order
from accounts.domain.values import SHARE
from eventstore.record import Commit
from readmodels.ledger import Ledger
from readmodels.projections import account_summary
from readmodels.projections.changes import Touched, changes_of, touched_by

DAY = 86_400 * 1_000_000
ACCOUNTS = ("0b5c1f3e-0000-4000-8000-00000000000a", "0b5c1f3e-0000-4000-8000-00000000000b")
SYMBOLS = st.sampled_from(["KO", "XOM"])
SIDES = st.sampled_from(["BUY", "SELL"])
QUANTITIES = st.integers(1, 12).map(lambda shares: shares * SHARE) | st.integers(1_000, 12 * SHARE)
PRICES = st.integers(90_000, 110_000)
TERMS = st.sampled_from(
    [("LIMIT", "DAY"), ("LIMIT", "GTC"), ("LIMIT", "IOC"), ("LIMIT", "FOK"), ("MARKET", "DAY"), ("STOP", "GTC"),
     ("STOP_LIMIT", "DAY")]
)  # fmt: skip
ENDINGS = st.sampled_from([c.CancelOrder, c.ExpireOrder, c.RejectOrder])
PICKS = st.integers(0, 9)

UNFREEZE = ("simple", c.UnfreezeAccount)
RARE = st.sampled_from([("simple", c.FreezeAccount), UNFREEZE, UNFREEZE, ("simple", c.CloseAccount), ("wind up",)])
STEPS = st.one_of(
    st.tuples(st.just("deposit"), st.integers(1, 10**8)),
    st.tuples(st.just("withdraw"), st.integers(1, 10**8) | st.just("all")),
    st.tuples(st.just("trade"), SYMBOLS, SIDES, QUANTITIES, PRICES),
    st.tuples(st.just("place"), SYMBOLS, SIDES, QUANTITIES, PRICES, TERMS),
    st.tuples(st.just("place"), SYMBOLS, SIDES, QUANTITIES, PRICES, TERMS),
    st.tuples(st.just("fill"), PICKS, QUANTITIES, PRICES),
    st.tuples(st.just("fill"), PICKS, st.just("all"), PRICES),
    st.tuples(st.just("replace"), PICKS, QUANTITIES | st.none(), PRICES | st.none()),
    st.tuples(st.just("end"), PICKS, ENDINGS),
    st.tuples(st.just("end"), PICKS, ENDINGS),
    st.tuples(st.just("replace"), PICKS, QUANTITIES, st.none()),
    RARE,
)


class World:
    """Two accounts that live through steps; each command's events are a commit."""

    def __init__(self):
        self.accounts = {account_id: Account() for account_id in ACCOUNTS}
        self.versions = dict.fromkeys(ACCOUNTS, 0)
        self.commits = []
        self.now = 20_000 * DAY
        self._order_numbers = itertools.count(1)
        for account_id in ACCOUNTS:
            self.execute(account_id, c.OpenAccount("ada", "Savings", "USD"))
            self.execute(account_id, c.DepositCash(100_000_000, "first"))
            self.execute(account_id, c.ChangeRiskLimits(10_000, 10**12, 10**12))
            for symbol in ("KO", "XOM"):
                self.execute(account_id, c.ExecuteTrade(symbol, "BUY", 20 * SHARE, 100_000, None))

    def execute(self, account_id, command):
        account = self.accounts[account_id]
        self.now += DAY // 7
        events = decide(account, command, self.now)
        first = self.versions[account_id] + 1
        numbers = range(first, first + len(events))
        ids = tuple(str(uuid.uuid5(uuid.UUID(account_id), str(number))) for number in numbers)
        number = len(self.commits)
        self.commits.append(Commit(account_id, first, self.now, f"c-{number}", None, None, "ada", None, events, ids))
        for event in events:
            evolve(account, event)
        self.versions[account_id] += len(events)

    def do(self, account_id, step):
        if step == ("wind up",):
            self.wind_up(account_id)
            return
        command = self.command(self.accounts[account_id], *step)
        if command is not None:
            self.execute(account_id, command)

    def wind_up(self, account_id):
        account = self.accounts[account_id]
        for order_id in list(account.orders):
            self.execute(account_id, c.CancelOrder(order_id, ""))
        for symbol, position in list(account.positions.items()):
            if position.quantity:
                self.execute(account_id, c.ExecuteTrade(symbol, "SELL", position.quantity, 100_000, None))
        self.execute(account_id, c.WithdrawCash(max(account.cash, 1), ""))
        self.execute(account_id, c.CloseAccount("moved away"))

    def command(self, account, kind, *given):
        match kind:
            case "deposit":
                return c.DepositCash(given[0], "")
            case "withdraw":
                cash = account.cash - account.reserved_cash
                return c.WithdrawCash(max(cash, 1) if given[0] == "all" else given[0], "")
            case "trade":
                return c.ExecuteTrade(*given, None)
            case "simple":
                return given[0]("why")
            case "place":
                symbol, side, quantity, price, (order_type, time_in_force) = given
                limit = price if order_type in ("LIMIT", "STOP_LIMIT") else None
                stop = price if order_type in ("STOP", "STOP_LIMIT") else None
                return c.PlaceOrder(
                    *self.order_ids(), symbol, side, quantity, order_type, time_in_force, limit, stop, price
                )
        if not account.orders:
            return None
        order_id, order = list(account.orders.items())[given[0] % len(account.orders)]
        match kind:
            case "fill":
                quantity = order.remaining if given[1] == "all" else given[1]
                return c.ExecuteTrade(order.symbol, order.side, quantity, order.limit_price or given[2], order_id)
            case "replace":
                price = given[2] if order.limit_price else None
                return c.ReplaceOrder(order_id, *self.order_ids(), given[1], None, price, None)
            case "end":
                return given[1](order_id, "why")
        raise AssertionError(kind)

    def order_ids(self):
        number = next(self._order_numbers)
        return str(uuid.UUID(int=number, version=4)), f"client-{number}"


class Tables:
    """What PostgreSQL does for the projector, in dictionaries: rows are replaced by higher versions only."""

    def __init__(self):
        self.summaries, self.positions, self.orders, self.days = {}, {}, {}, {}
        self.trades, self.activities = [], []

    def project(self, commits):
        account_ids = {commit.aggregate_id for commit in commits}
        standing = {key: row for key, row in self.summaries.items() if key in account_ids}
        touched = touched_by(commits, standing)
        changes = changes_of(
            commits,
            standing,
            {place: row for place, row in self.positions.items() if place in touched.positions},
            {order_id: row for order_id, row in self.orders.items() if order_id in touched.order_ids},
        )
        for name in ("summaries", "positions", "orders", "days"):
            stored = getattr(self, name)
            for key, row in getattr(changes, name).items():
                if key not in stored or row["version"] > stored[key]["version"]:
                    stored[key] = row
        for account_id in {account_id for account_id, _ in changes.positions}:
            self.summaries[account_id].update(self.concentration(account_id))
        self.trades += changes.trades
        self.activities += changes.activities

    def concentration(self, account_id):
        """What account_summary.CONCENTRATION asks for."""
        held = [row for (of, _), row in self.positions.items() if of == account_id and row["quantity"]]
        in_order = sorted(held, key=lambda row: (-row["market_value"], row["symbol"]))
        largest = in_order[0] if in_order else None
        value, symbol = (0, "") if largest is None else (largest["market_value"], largest["symbol"])
        return {"open_positions": len(held), "largest_position": value, "largest_symbol": symbol}

    def rows(self):
        in_order = [sorted(self.trades, key=place_of), sorted(self.activities, key=place_of)]
        return [self.summaries, self.positions, self.orders, self.days, *in_order]


def place_of(row):
    return row["account_id"], row["version"]


def lived(steps):
    world = World()
    for account, step in steps:
        world.do(ACCOUNTS[account], step)
    return world


def one_pass(commits):
    tables = Tables()
    tables.project(commits)
    return tables


LIVES = st.lists(st.tuples(st.integers(0, 1), STEPS), min_size=10, max_size=60)
SLICES = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 4)), max_size=60)


@given(LIVES, SLICES)
@settings(max_examples=300, deadline=None)
def test_any_slices_with_doubles_give_the_rows_of_one_clean_pass(steps, slices):
    commits = lived(steps).commits
    tables, at = Tables(), 0
    for size, again in slices:
        tables.project(commits[max(0, at - again) : at + size])
        at = min(at + size, len(commits))
    tables.project(commits[at:])
    assert tables.rows() == one_pass(commits).rows()


@pytest.mark.parametrize("fee", [0, 123])
@given(steps=LIVES)
@settings(max_examples=150, deadline=None)
def test_the_rows_are_what_the_aggregate_and_the_ledger_say(fee, steps):
    with patch.object(trades, "NO_FEE", fee):
        world = lived(steps)
    tables = one_pass(world.commits)
    for account_id, account in world.accounts.items():
        check_against_the_aggregate(tables, account_id, account)
        ledger = Ledger(account_id)
        for commit in world.commits:
            if commit.aggregate_id == account_id:
                ledger.add(commit)
        assert tables.summaries[account_id] == ledger.summary_row()
        assert by(tables.orders, account_id) == ordered(ledger.order_rows())
        assert by(tables.positions, account_id) == ordered(ledger.position_rows())
        assert by(tables.days, account_id) == ordered(ledger.day_rows())


def check_against_the_aggregate(tables, account_id, account):
    row = tables.summaries[account_id]
    assert (row["status"], row["cash"], row["reserved_cash"]) == (account.status, account.cash, account.reserved_cash)
    assert row["open_orders"] == len(account.orders)
    of_account = [order for order in tables.orders.values() if order["account_id"] == account_id]
    works = {order["order_id"]: order for order in of_account if order["ended_at"] is None}
    assert {order_id: terms_of(order) for order_id, order in works.items()} == {
        order_id: order._asdict() for order_id, order in account.orders.items()
    }
    for (owner, symbol), position in tables.positions.items():
        if owner == account_id:
            assert position["reserved_quantity"] == account.reserved_shares.get(symbol, 0)
            assert position["quantity"] == account.positions[symbol].quantity


def terms_of(row):
    return {name: row[name] for name in Order._fields}


def by(rows, account_id):
    return ordered(row for row in rows.values() if row["account_id"] == account_id)


def ordered(rows):
    return sorted(rows, key=lambda row: [str(row.get(name)) for name in ("order_id", "symbol", "date")])


@pytest.mark.parametrize("event", ["OrderPlaced", "OrderFilled", "OrderReplaced", "OrderExpired"])
def test_orders_that_are_not_counted_do_not_go_unnoticed(monkeypatch, event):
    """Plant the bug: one kind of event does not move the account's figures."""
    steps = [(0, ("place", "KO", "BUY", 5 * SHARE, 100_000, ("LIMIT", "DAY")))] * 3
    steps += [(0, ("fill", 0, "all", 100_000)), (0, ("replace", 0, 9 * SHARE, None)), (0, ("end", 0, c.ExpireOrder))]
    world = lived(steps)
    check_against_the_aggregate(one_pass(world.commits), ACCOUNTS[0], world.accounts[ACCOUNTS[0]])
    kind = next(kind for kind in account_summary._CHANGES if kind.__name__ == event)
    monkeypatch.setitem(account_summary._CHANGES, kind, account_summary._refused)
    with pytest.raises(AssertionError):
        check_against_the_aggregate(one_pass(world.commits), ACCOUNTS[0], world.accounts[ACCOUNTS[0]])


def test_a_trade_that_forgets_what_sells_keep_does_not_go_unnoticed(monkeypatch):
    """Plant the bug: a position is moved on by a trade without having been read."""
    world = lived(
        [
            (0, ("place", "KO", "SELL", 5 * SHARE, 100_000, ("LIMIT", "DAY"))),
            (0, ("trade", "KO", "BUY", SHARE, 100_000)),
        ]
    )

    def rows_in_two_slices():
        tables = Tables()
        tables.project(world.commits[:-1])
        tables.project(world.commits[-1:])
        return tables.rows()

    assert rows_in_two_slices() == one_pass(world.commits).rows()
    planted = Touched(positions=set(), order_ids=set())
    monkeypatch.setattr("readmodels.tests.unit.test_projection_model.touched_by", lambda *_: planted)
    assert rows_in_two_slices() != one_pass(world.commits).rows(), "one pass has nothing to read"
