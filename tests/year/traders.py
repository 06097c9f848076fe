"""Who trades in the simulated year: accounts that place orders of every kind, in bulk, as an integrator's program does.

The choices are drawn from a seed; what becomes of an order is the venue's and the market's affair.
"""

import json
import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.chaos.load import ASK_AGAIN, Caller

SUBMIT = "mutation($orders: OrderBatch!) { submitOrders(orders: $orders) { outcomes } }"
CANCEL = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { __typename } }"
SLICE = Decimal("0.02")
"""Of what an account began with, for one order."""


class Traders:
    """Some accounts with one API key."""

    def __init__(self, caller: Caller, account_ids: Sequence[str], *, cash: int, seed: int) -> None:
        self._caller = caller
        self._account_ids = account_ids
        self._slice = Decimal(cash) * SLICE
        self._chances = random.Random(seed)
        self._placed: list[tuple[str, str]] = []
        self.outcomes: Counter[str] = Counter()

    def place(self, prices: Mapping[str, Decimal], count: int) -> None:
        """Place so many orders around these prices, and take back a few of those placed before."""
        entries = [self._order(prices) for _ in range(count)]
        answered = self._caller.ask(SUBMIT, {"orders": entries})["outcomes"]
        outcomes = json.loads(answered) if isinstance(answered, str) else answered
        for entry, outcome in zip(entries, outcomes, strict=True):
            code = outcome.get("code", "PLACED")
            assert code not in ASK_AGAIN, f"an outcome is not known: {outcome}"
            self.outcomes[code] += 1
            if "orderId" in outcome:
                self._placed.append((entry["accountId"], outcome["orderId"]))
        for _ in range(count // 10):
            account_id, order_id = self._chances.choice(self._placed)
            self._caller.ask(CANCEL, {"input": {"accountId": account_id, "orderId": order_id}})
        self._placed = self._placed[-1_000:]

    def _order(self, prices: Mapping[str, Decimal]) -> dict[str, Any]:
        symbol = self._chances.choice(sorted(prices))
        price, side = prices[symbol], self._chances.choice(("BUY", "BUY", "SELL"))
        kind = self._chances.choice(("MARKET", "MARKET", "LIMIT", "LIMIT", "STOP", "STOP_LIMIT"))
        above, below = (f"{price * Decimal(self._chances.uniform(*by)):.2f}" for by in ((1, 1.02), (0.98, 1)))
        times = ("DAY", "GTC", "GTC", "IOC") if kind in ("MARKET", "LIMIT") else ("DAY", "GTC")
        order = {
            "accountId": self._chances.choice(self._account_ids),
            "clientOrderId": str(uuid.UUID(int=self._chances.getrandbits(128), version=4)),
            "symbol": symbol,
            "side": side,
            "quantity": max(1, int(self._slice / price)),
            "type": kind,
            "timeInForce": self._chances.choice(times),
        }
        toward, away = (above, below) if side == "BUY" else (below, above)
        if kind == "LIMIT":
            order["limitPrice"] = self._chances.choice((toward, away))
        if kind in ("STOP", "STOP_LIMIT"):
            order["stopPrice"] = toward
        if kind == "STOP_LIMIT":
            order["limitPrice"] = f"{Decimal(toward) * (Decimal('1.01') if side == 'BUY' else Decimal('0.99')):.2f}"
        return order
