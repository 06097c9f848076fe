"""given / when / then for the trading account."""

from copy import deepcopy

from accounts.domain.account import decide, evolve
from accounts.domain.commands import DepositCash, ExecuteTrade, OpenAccount, PlaceOrder
from accounts.domain.events import QUANTITY_CODES, CommandRefused
from accounts.domain.state import Account
from accounts.domain.values import SCALE, SHARE

DAY = 86_400 * 1_000_000
NOON = 20_000 * DAY + DAY // 2


def money(text: str) -> int:
    whole, _, fraction = text.replace(",", "").partition(".")
    return int(whole) * SCALE + int(fraction.ljust(4, "0") or 0)


class Scenario:
    """An account with a history; `when` adds to it."""

    def __init__(self, *commands, now=NOON):
        self.now = now
        self.account = Account()
        self.events = []
        for command in commands:
            self.when(command)

    def when(self, command):
        before = deepcopy(self.account)
        self.decided = decide(self.account, command, self.now)
        assert self.account == before, "decide changes nothing"
        for event in self.decided:
            evolve(self.account, event)
        if isinstance(self.decided[0], CommandRefused):
            assert self.account == before, "a refusal changes nothing"
        self.events.extend(self.decided)
        return self

    @property
    def latest(self):
        (event,) = self.decided
        return event

    def refused_with(self, code, limit=None, actual=None):
        """The figures as the code has them: in shares where it is about shares."""
        event = self.latest
        if code in QUANTITY_CODES:
            limit, actual = limit * SHARE, actual * SHARE
        assert isinstance(event, CommandRefused), event
        assert (event.code, event.limit, event.actual) == (code, limit, actual)
        return self


def opened_with(cash: str) -> Scenario:
    return Scenario(OpenAccount("ada", "Savings", "USD"), DepositCash(money(cash), "first"))


def buy(symbol: str, shares: int, price: str) -> ExecuteTrade:
    return ExecuteTrade(symbol, "BUY", shares * SHARE, money(price), None)


def sell(symbol: str, shares: int, price: str) -> ExecuteTrade:
    return ExecuteTrade(symbol, "SELL", shares * SHARE, money(price), None)


def order(
    order_id: str,
    symbol: str,
    side: str,
    shares: int,
    order_type: str = "LIMIT",
    *,
    limit: str | None = None,
    stop: str | None = None,
    market: str = "10",
    time_in_force: str = "DAY",
    client_order_id: str | None = None,
) -> PlaceOrder:
    return PlaceOrder(
        order_id,
        client_order_id or f"client-{order_id}",
        symbol,
        side,
        shares * SHARE,
        order_type,
        time_in_force,
        None if limit is None else money(limit),
        None if stop is None else money(stop),
        money(market),
    )


def fill(order_id: str, symbol: str, side: str, shares: int, price: str) -> ExecuteTrade:
    return ExecuteTrade(symbol, side, shares * SHARE, money(price), order_id)
