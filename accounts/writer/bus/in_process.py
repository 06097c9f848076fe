"""The bus without a writer process: for tests and one-off management commands.

Correct beside any number of writers (the event store decides), but slower than one writer that owns a partition.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from accounts.domain.commands import AccountCommand
from accounts.domain.state import Account
from accounts.writer.bus.ports import Notifier, SilentNotifier
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope, Result
from accounts.writer.handlers import CommandHandler, Handled
from accounts.writer.outcomes import BatchResults
from eventstore.writer.group_commit import GroupCommit

Told = TypeVar("Told")


class InProcessBus:
    """Executes commands right here, one group at a time."""

    def __init__(self, writer: GroupCommit[Account, AccountCommand], notifier: Notifier | None = None) -> None:
        self._handler = CommandHandler(writer, notifier or SilentNotifier())
        self._lock = threading.Lock()

    def submit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return self._execute(AccountCommands.of(envelopes), Handled.tell_in_full)

    async def asubmit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return await asyncio.to_thread(self.submit, envelopes)

    async def asubmit_batch(self, commands: AccountCommands) -> BatchResults:
        return await asyncio.to_thread(self._execute, commands, Handled.tell_in_short)

    def _execute(self, commands: AccountCommands, tell: Callable[[Handled, int, int], Told]) -> Told:
        with self._lock:
            handled = self._handler.execute(commands)
            told = tell(handled, 0, len(commands))
            self._handler.finish(handled)
        return told
