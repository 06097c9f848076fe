"""The bus without a writer process: for tests and one-off management commands.

Correct beside any number of writers (the event store decides), but slower than one writer that owns a partition.
"""

import asyncio
import threading
from collections.abc import Sequence

from accounts.application.envelope import Envelope, Result
from accounts.application.handlers import execute
from accounts.application.ports import Notifier, SilentNotifier
from accounts.domain.commands import AccountCommand
from accounts.domain.state import Account
from eventstore.writer.group_commit import GroupCommit


class InProcessBus:
    """Executes commands right here, one group at a time."""

    def __init__(self, writer: GroupCommit[Account, AccountCommand], notifier: Notifier | None = None) -> None:
        self._writer = writer
        self._notifier = notifier or SilentNotifier()
        self._lock = threading.Lock()

    def submit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        with self._lock:
            results = execute(self._writer, envelopes)
        self._notifier.committed()
        return results

    async def asubmit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return await asyncio.to_thread(self.submit, envelopes)
