"""The trading account as the event store's writer sees it: its four pure functions behind one port."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from accounts.codec import dump_account, load_account
from accounts.domain.account import decide, evolve
from accounts.domain.commands import AccountCommand
from accounts.domain.events import AccountEvent
from accounts.domain.state import Account
from accounts.domain.trades import TRADE_COLUMNS, evolve_trades


class AccountDecider:
    """Implements eventstore.writer.decider.Decider for trading accounts."""

    bulk_columns: ClassVar[Mapping[str, Sequence[str]]] = {"TradeExecuted@1": TRADE_COLUMNS, "CommandRefused@1": ()}

    def initial(self, aggregate_id: str) -> Account:
        """Return an account that does not exist yet."""
        return Account()

    def copy(self, state: Account) -> Account:
        """Return a copy that can be evolved without touching the original."""
        return state.copy()

    def evolve(self, state: Account, event: AccountEvent) -> Account:
        """Apply an event."""
        return evolve(state, event)

    def evolve_columns(self, tag: str, states: Sequence[Account], columns: Sequence[Sequence[Any]]) -> None:
        """Apply many events of one type at once; a refusal changes nothing."""
        if tag == "TradeExecuted@1":
            evolve_trades(states, columns)

    def dump(self, state: Account) -> bytes:
        """Return a state as bytes."""
        return dump_account(state)

    def load(self, dumped: bytes) -> Account:
        """Return the state that was dumped."""
        return load_account(dumped)

    def decide(self, state: Account, command: AccountCommand, now: int) -> Sequence[AccountEvent]:
        """Return the events that a command leads to."""
        return decide(state, command, now)
