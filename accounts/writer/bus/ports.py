"""What the application needs from outside, and what it offers: the bus, and the notifier that wakes projections."""

from collections.abc import Sequence
from typing import Protocol

from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope, Result
from accounts.writer.outcomes import BatchResults


class Bus(Protocol):
    """One way in for every command. Answers in order, one result per envelope, after the events are durable."""

    def submit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        """Send commands and wait for their results."""

    async def asubmit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        """The same for asynchronous callers."""

    async def asubmit_batch(self, commands: AccountCommands) -> BatchResults:
        """The same for thousands of commands, with results in their short form."""


class Notifier(Protocol):
    """Told after every commit that there may be something to project. May lose, double or delay it: a sweep follows."""

    def committed(self) -> None:
        """Return at once; never raises."""


class SilentNotifier:
    """Tells nobody: projections find the events by their sweep."""

    def committed(self) -> None:
        """Do nothing."""
