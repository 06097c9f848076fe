"""Where the APIs get this process's command bus from: the composition root says once which one it is."""

from collections.abc import Callable

from accounts.writer.bus.ports import Bus

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
