"""Any sequence of commands against the obvious model: every verdict and every figure is the model's, to the unit."""

from copy import copy, deepcopy
from decimal import Decimal
from fractions import Fraction
from itertools import count

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.domain import account as account_module
from accounts.domain import commands as c
from accounts.domain import corporate_actions, fees, orders, risk, state, trades
from accounts.domain import events as e
from accounts.domain.account import decide, evolve
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.state import Account, Order
from accounts.domain.values import SHARE, value_rounded_up
from accounts.tests.unit.domain.model import Model, decimal, shares, worth
from accounts.tests.unit.domain.scenario import DAY

SYMBOLS = st.sampled_from(["KO", "XOM", "PG"])
SIDES = st.sampled_from(["BUY", "SELL"])
MONEY = st.integers(1, 10**9)
WHOLE = (st.integers(1, 20) | st.integers(1, 300)).map(lambda number: number * SHARE)
HALVES = st.integers(1, 300).map(lambda number: number * SHARE // 2)
QUANTITIES = WHOLE | WHOLE | HALVES | st.integers(1, 300 * SHARE) | st.integers(1, 1_000)
"""Millionths of a share: mostly whole shares, halves whose value is a tie, any part, a few next to nothing."""
PRICES = st.integers(1, 3_000) | st.integers(1, 300_000)
APART = st.none() | st.integers(-1_500, 1_500) | st.integers(-12_000, 12_000)
"""How far the market's price is from a trade's, in basis points of that."""
ORDER_IDS = st.sampled_from([f"order-{number}" for number in range(8)])
CLIENT_IDS = st.sampled_from([f"client-{number}" for number in range(8)])
TERMS = {
    "MARKET": st.tuples(st.sampled_from(["DAY", "GTC", "IOC", "FOK"]), st.none(), st.none()),
    "LIMIT": st.tuples(st.sampled_from(["DAY", "GTC", "IOC", "FOK"]), PRICES, st.none()),
    "STOP": st.tuples(st.sampled_from(["DAY", "GTC"]), st.none(), PRICES),
    "STOP_LIMIT": st.tuples(st.sampled_from(["DAY", "GTC"]), PRICES, PRICES),
}


class Accounts(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.account, self.model, self.now, self.fresh = Account(), Model(), 20_000 * DAY, count()
        self.execute(c.OpenAccount("ada", "Savings", "USD"))

    @initialize(data=st.data(), amount=st.integers(10**6, 10**10), held=WHOLE)
    def begin_with_something(self, data, amount, held):
        """Most histories begin with room to trade and two orders, or nearly everything would be refused."""
        self.deposit(amount)
        self.change_limits(10_000, 10**12, 10**11)
        self.book("KO", "BUY", held, 1_000, None)
        self.book("XOM", "BUY", held, 1_000, None)
        for side in ("BUY", "SELL"):
            self.place_by(data, *self.fresh_ids(), "KO", side, held)

    def fresh_ids(self):
        number = next(self.fresh)
        return f"fresh-order-{number}", f"fresh-client-{number}"

    def known(self, data):
        """An order id, mostly one of an order that works, and rather of one that is partly filled."""
        working = sorted(self.model.orders)
        partly = [order_id for order_id in working if self.model.orders[order_id]["filled"]]
        working = partly if partly and data.draw(st.booleans()) else working
        return data.draw(st.sampled_from(working) if working and data.draw(st.integers(0, 5)) else ORDER_IDS)

    @property
    def day(self):
        return self.now // DAY

    def execute(self, command):
        """Return the events, or the code of the refusal."""
        events = decide(self.account, command, self.now)
        for event in events:
            evolve(self.account, event)
        return events[0].code if isinstance(events[0], e.CommandRefused) else events

    def expects(self, command, code):
        """Execute; return the events, None when the model and the account refuse it for the same reason."""
        found = self.execute(command)
        if code is None and self.model.status == "FROZEN" and type(command) not in (c.CancelOrder, c.ExpireOrder):
            code = "ACCOUNT_NOT_ACTIVE"
        assert (found if isinstance(found, str) else None) == code
        return None if isinstance(found, str) else found

    def verdict(self, code):
        return "ACCOUNT_NOT_ACTIVE" if self.model.status == "FROZEN" else code

    @rule(quarters=st.integers(1, 5))
    def time_passes(self, quarters):
        self.now += quarters * DAY // 4

    @rule(amount=MONEY)
    def deposit(self, amount):
        if self.expects(c.DepositCash(amount, ""), self.verdict(None)):
            self.model.deposits.append(decimal(amount))

    @rule(amount=MONEY)
    def withdraw(self, amount):
        available = self.model.cash - self.model.reserved_cash()
        code = "INSUFFICIENT_FUNDS" if decimal(amount) > available else None
        if self.expects(c.WithdrawCash(amount, ""), self.verdict(code)):
            self.model.withdrawals.append(decimal(amount))

    @rule(
        share=st.sampled_from([100, 1_000, 5_000, 10_000, 10_000]),
        per_day=st.sampled_from([10**7, 10**9, 10**12]),
        per_trade=st.sampled_from([10**6, 10**9, 10**11]),
        band=st.sampled_from([0, 1, 500, 1_000, 10_000]),
    )
    def change_limits(self, share, per_day, per_trade, band=1_000):
        assert self.execute(c.ChangeRiskLimits(share, per_day, per_trade, band)) == (
            e.RiskLimitsChanged(share, per_day, per_trade, band),
        )
        model = self.model
        model.band = Decimal(band) / 10_000
        model.share, model.per_day, model.per_trade = Decimal(share) / 10_000, decimal(per_day), decimal(per_trade)

    @rule(
        per_order=st.sampled_from([0, 1, 10_000, 10**7]),
        per_share=st.sampled_from([0, 1, 35, 5_000]),
        basis_points=st.sampled_from([0, 1, 25, 10_000]),
        minimum=st.sampled_from([0, 3, 10_000]),
    )
    def change_fees(self, per_order, per_share, basis_points, minimum):
        schedule = (per_order, per_share, basis_points, minimum)
        assert self.execute(c.ChangeFeeSchedule(*schedule)) == (e.FeeScheduleChanged(*schedule),)
        model = self.model
        model.per_order, model.per_share, model.minimum = decimal(per_order), decimal(per_share), decimal(minimum)
        model.part = Decimal(basis_points) / 10_000

    @rule(is_meant=st.integers(0, 5).map(lambda number: number == 0))
    def freeze_or_unfreeze(self, is_meant):
        if self.model.status == "ACTIVE" and not is_meant:
            return
        if self.model.status == "FROZEN":
            self.execute(c.UnfreezeAccount("done"))
            self.model.status = "ACTIVE"
        else:
            self.execute(c.FreezeAccount("audit"))
            self.model.status = "FROZEN"

    @rule(symbol=SYMBOLS, side=SIDES, quantity=QUANTITIES, price=PRICES, apart=APART)
    def trade(self, symbol, side, quantity, price, apart):
        """At about the market's price, or what is none's."""
        market = 0 if apart is None else max(price + price * apart // 10_000, 1)
        self.book(symbol, side, quantity, price, None, market=market)

    @rule(symbol=SYMBOLS, side=SIDES, market=PRICES, beyond=st.integers(-1, 1), is_above=st.booleans())
    def trade_at_the_edge_of_the_band(self, symbol, side, market, beyond, is_above):
        """To the unit: at the farthest price, next to it, and just beyond it."""
        width = int(self.model.band * market) + beyond
        self.book(symbol, side, SHARE, market + width if is_above else market - width, None, market=market)

    @rule(symbol=SYMBOLS, side=SIDES, beyond=st.integers(0, 1))
    def trade_all_there_is(self, symbol, side, beyond):
        """To the unit of cash, or to the share: what is reserved is just out of reach."""
        if side == "BUY":
            room = self.model.cash - self.model.reserved_cash()
            price = room - self.model.fee(Decimal(1), room)  # All of it, unless the part of the value decides the fee.
            self.book(symbol, side, SHARE, max(int(price * 10_000) + beyond, 0), None)
        else:
            left = self.model.held(symbol) - self.model.reserved_shares(symbol)
            self.book(symbol, side, int(left * SHARE) + beyond, 1_000, None)

    @rule(data=st.data(), quantity=QUANTITIES, price=PRICES)
    def fill(self, data, quantity, price):
        """Mostly what the order asks for, so that fills happen; now and then something else."""
        order_id = self.known(data)
        order = self.model.orders.get(order_id)
        symbol, side = data.draw(SYMBOLS), data.draw(SIDES)
        if order is not None and data.draw(st.integers(0, 4)):
            symbol, side = order["symbol"], order["side"]
            left = int(self.model.left(order_id) * SHARE)
            quantity = data.draw(st.just(left) | st.integers(1, left))
            at = order["stop"] if order["stop"] is not None and data.draw(st.booleans()) else None
            price = int((at or order["limit"] or order["price"]) * 10_000)
        self.book(symbol, side, quantity, price, order_id, market=data.draw(PRICES))

    def book(self, symbol, side, quantity, price, order_id, market=0):
        if quantity == 0 or price <= 0:
            return
        facts = (self.day, symbol, side, shares(quantity), decimal(price))
        code = self.model.refuses_trade(*facts, decimal(market), order_id)
        events = self.expects(c.ExecuteTrade(symbol, side, quantity, price, order_id, market), self.verdict(code))
        if events is None:
            return
        value = worth(shares(quantity), decimal(price))
        fee = self.model.fee(shares(quantity), value, self.model.orders.get(order_id))
        assert (decimal(events[0].fee), fee >= 0) == (fee, True)
        self.model.facts.append(("TRADE", *facts, fee))
        if order_id is not None:
            order = self.model.orders[order_id]
            status = self.model.book(order_id, shares(quantity), decimal(price))
            assert shares(events[1].filled_quantity) == order["filled"]
            assert events[1].status == ("FILLED" if status == "FILLED" else "PARTIALLY_FILLED")
            assert [type(event) for event in events[2:]] == ([e.OrderExpired] if status == "EXPIRED" else [])

    @rule(data=st.data(), order_id=ORDER_IDS, client=CLIENT_IDS, symbol=SYMBOLS, side=SIDES, quantity=QUANTITIES)
    def place(self, data, order_id, client, symbol, side, quantity):
        if data.draw(st.integers(0, 3)):
            order_id, client = self.fresh_ids()
        self.place_by(data, order_id, client, symbol, side, quantity)

    def place_by(self, data, order_id, client, symbol, side, quantity):
        order_type = data.draw(st.sampled_from(sorted(TERMS)))
        time_in_force, limit, stop = data.draw(TERMS[order_type])
        market = data.draw(PRICES)
        terms = (symbol, side, quantity, order_type, time_in_force)
        order = self.model.order(
            symbol,
            side,
            shares(quantity),
            order_type,
            time_in_force,
            limit and decimal(limit),
            stop and decimal(stop),
            decimal(market),
            client=client,
        )
        code = self.model.refuses_order(self.day, order_id, order)
        if self.expects(c.PlaceOrder(order_id, client, *terms, limit, stop, market), self.verdict(code)):
            self.model.orders[order_id] = order

    @rule(data=st.data(), new_id=ORDER_IDS, client=CLIENT_IDS, kind=st.integers(0, 3), about=st.integers(-1, 1))
    def replace(self, data, new_id, client, kind, about):
        """By anything, by about as much as a trade may be, or by about as much as it is under a lowered limit."""
        order_id, model = self.known(data), self.model
        order = model.orders.get(order_id)
        if kind:
            new_id, client = self.fresh_ids()
        limits = [int(model.share * 10_000), int(model.per_day * 10_000), int(model.per_trade * 10_000)]
        if order is None or kind == 0:
            self.replace_by(data, order_id, new_id, client, data.draw(st.none() | QUANTITIES))
        elif kind == 1:
            most = int((order["filled"] + model.per_trade // order["price"]) * SHARE)
            self.replace_by(data, order_id, new_id, client, max(most + about, 1))
        else:
            lowered = data.draw(st.integers(0, 2))
            self.change_limits(*[1 if place == lowered else limit for place, limit in enumerate(limits)])
            self.replace_by(data, order_id, new_id, client, max(int(order["quantity"] * SHARE) + about, 1))
            self.change_limits(*limits)

    def replace_by(self, data, order_id, new_id, client, quantity):
        old = self.model.orders.get(order_id)
        time_in_force = data.draw(st.sampled_from([None, "DAY", "GTC", "IOC", "FOK"]))
        has_limit, has_stop = old is not None and old["limit"] is not None, old is not None and old["stop"] is not None
        limit = data.draw(st.none() | PRICES if has_limit else st.none())
        stop = data.draw(st.none() | PRICES if has_stop else st.none())
        command = c.ReplaceOrder(order_id, new_id, client, quantity, time_in_force, limit, stop)
        code, new = self.replacement(old, order_id, new_id, client, quantity, time_in_force, limit, stop)
        if self.expects(command, self.verdict(code)):
            del self.model.orders[order_id]
            self.model.orders[new_id] = new

    def replacement(self, old, order_id, new_id, client, quantity, time_in_force, limit, stop):
        if old is None:
            return "ORDER_NOT_OPEN", None
        new = self.model.order(
            old["symbol"], old["side"], shares(quantity) if quantity else old["quantity"], old["type"],
            time_in_force or old["time_in_force"],
            decimal(limit) if limit else old["limit"], decimal(stop) if stop else old["stop"], old["price"],
            client=client,
        )  # fmt: skip
        new["filled"], new["value"] = old["filled"], old["value"]
        if new["type"] == "MARKET":
            new["each"] = old["each"]
        code = self.model.refuses_order(self.day, new_id, new, instead_of=order_id)
        terms = ("quantity", "time_in_force", "limit", "stop")
        if code is None and all(new[term] == old[term] for term in terms):
            code = "ORDER_UNCHANGED"
        if code is None and new["quantity"] <= old["filled"]:
            code = "ORDER_QUANTITY_FILLED"
        if code is None and new["stop"] is not None:
            code = self.replaced_stop(old, new)
        return code or self.model.refuses_risk(self.day, new, instead_of=order_id), new

    def replaced_stop(self, old, new):
        if new["time_in_force"] in ("IOC", "FOK"):
            return "INVALID_TIME_IN_FORCE"
        if old["filled"]:
            return None if new["stop"] == old["stop"] else "ORDER_TRIGGERED"
        if new["limit"] is None:
            return None
        lowest, highest = (new["stop"], new["limit"]) if new["side"] == "BUY" else (new["limit"], new["stop"])
        return None if lowest <= highest else "INVALID_STOP_LIMIT"

    @rule(data=st.data(), is_cancel=st.booleans())
    def end(self, data, is_cancel):
        order_id = self.known(data)
        order = self.model.orders.get(order_id)
        code = "ORDER_NOT_OPEN" if order is None else None
        if order is not None and not is_cancel and order["time_in_force"] == "GTC":
            code = "ORDER_NOT_EXPIRING"
        if self.expects((c.CancelOrder if is_cancel else c.ExpireOrder)(order_id, ""), code):
            del self.model.orders[order_id]

    def acts(self, command, code):
        """Execute what a company does, frozen or not; tell whether it did. What it cannot do is not recorded."""
        before, found = deepcopy(self.account), None
        try:
            self.execute(command)
        except CommandInvalid as error:
            found = error.code
        assert found == code
        assert code is None or self.account == before
        return code is None

    def in_the_way(self, symbol):
        if self.model.held(symbol) == 0:
            return "POSITION_NOT_HELD"
        works = any(order["symbol"] == symbol for order in self.model.orders.values())
        return "SYMBOL_HAS_ORDERS" if works else None

    def cancel_orders(self, symbol):
        for order_id, order in list(self.model.orders.items()):
            if order["symbol"] == symbol:
                assert self.expects(c.CancelOrder(order_id, "split"), None)
                del self.model.orders[order_id]

    @rule(
        symbol=SYMBOLS,
        numerator=st.integers(1, 20),
        denominator=st.integers(1, 20) | st.integers(1, 1_000),
        lot=st.sampled_from([SHARE, SHARE, 1_000, 1]),
        price=st.just(0) | PRICES,
        is_prepared=st.booleans(),
    )
    def split(self, symbol, numerator, denominator, lot, price, is_prepared):
        if is_prepared:
            self.cancel_orders(symbol)
        code = self.in_the_way(symbol)
        if code is None and self.model.held(symbol) * numerator / denominator >= 10**12 + 1:
            code = "QUANTITY_LIMIT_EXCEEDED"
        if self.acts(c.ApplySplit("a-1", symbol, numerator, denominator, lot, price), code):
            step = Fraction(lot if price else 1, SHARE)
            self.model.facts.append(("SPLIT", self.day, symbol, numerator, denominator, step, decimal(price)))

    @rule(symbol=SYMBOLS, per_share=st.integers(1, 10**6) | st.integers(1, 10**9))
    def pay_dividend(self, symbol, per_share):
        code = "POSITION_NOT_HELD" if self.model.held(symbol) == 0 else None
        if self.acts(c.PayDividend("a-2", symbol, per_share), code):
            self.model.facts.append(("DIVIDEND", self.day, symbol, Fraction(per_share, 10**8)))

    @rule(symbol=SYMBOLS, new_symbol=SYMBOLS, is_prepared=st.booleans())
    def change_symbol(self, symbol, new_symbol, is_prepared):
        if is_prepared:
            self.cancel_orders(symbol)
        code = "INVALID_ENTRY" if new_symbol == symbol else self.in_the_way(symbol)
        if self.acts(c.ChangeSymbol("a-3", symbol, new_symbol), code):
            self.model.facts.append(("RENAME", self.day, symbol, new_symbol))

    @rule(prices=st.dictionaries(SYMBOLS, PRICES), is_again=st.booleans())
    def mark(self, prices, is_again):
        """At the close of the day, or of the one that was marked last; some of what is held, or none of it."""
        session = self.account.marked_session if is_again else self.day
        held = {symbol: price for symbol, price in prices.items() if self.model.held(symbol)}
        code = "SESSION_ALREADY_MARKED" if session == self.account.marked_session else None
        if self.acts(c.MarkPositions(session, self.now, prices), code or (None if held else "POSITION_NOT_HELD")):
            for symbol, price in held.items():
                self.model.facts.append(("MARK", self.day, symbol, decimal(price)))

    @rule()
    def close(self):
        """Only tried when it must be refused: nothing happens to a closed account any more."""
        held = any(self.model.held(symbol) for symbol in self.model.symbols)
        codes = {
            "ACCOUNT_HAS_ORDERS": bool(self.model.orders),
            "ACCOUNT_HAS_POSITIONS": held,
            "ACCOUNT_HAS_CASH": self.model.cash != 0,
        }
        code = next((code for code, applies in codes.items() if applies), None)
        if code is not None:
            assert self.expects(c.CloseAccount("moved"), self.verdict(code)) is None

    @invariant()
    def every_figure_is_the_models(self):
        account, model = self.account, self.model
        assert decimal(account.cash) == model.cash
        assert account.positions.keys() == model.symbols
        for symbol, position in account.positions.items():
            quantity, cost, profit, mark = model.position(symbol)
            assert (shares(position.quantity), decimal(position.cost)) == (quantity, cost)
            assert (decimal(position.mark), decimal(position.realized_pnl)) == (mark, profit)
        assert decimal(account.portfolio_value) == model.worth
        assert decimal(account.reserved_cash) == model.reserved_cash()
        reserved = {symbol: model.reserved_shares(symbol) for symbol in model.symbols}
        assert {symbol: shares(count) for symbol, count in account.reserved_shares.items()} == {
            symbol: count for symbol, count in reserved.items() if count
        }
        assert {order_id: shares(order.remaining) for order_id, order in account.orders.items()} == {
            order_id: model.left(order_id) for order_id in model.orders
        }
        assert account.trade_count == len(model.trades)
        assert decimal(account.fees) == sum(trade[-1] for trade in model.trades)
        assert decimal(account.dividends) == model.dividends()
        assert decimal(account.day_dividends) == model.dividends(account.dividend_day)
        if model.facts and model.last_day is not None:
            last_day = model.last_day
            assert account.day == last_day
            assert decimal(account.day_realized_pnl) == model.realized(last_day)
            assert decimal(account.day_volume) == model.volume(last_day)
            assert account.day_trades == sum(day == last_day for day, *_ in model.trades)

    @invariant()
    def nothing_is_lost_and_nothing_is_promised_twice(self):
        account = self.account
        cost = sum(position.cost for position in account.positions.values())
        came = account.deposited - account.withdrawn + account.dividends
        assert came == account.cash + cost - account.realized_pnl
        assert account.realized_pnl == sum(position.realized_pnl for position in account.positions.values())
        assert account.positions_cost == cost
        assert 0 <= account.reserved_cash <= account.cash
        for symbol, kept in account.reserved_shares.items():
            assert 0 < kept <= account.positions[symbol].quantity
        assert all(position.cost == 0 for position in account.positions.values() if position.quantity == 0)


SETTINGS = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_every_verdict_and_every_figure_is_the_models():
    run_state_machine_as_test(Accounts, settings=SETTINGS)


def forgets_to_free_what_was_filled(monkeypatch):
    fill = orders.fill

    def forgetful(account, *rest):
        filled, *ended = fill(account, *rest)
        return msgspec.structs.replace(filled, reserved_cash=account.reserved_cash), *ended

    monkeypatch.setattr(orders, "fill", forgetful)


def opens_what_was_filled_again(monkeypatch):
    replace = orders.replace

    def forgetful(account, command, now):
        decided = replace(account, command, now)
        if not isinstance(decided, risk.Breach):
            return decided[0], msgspec.structs.replace(decided[1], filled_quantity=0)
        return decided

    monkeypatch.setattr(orders, "replace", forgetful)


def fills_a_part_of_fill_or_kill(monkeypatch):
    breach = orders.fill_breach
    monkeypatch.setattr(
        orders,
        "fill_breach",
        lambda order, trade: breach(order and order._replace(time_in_force="DAY"), trade),
    )


def lets_the_rest_of_an_immediate_order_work(monkeypatch):
    fill = orders.fill
    monkeypatch.setattr(orders, "fill", lambda *given: fill(*given)[:1])


def fills_a_stop_that_the_market_has_not_reached(monkeypatch):
    monkeypatch.setattr(Order, "is_triggered", True)


def waits_for_the_stop_again_after_a_fill(monkeypatch):
    monkeypatch.setattr(Order, "is_triggered", property(lambda order: order.stop_price is None))


def judges_a_replacement_as_if_it_were_new(monkeypatch):
    monkeypatch.setattr(orders, "rules_not_stretched", lambda *_, **__: 0)


def judges_no_replacement_at_all(monkeypatch):
    every = 1 << risk.TRADE_LIMIT | 1 << risk.DAILY_LIMIT | 1 << risk.POSITION_LIMIT
    monkeypatch.setattr(orders, "rules_not_stretched", lambda *_, **__: every)


def judges_a_replacement_with_the_cushion(monkeypatch):
    monkeypatch.setattr(orders, "market_price_of", lambda is_buy, reserve_price: reserve_price)


def reserves_without_a_cushion(monkeypatch):
    monkeypatch.setattr(orders, "reserve_price", lambda side, order_type, price: price)


def frees_shares_of_another_symbol(monkeypatch):
    def end(account, event):
        account.orders.pop(event.order_id, None)
        account.reserved_cash = event.reserved_cash
        account.reserved_shares.clear()

    monkeypatch.setitem(account_module._EVOLVE, e.OrderCancelled, end)


def spends_what_is_reserved(monkeypatch):
    breach = risk.trade_breach

    def generous(account, *given):
        other = copy(account)
        other.reserved_cash = 0
        return breach(other, *given)

    monkeypatch.setattr(risk, "trade_breach", generous)


def loses_a_unit_of_cost(monkeypatch):
    monkeypatch.setattr(trades, "cost_removed", lambda cost, quantity, sold: -(-cost * sold // quantity))


def rounds_half_up(monkeypatch):
    monkeypatch.setattr(trades, "value_of", lambda quantity, price: (quantity * price + SHARE // 2) // SHARE)


def frees_the_cash_of_a_fill_rounded_by_itself(monkeypatch):
    reserved_with = orders.reserved_with

    def by_itself(account, order_id, order, now):
        cash, shares = reserved_with(account, order_id, order, now)
        if now is not None and now.filled_quantity > order.filled_quantity and order.side == "BUY":
            filled = now.filled_quantity - order.filled_quantity
            cash = account.reserved_cash - value_rounded_up(filled, order.reserve_price)
        return cash, shares

    monkeypatch.setattr(orders, "reserved_with", by_itself)


def charges_every_fill_as_an_order(monkeypatch):
    monkeypatch.setattr(state, "fee_of", lambda *given: fees.fee_of(*given[:-2], 0, 0))


def charges_the_minimum_of_every_fill(monkeypatch):
    def fee_of(per_order, per_share, basis_points, minimum, *fill):
        by_fill = fees.fee_of(0, per_share, basis_points, minimum, *fill[:2], 0, 0)
        return by_fill + (per_order if fill[2] == 0 else 0)

    monkeypatch.setattr(state, "fee_of", fee_of)


def rounds_fees_half_up(monkeypatch):
    monkeypatch.setattr(fees, "round_half_even", lambda a, b, c: (2 * a * b + c) // (2 * c))


def judges_a_sale_without_its_fee(monkeypatch):
    breach_of = risk.breach_of
    monkeypatch.setattr(
        risk, "breach_of", lambda is_buy, *given: breach_of(is_buy, *given[:4], given[4] if is_buy else 0, *given[5:])
    )


def judges_an_order_without_its_fee(monkeypatch):
    judged = orders.judged
    monkeypatch.setattr(orders, "judged", lambda *given: judged(*given[:7], 0, *given[8:]))


def judges_an_order_with_the_fee_of_a_new_one(monkeypatch):
    fee = Account.fee
    monkeypatch.setattr(Account, "fee", lambda account, quantity, value, order=None: fee(account, quantity, value))


def leaves_the_fee_out_of_the_cost(monkeypatch):
    effect_of = trades.effect_of

    def without(is_buy, quantity, value, fee, *rest):
        cash, held, cost, realized = effect_of(is_buy, quantity, value, fee, *rest)
        return cash, held, cost - fee if is_buy else cost, realized

    monkeypatch.setattr(trades, "effect_of", without)


def judges_no_price(monkeypatch):
    monkeypatch.setattr(risk, "price_bound", lambda price, market_price, band_bp: price)


def judges_the_price_of_a_fill(monkeypatch):
    breach = risk.trade_breach
    bound = risk.price_bound

    def of_fills_too(account, trade, day, order, *freed):
        farthest = bound(trade.price, trade.market_price, account.price_band_bp)
        if farthest != trade.price:
            return risk.Breach(Code.PRICE_BEYOND_BAND, farthest, trade.price)
        return breach(account, trade, day, order, *freed)

    monkeypatch.setattr(risk, "trade_breach", of_fills_too)


def rounds_the_band_up(monkeypatch):
    def bound(price, market_price, band_bp):
        if band_bp == 0 or market_price == 0:
            return price
        width = -(-market_price * band_bp // 10_000)
        return min(max(price, market_price - width), market_price + width)

    monkeypatch.setattr(risk, "price_bound", bound)


def takes_the_band_of_the_price_itself(monkeypatch):
    bound = risk.price_bound
    monkeypatch.setattr(
        risk, "price_bound", lambda price, market_price, band_bp: bound(price, market_price and price, band_bp)
    )


def leaves_the_cost_of_fractions(monkeypatch):
    monkeypatch.setattr(corporate_actions, "_cost_of_fraction", lambda command, cost, rest, new, kept: 0)


def takes_the_cost_of_fractions_from_what_is_kept(monkeypatch):
    monkeypatch.setattr(
        corporate_actions, "_cost_of_fraction", lambda command, cost, rest, new, kept: cost * rest // new
    )


def keeps_fractions_that_are_paid(monkeypatch):
    split = corporate_actions.apply_split
    monkeypatch.setattr(
        corporate_actions,
        "apply_split",
        lambda account, command, day: split(account, msgspec.structs.replace(command, lot_size=1), day),
    )


def splits_without_the_mark(monkeypatch):
    split = corporate_actions.split

    def forgetful(account, event):
        mark = account.positions[event.symbol].mark
        split(account, msgspec.structs.replace(event, mark=mark))

    monkeypatch.setitem(account_module._EVOLVE, e.SharesSplit, forgetful)


def splits_while_orders_work(monkeypatch):
    monkeypatch.setattr(corporate_actions, "_refuse_with_orders", lambda account, symbol: None)


def forgets_the_day_of_a_split(monkeypatch):
    split = corporate_actions.apply_split

    def forgetful(account, command, day):
        (event,) = split(account, command, day)
        return (msgspec.structs.replace(event, day_realized_pnl=event.realized_pnl),)

    monkeypatch.setattr(corporate_actions, "apply_split", forgetful)


def realizes_dividends(monkeypatch):
    paid = corporate_actions.dividend_paid

    def realizing(account, event):
        paid(account, event)
        account.realized_pnl += event.amount

    monkeypatch.setitem(account_module._EVOLVE, e.DividendPaid, realizing)


def cuts_dividends_off(monkeypatch):
    monkeypatch.setattr(corporate_actions, "round_half_even", lambda a, b, c: a * b // c)


def adds_dividends_of_all_days(monkeypatch):
    pay = corporate_actions.pay_dividend

    def adding(account, command, day):
        (event,) = pay(account, command, day)
        return (msgspec.structs.replace(event, day_dividends=account.day_dividends + event.amount),)

    monkeypatch.setattr(corporate_actions, "pay_dividend", adding)


def takes_the_profit_along_to_the_new_symbol(monkeypatch):
    change = corporate_actions.change_symbol

    def taking(account, command):
        (event,) = change(account, command)
        both = event.position_realized_pnl + event.old_realized_pnl
        return (msgspec.structs.replace(event, position_realized_pnl=both, old_realized_pnl=0),)

    monkeypatch.setattr(corporate_actions, "change_symbol", taking)


def forgets_what_there_was_of_the_new_symbol(monkeypatch):
    change = corporate_actions.change_symbol

    def forgetful(account, command):
        (event,) = change(account, command)
        return (msgspec.structs.replace(event, position_quantity=event.quantity, position_cost=event.cost),)

    monkeypatch.setattr(corporate_actions, "change_symbol", forgetful)


def marks_a_session_again(monkeypatch):
    mark = corporate_actions.mark_positions

    def marking(account, command):
        other = copy(account)
        other.marked_session = 0
        return mark(other, command)

    monkeypatch.setattr(corporate_actions, "mark_positions", marking)


def marks_without_the_value(monkeypatch):
    mark = corporate_actions.mark_positions

    def marking(account, command):
        (event,) = mark(account, command)
        return (msgspec.structs.replace(event, portfolio_value=account.portfolio_value),)

    monkeypatch.setattr(corporate_actions, "mark_positions", marking)


PLANTED = [
    adds_dividends_of_all_days,
    cuts_dividends_off,
    forgets_the_day_of_a_split,
    forgets_what_there_was_of_the_new_symbol,
    keeps_fractions_that_are_paid,
    leaves_the_cost_of_fractions,
    marks_a_session_again,
    marks_without_the_value,
    realizes_dividends,
    splits_while_orders_work,
    splits_without_the_mark,
    takes_the_cost_of_fractions_from_what_is_kept,
    takes_the_profit_along_to_the_new_symbol,
    charges_every_fill_as_an_order,
    charges_the_minimum_of_every_fill,
    fills_a_part_of_fill_or_kill,
    fills_a_stop_that_the_market_has_not_reached,
    forgets_to_free_what_was_filled,
    frees_the_cash_of_a_fill_rounded_by_itself,
    frees_shares_of_another_symbol,
    judges_a_replacement_as_if_it_were_new,
    judges_a_replacement_with_the_cushion,
    judges_a_sale_without_its_fee,
    judges_an_order_with_the_fee_of_a_new_one,
    judges_an_order_without_its_fee,
    judges_no_price,
    judges_no_replacement_at_all,
    judges_the_price_of_a_fill,
    leaves_the_fee_out_of_the_cost,
    lets_the_rest_of_an_immediate_order_work,
    loses_a_unit_of_cost,
    opens_what_was_filled_again,
    reserves_without_a_cushion,
    rounds_fees_half_up,
    rounds_half_up,
    rounds_the_band_up,
    spends_what_is_reserved,
    takes_the_band_of_the_price_itself,
    waits_for_the_stop_again_after_a_fill,
]


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_an_account_that_is_wrong_in_one_point_is_found_out(plant, monkeypatch):
    plant(monkeypatch)
    only_finding = settings(SETTINGS, derandomize=True, max_examples=5_000, phases=[Phase.generate], database=None)
    with pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(Accounts, settings=only_finding)
