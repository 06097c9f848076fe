"""The trading account as the event store's writer sees it: its pure functions behind one port."""

from collections.abc import Sequence

from accounts import codec
from accounts.codec import dump_account, load_account
from accounts.domain import recorded
from accounts.domain.commands import AccountCommand
from accounts.domain.state import Account
from accounts.writer.columns import AccountCommands
from accounts.writer.machine import AccountMachine
from eventstore.writer.request import Request


class AccountDecider:
    """Implements eventstore.writer.state_machine.Decider for trading accounts."""

    asks_the_same = staticmethod(recorded.asks_the_same)
    dump = staticmethod(dump_account)
    load = staticmethod(load_account)

    @property
    def state_version(self) -> int:
        """The version of the dumped state."""
        return codec.STATE_VERSION

    def machine(self) -> AccountMachine:
        """Return a state machine for the accounts of one partition."""
        return AccountMachine()

    def commands(self, requests: Sequence[Request[AccountCommand]]) -> AccountCommands:
        """Return commands as the machine takes them; raises TextTooLong."""
        return AccountCommands.of(requests)

    def initial(self, aggregate_id: str) -> Account:
        """Return an account that does not exist yet."""
        return Account()
