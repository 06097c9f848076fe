"""Where the other apps get this process's event store from: the composition root says once how it is opened."""

from collections.abc import Callable
from threading import Lock

from eventstore.store import EventStore

_lock = Lock()
_factory: Callable[[], EventStore] | None = None
_store: EventStore | None = None


def set_store_factory(factory: Callable[[], EventStore]) -> None:
    """Say how the store is opened; it is opened when first asked for. A store that is open already is closed."""
    global _factory
    reset_store()
    _factory = factory


def get_store() -> EventStore:
    """Return this process's store, opening it the first time."""
    global _store
    with _lock:
        if _store is None:
            if _factory is None:
                raise RuntimeError(
                    "no event store is configured: tradingplatform/bootstrap.py sets it when Django starts"
                )
            _store = _factory()
        return _store


def reset_store() -> None:
    """Close and forget the store: after a fork, and between tests."""
    global _store
    with _lock:
        if _store is not None:
            _store.close()
            _store = None
