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
        self.trades = []  # (day, symbol, side, quantity, price, fee)
        self.orders = {}  # order id -> its terms, "filled", "value" (of that) and "each" (what is reserved for a share)
        self.share, self.per_day, self.per_trade = Decimal("0.1"), Decimal(1_000_000), Decimal(100_000)
        self.band = Decimal("0.1")
        self.per_order, self.per_share, self.part, self.minimum = Decimal(0), Decimal(0), Decimal(0), Decimal(0)

    # What it is.

    @property
    def cash(self):
        flows = sum(
            worth(quantity, price) * (1 if side == "SELL" else -1) - fee
            for _, _, side, quantity, price, fee in self.trades
        )
        return sum(self.deposits) - sum(self.withdrawals) + flows

    def held(self, symbol):
        return sum(q * (1 if side == "BUY" else -1) for _, s, side, q, _, _ in self.trades if s == symbol)

    def mark(self, symbol):
        return next((price for _, s, _, _, price, _ in reversed(self.trades) if s == symbol), Decimal(0))

    def cost_and_profit(self, symbol):
        """Average cost: a sale takes its part of the cost along, rounded down to the unit."""
        quantity, cost, profit = 0, Decimal(0), Decimal(0)
        for _, s, side, traded, price, fee in self.trades:
            if s != symbol:
                continue
            if side == "BUY":
                quantity, cost = quantity + traded, cost + worth(traded, price) + fee
            else:
                part = (cost * traded / quantity).quantize(UNIT, "ROUND_DOWN")
                quantity, cost, profit = quantity - traded, cost - part, profit + worth(traded, price) - fee - part
        return cost, profit

    @property
    def symbols(self):
        return {symbol for _, symbol, *_ in self.trades}

    @property
    def worth(self):
        return self.cash + sum(worth(self.held(symbol), self.mark(symbol)) for symbol in self.symbols)

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
