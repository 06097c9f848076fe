"""given / when / then for the trading account."""

from accounts.domain.account import decide, evolve
from accounts.domain.commands import DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.events import CommandRefused
from accounts.domain.state import Account
from accounts.domain.values import SCALE

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
        before = {name: getattr(self.account, name) for name in Account.__slots__}
        before["positions"] = dict(self.account.positions)
        events = decide(self.account, command, self.now)
        assert {name: getattr(self.account, name) for name in Account.__slots__} == before, "decide changes nothing"
        for event in events:
            evolve(self.account, event)
        self.events.extend(events)
        (self.latest,) = events
        return self

    def refused_with(self, code, limit=None, actual=None):
        event = self.latest
        assert isinstance(event, CommandRefused), event
        assert (event.code, event.limit, event.actual) == (code, limit, actual)
        return self


def opened_with(cash: str) -> Scenario:
    return Scenario(OpenAccount("ada", "Savings", "USD"), DepositCash(money(cash), "first"))


def buy(symbol: str, quantity: int, price: str) -> ExecuteTrade:
    return ExecuteTrade(symbol, "BUY", quantity, money(price), None)


def sell(symbol: str, quantity: int, price: str) -> ExecuteTrade:
    return ExecuteTrade(symbol, "SELL", quantity, money(price), None)
