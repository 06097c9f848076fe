"""What an account should be, said as plainly as possible: decimals, dictionaries and a list of trades.

Quantities are shares, with decimals.

Slow and obvious on purpose: every figure is added up again from the list each time. It shares no code with the domain.
"""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, getcontext
from fractions import Fraction

getcontext().prec = 60
UNIT = Decimal("0.0001")
CUSHION = Decimal("1.04")


def decimal(units):
    return Decimal(units) * UNIT


def shares(millionths):
    return Decimal(millionths) / 1_000_000


def worth(quantity, price):
    return (quantity * price).quantize(UNIT, ROUND_HALF_EVEN)


class Model:
    def __init__(self):
        self.status = "ACTIVE"
        self.deposits, self.withdrawals = [], []
        self.facts = []  # ("TRADE", day, symbol, side, quantity, price, fee) and what a company did, see `walk`
        self.orders = {}  # order id -> its terms, "filled", "value" (of that) and "each" (what is reserved for a share)
        self.share, self.per_day, self.per_trade = Decimal("0.1"), Decimal(1_000_000), Decimal(100_000)
        self.band = Decimal("0.1")
        self.per_order, self.per_share, self.part, self.minimum = Decimal(0), Decimal(0), Decimal(0), Decimal(0)

    # What it is.

    @property
    def trades(self):
        return [fact[1:] for fact in self.facts if fact[0] == "TRADE"]

    @property
    def cash(self):
        flows = sum(
            worth(quantity, price) * (1 if side == "SELL" else -1) - fee
            for _, _, side, quantity, price, fee in self.trades
        )
        _, brought = self.walk()
        return sum(self.deposits) - sum(self.withdrawals) + flows + sum(cash for *_, cash, _ in brought)

    def walk(self):
        """The positions, [shares, cost, profit, mark] by symbol, and what each fact brought: (kind, day, cash, profit).

        Average cost: what goes takes its part of the cost along, rounded down to the unit. The cash of a trade is not
        here.
        """
        held, brought = {}, []
        for kind, day, symbol, *terms in self.facts:
            position = held.setdefault(symbol, [Decimal(0), Decimal(0), Decimal(0), Decimal(0)])
            quantity, cost, profit, mark = position
            cash, gained = Decimal(0), Decimal(0)
            if kind == "TRADE":
                side, traded, price, fee = terms
                if side == "BUY":
                    position[:2] = quantity + traded, cost + worth(traded, price) + fee
                else:
                    part = (cost * traded / quantity).quantize(UNIT, "ROUND_DOWN")
                    gained = worth(traded, price) - fee - part
                    position[:2] = quantity - traded, cost - part
                position[3] = price
            elif kind == "SPLIT":
                numerator, denominator, lot, price = terms
                new = Fraction(quantity) * numerator / denominator
                kept = new // lot * lot
                cash = decimal(round((new - kept) * Fraction(price) * 10_000))
                part = cost if kept == 0 else decimal(int(Fraction(cost) * 10_000 * (new - kept) / new)) if price else 0
                gained = cash - part
                position[:2] = Decimal(kept.numerator) / kept.denominator, cost - part
                position[3] = decimal(round(Fraction(mark) * 10_000 * denominator / numerator))
            elif kind == "DIVIDEND":
                cash = decimal(round(Fraction(quantity) * terms[0] * 10_000))
            elif kind == "RENAME":
                other = held.setdefault(terms[0], [Decimal(0), Decimal(0), Decimal(0), Decimal(0)])
                other[3] = other[3] if other[0] else mark
                other[0], other[1] = other[0] + quantity, other[1] + cost
                position[0], position[1], position[3] = Decimal(0), Decimal(0), other[3]
            elif kind == "MARK":
                position[3] = terms[0]
            position[2] = profit + gained
            brought.append((kind, day, cash, gained))
        return held, brought

    def position(self, symbol):
        return self.walk()[0].get(symbol, (0, Decimal(0), Decimal(0), Decimal(0)))

    def held(self, symbol):
        return self.position(symbol)[0]

    def mark(self, symbol):
        return self.position(symbol)[3]

    @property
    def symbols(self):
        return self.walk()[0].keys()

    @property
    def last_day(self):
        """The last day with a trade or a split."""
        return next((day for kind, day, *_ in reversed(self.facts) if kind in ("TRADE", "SPLIT")), None)

    def dividends(self, of_day=None):
        return sum(
            cash for kind, day, cash, _ in self.walk()[1] if kind == "DIVIDEND" and (of_day is None or day == of_day)
        )

    def realized(self, of_day):
        return sum(gained for _, day, _, gained in self.walk()[1] if day == of_day)

    @property
    def worth(self):
        return self.cash + sum(worth(quantity, mark) for quantity, _, _, mark in self.walk()[0].values())

    def volume(self, day):
        return sum(worth(quantity, price) for d, _, _, quantity, price, _ in self.trades if d == day)

    def fee(self, quantity, value, order=None):
        """What is due once more of an order is filled, less what was due before, by the schedule of now."""
        before, paid = (order["filled"], order["value"]) if order is not None else (0, Decimal(0))
        return self.due(before + quantity, paid + value) - self.due(before, paid)

    def due(self, quantity, value):
        if quantity == 0:
            return Decimal(0)
        return self.per_order + max(self.minimum, worth(quantity, self.per_share) + worth(value, self.part))

    def left(self, order_id):
        return self.orders[order_id]["quantity"] - self.orders[order_id]["filled"]

    def kept(self, order_id, filled=0):
        """The cash that a working buy keeps once so much more of it is filled."""
        return ((self.left(order_id) - filled) * self.orders[order_id]["each"]).quantize(UNIT, ROUND_CEILING)

    def reserved_cash(self, without=None):
        return sum(
            self.kept(order_id)
            for order_id, order in self.orders.items()
            if order["side"] == "BUY" and order_id != without
        )

    def reserved_shares(self, symbol, without=None):
        return sum(
            self.left(order_id)
            for order_id, order in self.orders.items()
            if order["side"] == "SELL" and order["symbol"] == symbol and order_id != without
        )

    # What it refuses.

    def refuses(self, day, symbol, side, quantity, price, *, cost, fee, cash, shares, no_more_than=(0, -1, -1)):
        """`no_more_than` is what may be stretched however the limits are: a value, a day's volume and a share."""
        most_value, most_volume, most_share = no_more_than
        value, volume, share = self.measures(day, symbol, quantity, price)
        if value == 0:
            return "VALUE_TOO_SMALL"
        if value > max(self.per_trade, most_value):
            return "TRADE_LIMIT_EXCEEDED"
        if volume > max(self.per_day, most_volume):
            return "DAILY_LIMIT_EXCEEDED"
        if side == "SELL":
            if quantity > shares:
                return "INSUFFICIENT_POSITION"
            return "INSUFFICIENT_FUNDS" if fee > cash + value else None
        if cost + fee > cash:
            return "INSUFFICIENT_FUNDS"
        return "POSITION_LIMIT_EXCEEDED" if share > max(Fraction(self.share), most_share) else None

    def measures(self, day, symbol, quantity, price):
        """What the limits measure of a trade: its value, the day's volume with it, the share of the portfolio."""
        value, held = worth(quantity, price), self.held(symbol)
        portfolio = self.worth - worth(held, self.mark(symbol)) + worth(held, price)
        share = Fraction(worth(held + quantity, price)) / Fraction(portfolio) if portfolio else Fraction(10**9)
        return value, self.volume(day) + value, share

    def refuses_trade(self, day, symbol, side, quantity, price, market, order_id=None):
        if order_id is None and market and self.band and abs(price - market) / market > self.band:
            return "PRICE_BEYOND_BAND"
        cash, shares = self.cash - self.reserved_cash(), self.held(symbol) - self.reserved_shares(symbol)
        if order_id is not None:
            if order_id not in self.orders:
                return "ORDER_NOT_OPEN"
            order = self.orders[order_id]
            if (order["symbol"], order["side"]) != (symbol, side):
                return "FILL_NOT_OF_ORDER"
            if quantity > self.left(order_id):
                return "ORDER_QUANTITY_EXCEEDED"
            if order["time_in_force"] == "FOK" and quantity != self.left(order_id):
                return "FILL_NOT_COMPLETE"
            stop, limit = order["stop"], order["limit"]
            if stop is not None and order["filled"] == 0 and (price < stop if side == "BUY" else price > stop):
                return "ORDER_NOT_TRIGGERED"
            if limit is not None and ((side == "BUY" and price > limit) or (side == "SELL" and price < limit)):
                return "PRICE_BEYOND_LIMIT"
            cash += self.kept(order_id) - self.kept(order_id, quantity) if side == "BUY" else 0
            shares += quantity if side == "SELL" else 0
        value = worth(quantity, price)
        fee = self.fee(quantity, value, self.orders.get(order_id))
        return self.refuses(day, symbol, side, quantity, price, cost=value, fee=fee, cash=cash, shares=shares)

    def order(self, symbol, side, quantity, order_type, time_in_force, limit, stop, market, *, client):
        """An order by its terms; a buy that no limit holds keeps four percent more than what it is reckoned at."""
        price = limit if limit is not None else stop if stop is not None else market
        has_cushion = side == "BUY" and order_type in ("MARKET", "STOP")
        each = (price * CUSHION).quantize(UNIT, ROUND_CEILING) if has_cushion else price
        return {
            "symbol": symbol, "side": side, "quantity": quantity, "type": order_type, "time_in_force": time_in_force,
            "limit": limit, "stop": stop, "each": each, "price": price, "client": client, "filled": 0,
            "value": Decimal(0),
        }  # fmt: skip

    def book(self, order_id, quantity, price):
        """A fill: what is left of an order that is filled, or that is immediate, works no more. Returns its status."""
        order = self.orders[order_id]
        order["filled"] += quantity
        order["value"] += worth(quantity, price)
        if self.left(order_id) == 0:
            del self.orders[order_id]
            return "FILLED"
        if order["time_in_force"] == "IOC":
            del self.orders[order_id]
            return "EXPIRED"
        return "PARTIALLY_FILLED"

    def refuses_order(self, day, order_id, order, *, instead_of=None):
        if order_id in self.orders:
            return "DUPLICATE_ORDER_ID"
        if order["client"] in [each["client"] for each in self.orders.values()]:
            return "DUPLICATE_CLIENT_ORDER_ID"
        return None if instead_of is not None else self.refuses_risk(day, order)

    def refuses_risk(self, day, order, *, instead_of=None):
        """An order in the place of another one may come to what that one comes to now, however the limits are."""
        left, stands = order["quantity"] - order["filled"], (0, -1, -1)
        if instead_of is not None:
            old = self.orders[instead_of]
            stands = self.measures(day, old["symbol"], self.left(instead_of), old["price"])
        return self.refuses(
            day,
            order["symbol"],
            order["side"],
            left,
            order["price"],
            cost=(left * order["each"]).quantize(UNIT, ROUND_CEILING),
            fee=self.fee(left, worth(left, order["price"]), order),
            cash=self.cash - self.reserved_cash(without=instead_of),
            shares=self.held(order["symbol"]) - self.reserved_shares(order["symbol"], without=instead_of),
            no_more_than=stands,
        )
