"""The trading account as the event store's writer sees it: its four pure functions behind one port."""

from collections.abc import Sequence

from accounts.domain.account import decide, evolve
from accounts.domain.commands import AccountCommand
from accounts.domain.events import AccountEvent
from accounts.domain.state import Account


class AccountDecider:
    """Implements eventstore.writer.decider.Decider for trading accounts."""

    def initial(self, aggregate_id: str) -> Account:
        """Return an account that does not exist yet."""
        return Account()

    def copy(self, state: Account) -> Account:
        """Return a copy that can be evolved without touching the original."""
        return state.copy()

    def evolve(self, state: Account, event: AccountEvent) -> Account:
        """Apply an event."""
        return evolve(state, event)

    def decide(self, state: Account, command: AccountCommand, now: int) -> Sequence[AccountEvent]:
        """Return the events that a command leads to."""
        return decide(state, command, now)
