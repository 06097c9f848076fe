"""Trades and transfers of cash with what the domain makes of them, for the page's estimates to be held to.

Every account goes the way that the page sees it: commands, events, rows, shapes. What is expected is the domain's own
decision, figure for figure, and the largest quantity and amount are searched for by asking it.

`python -m readmodels.tests.rule_cases` writes frontend/src/testing/rule_cases.json, which is committed.
"""

import json
import random
import uuid
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.account import decide, evolve
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
from readmodels import shapes
from readmodels.reconcile.ledger import Ledger
from readmodels.shapes import account_shape

FILE: Final = Path(__file__).parents[2] / "frontend" / "src" / "testing" / "rule_cases.json"
NOW: Final = 1_768_478_400_000_000  # 2026-01-15T12:00:00Z
DAY: Final = 86_400 * 1_000_000
ACCOUNT_ID: Final = "6f1c3a52-2f0e-4f0e-9d0a-0d6a1f2b3c4d"
Setup = tuple[int, c.AccountCommand]
"""A command, and how many days ago it was."""


def buy(symbol: str, shares: Fraction | int, price: int) -> c.ExecuteTrade:
    return c.ExecuteTrade(symbol, "BUY", int(shares * SHARE), price, None)


def order(number: int, symbol: str, side: Any, shares: Fraction | int, price: int, kind: Any = "LIMIT") -> c.PlaceOrder:
    quantity = int(shares * SHARE)
    limit = price if kind == "LIMIT" else None
    order_id = str(uuid.UUID(int=number, version=4))
    return c.PlaceOrder(order_id, f"c-{number}", symbol, side, quantity, kind, "GTC", limit, None, price)


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
        "accounts": accounts,
    }


def text() -> str:
    """Return the file: an account on a line, so that a difference can be read."""
    found = cases()
    accounts = ",\n".join(json.dumps(account, separators=(",", ":")) for account in found.pop("accounts"))
    return f'{json.dumps(found, indent=1)[:-2]},\n "accounts": [\n{accounts}\n]}}\n'


def _any_history(chance: random.Random) -> list[Setup]:
    limits = c.ChangeRiskLimits(
        chance.choice([1, 777, 1_000, 5_000, BASIS_POINTS]),
        chance.choice([1, 20_000, 1_000_000]) * SCALE + chance.randrange(SCALE),
        chance.choice([1, 5_000, 100_000]) * SCALE + chance.randrange(SCALE),
    )
    setup: list[Setup] = [(2, c.DepositCash(chance.randrange(1, 2_000_000 * SCALE), "")), (2, WIDE)]
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
        "trades": [each for symbol in ("KO", "XOM") for each in _trades(account, symbol, chance)],
        "withdrawals": _transfers(account, c.WithdrawCash, "CashWithdrawn"),
        "deposits": _transfers(account, c.DepositCash, "CashDeposited"),
    }


def _trades(account: Account, symbol: str, chance: random.Random) -> list[dict[str, Any]]:
    found = []
    mark = account.positions.get(symbol, NO_POSITION).mark or 40 * SCALE
    for side in ("BUY", "SELL"):
        for price in sorted({mark, chance.randrange(1, 300 * SCALE), chance.choice([1, PRICE_MAX])}):
            most = _most(account, symbol, side, price)
            quantities = {
                max(most, SHARE),
                min(most + SHARE, QUANTITY_MAX),
                chance.randrange(1, 500 * SHARE),
                chance.choice([1, 49, 500 * SHARE]),
            }
            outcomes = [_trade(account, symbol, side, quantity, price) for quantity in sorted(quantities)]
            found.append(
                {
                    "symbol": symbol,
                    "side": side,
                    "price": format_amount(price),
                    "most": format_quantity(most),
                    "outcomes": outcomes,
                }
            )
    return found


def _most(account: Account, symbol: str, side: Any, price: int) -> int:
    """Return what the page offers as the most: all that there is to sell, or the most whole shares."""

    def is_allowed(quantity: int) -> bool:
        return _trade(account, symbol, side, quantity, price)["refused"] is None

    available = account.positions.get(symbol, NO_POSITION).quantity - account.reserved_shares.get(symbol, 0)
    if side == "SELL" and 0 < available <= QUANTITY_MAX and is_allowed(available):
        return available
    return SHARE * _largest(lambda shares: is_allowed(shares * SHARE), QUANTITY_MAX // SHARE)


def _trade(account: Account, symbol: str, side: Any, quantity: int, price: int) -> dict[str, Any]:
    event = decide(account, c.ExecuteTrade(symbol, side, quantity, price, None), NOW)[0]
    outcome: dict[str, Any] = {"quantity": format_quantity(quantity), "refused": _refusal(event)}
    if isinstance(event, e.TradeExecuted):
        part = value_of(event.position_quantity, price) * BASIS_POINTS
        weight = Fraction(part, event.portfolio_value) if event.portfolio_value else None
        outcome |= {
            "cash_after": format_amount(event.cash_after),
            "buying_power_after": format_amount(event.cash_after - account.reserved_cash),
            "position_after": format_quantity(event.position_quantity),
            "day_volume_after": format_amount(event.day_volume),
            "realized": None if side == "BUY" else format_amount(event.realized_pnl),
            "weight_points": None if weight is None else int(weight + Fraction(1, 2)),
        }
    return outcome


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
