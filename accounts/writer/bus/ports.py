"""What the application needs from outside, and what it offers: the bus, this process's one of it, and the notifier.

The composition root says once which bus this process has (`set_bus_factory`), and how it is made.
"""

from collections.abc import Callable, Sequence
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


_factory: Callable[[], Bus] | None = None
_bus: Bus | None = None


def set_bus_factory(factory: Callable[[], Bus]) -> None:
    """Say how the bus is made; it is made when first asked for."""
    global _factory, _bus
    _factory, _bus = factory, None


def get_bus() -> Bus:
    """Return this process's bus."""
    global _bus
    if _bus is None:
        if _factory is None:
            raise RuntimeError("no command bus is configured: tradingplatform/bootstrap.py sets it when Django starts")
        _bus = _factory()
    return _bus
