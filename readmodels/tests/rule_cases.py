"""Orders and transfers of cash with what the domain makes of them, for the page's estimates to be held to.

Every account goes the way that the page sees it: commands, events, rows, shapes. What is expected is the domain's own
decision, figure for figure: what an order reserves, and what its fill at the price that it is judged by leads to. The
largest quantity and amount are searched for by asking it.

`python -m readmodels.tests.rule_cases` writes frontend/src/testing/rule_cases.json, which is committed.
"""

import copy
import itertools
import json
import random
import uuid
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.account import decide, evolve
from accounts.domain.order_terms import CUSHION_BP, market_price_of, reckoned_price, terms_code
from accounts.domain.orders import OPEN_ORDERS_MAX
from accounts.domain.state import NO_POSITION, Account
from accounts.domain.values import (
    BASIS_POINTS,
    MONEY_MAX,
    POSITION_MAX,
    PRICE_MAX,
    QUANTITY_MAX,
    SCALE,
    SHARE,
    VALUE_MAX,
    format_amount,
    format_quantity,
    value_of,
)
from eventstore.record import Commit
from market.quotes import Quote, QuoteSheet
from market.replay import Phase
from readmodels import shapes
from readmodels.at_market import account_at_market, positions_at_market
from readmodels.reconcile.ledger import Ledger
from readmodels.shapes import account_shape

FILE: Final = Path(__file__).parents[2] / "frontend" / "src" / "testing" / "rule_cases.json"
NOW: Final = 1_768_478_400_000_000  # 2026-01-15T12:00:00Z
DAY: Final = 86_400 * 1_000_000
ACCOUNT_ID: Final = "6f1c3a52-2f0e-4f0e-9d0a-0d6a1f2b3c4d"
OF_ACCOUNT: Final = ("is_complete", "positions_value", "equity", "unrealized_pnl", "day_change")
OF_POSITION: Final = ("price", "price_at", "market_value", "unrealized_pnl", "day_change")
"""What the page makes of the market's prices, too."""
Setup = tuple[int, c.AccountCommand]
"""A command, and how many days ago it was."""


def buy(symbol: str, shares: Fraction | int, price: int) -> c.ExecuteTrade:
    return c.ExecuteTrade(symbol, "BUY", int(shares * SHARE), price, None)


def order(number: int, symbol: str, side: Any, shares: Fraction | int, price: int, kind: Any = "LIMIT") -> c.PlaceOrder:
    """Return an order that is judged by a price, whatever its type."""
    quantity = int(shares * SHARE)
    limit = price if "LIMIT" in kind else None
    stop = price if "STOP" in kind else None
    order_id = str(uuid.UUID(int=number, version=4))
    return c.PlaceOrder(order_id, f"c-{number}", symbol, side, quantity, kind, "GTC", limit, stop, price)


ORDER_TYPES: Final = ("MARKET", "LIMIT", "STOP", "STOP_LIMIT")
WORKING_SHOWN_MAX: Final = 10
"""Of more the file would be large."""
NEW_ORDER: Final = 10_000
"""The number of an order that no history has."""
WIDE: Final = c.ChangeRiskLimits(BASIS_POINTS, MONEY_MAX, MONEY_MAX)
NAMED: Final[dict[str, list[Setup]]] = {
    "nothing but cash": [(0, c.DepositCash(100_000 * SCALE, ""))],
    "no cash at all": [],
    "a working buy that reserves 45,000 of 50,000": [
        (0, c.DepositCash(50_000 * SCALE, "")),
        (0, WIDE),
        (0, order(1, "KO", "BUY", 1_125, 40 * SCALE)),
    ],
    "a working sell that keeps 8 of 10 shares": [
        (1, c.DepositCash(50_000 * SCALE, "")),
        (1, buy("KO", 10, 40 * SCALE)),
        (0, order(1, "KO", "SELL", 8, 41 * SCALE)),
    ],
    "a market order with its cushion, and a limit of ten percent": [
        (0, c.DepositCash(1_000_000 * SCALE, "")),
        (0, order(1, "XOM", "BUY", 777, 1_007_531, "MARKET")),
        (0, buy("KO", 101, 393_333)),
    ],
    "a day's limit that is nearly used, yesterday's too": [
        (2, c.DepositCash(10_000 * SCALE, "")),
        (2, c.ChangeRiskLimits(BASIS_POINTS, 5_000 * SCALE, 4_000 * SCALE)),
        (1, buy("KO", 100, 39 * SCALE)),
        (0, buy("KO", 7, 41 * SCALE)),
        (0, buy("XOM", 40, 99 * SCALE)),
    ],
    "limits that were lowered below what there is": [
        (0, c.DepositCash(10_000 * SCALE, "")),
        (0, WIDE),
        (0, buy("KO", 100, 50 * SCALE)),
        (0, order(1, "KO", "BUY", 10, 49 * SCALE)),
        (0, c.ChangeRiskLimits(1_234, 5_001 * SCALE, 70 * SCALE)),
    ],
    "more shares than the account may be worth at a high price": [
        (1, c.DepositCash(1_000_000 * SCALE, "")),
        (1, WIDE),
        (1, buy("KO", QUANTITY_MAX // SHARE, 1)),
    ],
    "parts of shares, of which a working sell keeps some": [
        (1, c.DepositCash(10_000 * SCALE, "")),
        (1, WIDE),
        (1, buy("KO", Fraction(10, 3), 393_333)),
        (0, buy("XOM", Fraction(1, 7), 1_007_531)),
        (0, order(1, "KO", "SELL", Fraction(5, 4), 41 * SCALE)),
        (0, order(2, "XOM", "BUY", Fraction(22, 7), 999_999)),
    ],
    "more shares of a symbol than there may be": [
        (0, c.DepositCash(MONEY_MAX, "")),
        (0, WIDE),
        *[(0, buy("KO", QUANTITY_MAX // SHARE, 1)) for _ in range(POSITION_MAX // QUANTITY_MAX - 1)],
        (0, buy("KO", QUANTITY_MAX // SHARE - 7, 1)),
    ],
    "as many working orders as there may be": [
        (0, c.DepositCash(50_000 * SCALE, "")),
        *[(0, order(number, "KO", "BUY", 1, SCALE)) for number in range(OPEN_ORDERS_MAX)],
    ],
    "a fee of each kind, beside orders that work": [
        (2, c.DepositCash(100_000 * SCALE, "")),
        (2, c.ChangeRiskLimits(5_000, 90_000 * SCALE, 60_000 * SCALE)),
        (2, c.ChangeFeeSchedule(15_000, 35, 7, 3_500)),
        (1, buy("KO", Fraction(1_000, 3), 393_333)),
        (0, order(1, "KO", "BUY", 100, 39 * SCALE)),
        (0, order(2, "XOM", "BUY", Fraction(22, 7), 1_007_531, "MARKET")),
        (0, order(3, "KO", "SELL", Fraction(5, 4), 41 * SCALE, "STOP")),
    ],
    "a fee that is more than the cash and than what small sales bring": [
        (1, c.DepositCash(500 * SCALE, "")),
        (1, WIDE),
        (1, buy("KO", 10, 40 * SCALE)),
        (0, c.ChangeFeeSchedule(90 * SCALE, 0, 0, 20 * SCALE)),
    ],
    "as much money as an account may hold": [(0, c.DepositCash(MONEY_MAX, "")) for _ in range(999)]
    + [(0, c.DepositCash(MONEY_MAX - 5, "")), (0, WIDE)],
}


def cases() -> dict[str, Any]:
    """Return every case, the same each time."""
    chance = random.Random(20_260_115)
    accounts = [_case(name, setup, chance) for name, setup in NAMED.items()]
    accounts += [_case(f"history {number}", _any_history(chance), chance) for number in range(10)]
    return {
        "now": "2026-01-15T12:00:00Z",
        "amount_max": format_amount(MONEY_MAX),
        "price_max": format_amount(PRICE_MAX),
        "quantity_max": format_quantity(QUANTITY_MAX),
        "position_max": format_quantity(POSITION_MAX),
        "value_max": format_amount(VALUE_MAX),
        "open_orders_max": OPEN_ORDERS_MAX,
        "cushion_bp": CUSHION_BP,
        "terms": list(_terms()),
        "accounts": accounts,
    }


def text() -> str:
    """Return the file: an account on a line, so that a difference can be read."""
    found = cases()
    lists = [f' "{name}": [\n{_lines(found.pop(name))}\n]' for name in ("terms", "accounts")]
    return ",\n".join([json.dumps(found, indent=1)[:-2], *lists]) + "\n}\n"


def _lines(entries: list[dict[str, Any]]) -> str:
    return ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)


def _terms() -> Iterator[dict[str, Any]]:
    """Say of terms whether they go together: types with times in force, and a limit at, above and below its stop."""
    prices: dict[str, list[tuple[int | None, int | None]]] = {
        "MARKET": [(None, None)],
        "LIMIT": [(50, None)],
        "STOP": [(None, 50)],
        "STOP_LIMIT": [(50, 50), (50, 51), (51, 50)],
    }
    sides, times = ("BUY", "SELL"), ("DAY", "GTC", "IOC", "FOK")
    for side, order_type, time, (limit, stop) in (
        (*pair, each) for pair in itertools.product(sides, ORDER_TYPES, times) for each in prices[pair[1]]
    ):
        code = terms_code(side=side, order_type=order_type, time_in_force=time, limit_price=limit, stop_price=stop)
        yield {
            "side": side,
            "type": order_type,
            "time_in_force": time,
            "limit_price": None if limit is None else format_amount(limit),
            "stop_price": None if stop is None else format_amount(stop),
            "code": code,
        }


def _any_history(chance: random.Random) -> list[Setup]:
    limits = c.ChangeRiskLimits(
        chance.choice([1, 777, 1_000, 5_000, BASIS_POINTS]),
        chance.choice([1, 20_000, 1_000_000]) * SCALE + chance.randrange(SCALE),
        chance.choice([1, 5_000, 100_000]) * SCALE + chance.randrange(SCALE),
    )
    setup: list[Setup] = [(2, c.DepositCash(chance.randrange(1, 2_000_000 * SCALE), "")), (2, WIDE)]
    if chance.random() < 0.5:
        fees = chance.randrange(5 * SCALE), chance.randrange(1_000), chance.randrange(100), chance.randrange(9 * SCALE)
        setup.append((2, c.ChangeFeeSchedule(*fees)))
    for number in range(1, chance.randrange(2, 9)):
        symbol, price = chance.choice(["KO", "XOM"]), chance.randrange(1, 200 * SCALE)
        shares, days = Fraction(chance.randrange(1, 400), chance.choice([1, 1, 3])), chance.choice([0, 0, 1])
        if chance.random() < 0.5:
            setup.append((days, buy(symbol, shares, price)))
        else:
            kind = chance.choice(["LIMIT", "MARKET"])
            setup.append((0, order(number, symbol, chance.choice(["BUY", "SELL"]), shares, price, kind)))
    return [*setup, (0, limits)] if chance.random() < 0.7 else setup


def _case(name: str, setup: list[Setup], chance: random.Random) -> dict[str, Any]:
    account, commits, version = Account(), [], 1
    for days, command in [(9, c.OpenAccount("ada", "Personal account", "USD")), *sorted(setup, key=lambda s: -s[0])]:
        events = decide(account, command, NOW - days * DAY)
        for event in events:
            evolve(account, event)
        ids = tuple(str(uuid.UUID(int=version + place)) for place in range(len(events)))
        header = (ACCOUNT_ID, version, NOW - days * DAY, f"c-{version}", None, None, "user:1/ada", None)
        commits.append(Commit(*header, events, ids))
        version += len(events)
    ledger = Ledger(ACCOUNT_ID)
    for commit in commits:
        ledger.add(commit)
    return {
        "name": name,
        "account": account_shape(ledger.summary_row(), role="owner"),
        "positions": [shapes.Position.show(row) for row in ledger.position_rows() if row["quantity"]],
        "at_market": _at_market(name, ledger),
        "working": _working(account) if len(account.orders) <= WORKING_SHOWN_MAX else None,
        "orders": [each for symbol in ("KO", "XOM") for each in _orders(account, symbol, chance)],
        "withdrawals": _transfers(account, c.WithdrawCash, "CashWithdrawn"),
        "deposits": _transfers(account, c.DepositCash, "CashDeposited"),
    }


def _at_market(name: str, ledger: Ledger) -> dict[str, Any]:
    """Return what an account is worth at some quotes: all of its symbols have one, or some, or none."""
    chance = random.Random(name)
    held = [row for row in ledger.position_rows() if row["quantity"]]
    quotes = {}
    for row in held:
        if chance.random() < 0.75:
            price, close = (chance.choice([row["last_price"], chance.randrange(1, 300 * SCALE)]) for _ in range(2))
            quotes[row["symbol"]] = Quote(row["symbol"], price, close, price, price, price, NOW)
    sheet = QuoteSheet(None, Phase.OPEN, NOW, tuple(quotes.values()))
    positions = positions_at_market(held, quotes, sheet, now_us=NOW)
    row = ledger.summary_row()
    worth = account_at_market(cash=row["cash"], reserved_cash=row["reserved_cash"], positions=positions, sheet=sheet)
    shown = [shapes.PositionAtMarket.show(position["at_market"]) for position in positions]
    found = shapes.AccountAtMarket.show(worth)
    return {
        "quotes": [
            {
                "symbol": each.symbol,
                "price": format_amount(each.price),
                "previous_close": format_amount(each.previous_close),
            }
            for each in quotes.values()
        ],
        "quoted_at": found["quoted_at"],
        "account": {name: found[name] for name in OF_ACCOUNT},
        "positions": [{name: each[name] for name in OF_POSITION} for each in shown],
    }


def _working(account: Account) -> dict[str, Any]:
    """Return the orders that work, and what they come to at the prices that they are judged by."""
    shown, bought, total = [], dict.fromkeys(("KO", "XOM"), 0), 0
    for each in account.orders.values():
        market = market_price_of(each.side == "BUY", each.reserve_price)
        value = value_of(each.remaining, reckoned_price(each.limit_price, each.stop_price, market))
        total += value
        if each.side == "BUY":
            bought[each.symbol] += value
        shown.append(
            {
                "symbol": each.symbol,
                "side": each.side,
                "remaining_quantity": format_quantity(each.remaining),
                "limit_price": None if each.limit_price is None else format_amount(each.limit_price),
                "stop_price": None if each.stop_price is None else format_amount(each.stop_price),
                "reserve_price": format_amount(each.reserve_price),
                "status": "PENDING",
                "oco_group": each.oco_group,
            }
        )
    return {
        "orders": shown,
        "value": format_amount(total),
        "bought": {symbol: format_amount(value) for symbol, value in bought.items()},
    }


def _orders(account: Account, symbol: str, chance: random.Random) -> list[dict[str, Any]]:
    found = []
    mark = account.positions.get(symbol, NO_POSITION).mark or 40 * SCALE
    for side, kind in itertools.product(("BUY", "SELL"), ORDER_TYPES):
        price = chance.choice([mark, mark, chance.randrange(1, 300 * SCALE), chance.choice([1, PRICE_MAX])])
        most = _most(account, symbol, side, kind, price)
        quantities = {
            max(most, SHARE),
            min(most + SHARE, QUANTITY_MAX),
            chance.randrange(1, 500 * SHARE),
            chance.choice([1, 49, 500 * SHARE]),
        }
        commands = [_new_order(symbol, side, kind, quantity, price) for quantity in sorted(quantities)]
        found.append(
            {
                "symbol": symbol,
                "side": side,
                "type": kind,
                "price": format_amount(price),
                "most": format_quantity(most),
                "outcomes": [_outcome(account, command, price) for command in commands],
            }
        )
    return found


def _new_order(symbol: str, side: str, kind: str, quantity: int, price: int) -> c.PlaceOrder:
    return order(NEW_ORDER, symbol, side, Fraction(quantity, SHARE), price, kind)


def _most(account: Account, symbol: str, side: str, kind: str, price: int) -> int:
    """Return what the page offers as the most: all that there is to sell, or the most whole shares."""

    def is_allowed(quantity: int) -> bool:
        (event,) = decide(account, _new_order(symbol, side, kind, quantity, price), NOW)
        return isinstance(event, e.OrderPlaced)

    available = account.positions.get(symbol, NO_POSITION).quantity - account.reserved_shares.get(symbol, 0)
    if side == "SELL" and 0 < available <= QUANTITY_MAX and is_allowed(available):
        return available
    return SHARE * _largest(lambda shares: is_allowed(shares * SHARE), QUANTITY_MAX // SHARE)


def _outcome(account: Account, command: c.PlaceOrder, price: int) -> dict[str, Any]:
    """Return what an order leads to: what it reserves, and what its fill at the price that it is judged by makes of the
    account.
    """
    (event,) = decide(account, command, NOW)
    outcome: dict[str, Any] = {"quantity": format_quantity(command.quantity), "refused": _refusal(event)}
    if not isinstance(event, e.OrderPlaced):
        return outcome
    held = account.positions.get(command.symbol, NO_POSITION).quantity
    then = copy.deepcopy(account)
    evolve(then, event)
    events = decide(then, c.ExecuteTrade(command.symbol, command.side, command.quantity, price, command.order_id), NOW)
    trade = events[0]
    assert isinstance(trade, e.TradeExecuted), "an order that works is filled at the price that it is judged by"
    for each in events:
        evolve(then, each)
    part = value_of(trade.position_quantity, price) * BASIS_POINTS
    weight = Fraction(part, trade.portfolio_value) if trade.portfolio_value else None
    return outcome | {
        "fee": format_amount(trade.fee),
        "buying_power_filled": format_amount(then.cash - then.reserved_cash),
        "reserved_cash": format_amount(event.reserved_cash - account.reserved_cash),
        "buying_power_after": format_amount(account.cash - event.reserved_cash),
        "available_after": format_quantity(held - event.reserved_shares),
        "position_after": format_quantity(trade.position_quantity),
        "day_volume_after": format_amount(trade.day_volume),
        "realized": None if command.side == "BUY" else format_amount(trade.realized_pnl),
        "weight_points": None if weight is None else int(weight + Fraction(1, 2)),
    }


def _transfers(account: Account, kind: type[c.DepositCash] | type[c.WithdrawCash], done: str) -> dict[str, Any]:
    def transfer(amount: int) -> dict[str, Any]:
        (event,) = decide(account, kind(amount, ""), NOW)
        cash_after = event.cash_after if isinstance(event, e.CashDeposited | e.CashWithdrawn) else None
        assert cash_after is None or type(event).__name__ == done
        return {
            "amount": format_amount(amount),
            "refused": _refusal(event),
            "cash_after": None if cash_after is None else format_amount(cash_after),
        }

    most = _largest(lambda amount: transfer(amount)["refused"] is None, MONEY_MAX)
    amounts = {1, max(most, 1), min(most + 1, MONEY_MAX)}
    return {"most": format_amount(most), "outcomes": [transfer(amount) for amount in sorted(amounts)]}


def _refusal(event: e.AccountEvent) -> dict[str, str] | None:
    if not isinstance(event, e.CommandRefused):
        return None
    limit, actual = (e.format_refusal_figure(event.code, figure) for figure in (event.limit, event.actual))
    assert limit is not None
    assert actual is not None
    return {"code": event.code, "limit": limit, "actual": actual}


def _largest(is_allowed: Callable[[int], bool], most: int) -> int:
    """Return the largest number that is allowed, 0 when none is: what is allowed is allowed of less, too."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if is_allowed(middle) else (low, middle - 1)
    return low


if __name__ == "__main__":
    FILE.write_text(text())
