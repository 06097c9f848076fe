"""The bus without a writer process: for tests and one-off management commands.

Correct beside any number of writers (the event store decides), but slower than one writer that owns a partition.
"""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from accounts.application.envelope import BriefResult, Envelope, Result
from accounts.application.handlers import CommandHandler, told
from accounts.application.ports import Notifier, SilentNotifier
from accounts.domain.commands import AccountCommand
from accounts.domain.state import Account
from eventstore.writer.group_commit import GroupCommit


class InProcessBus:
    """Executes commands right here, one group at a time."""

    def __init__(self, writer: GroupCommit[Account, AccountCommand], notifier: Notifier | None = None) -> None:
        self._handler = CommandHandler(writer, notifier or SilentNotifier())
        self._lock = threading.Lock()

    def submit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return self._results(envelopes, is_brief=False)

    async def asubmit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return await asyncio.to_thread(self.submit, envelopes)

    async def asubmit_briefly(self, envelopes: Sequence[Envelope]) -> list[BriefResult]:
        return await asyncio.to_thread(self._results, envelopes, is_brief=True)

    def _results(self, envelopes: Sequence[Envelope], *, is_brief: bool) -> list[Any]:
        with self._lock:
            outcomes = self._handler.execute(envelopes)
        self._handler.notify()
        return [told(*pair, is_brief=is_brief) for pair in zip(envelopes, outcomes, strict=True)]
