"""Where the other apps get this process's event store from: the composition root says once how it is opened."""

from collections.abc import Callable
from threading import Lock

from eventstore.store import EventStore

_lock = Lock()
_factory: Callable[[], EventStore] | None = None
_check_exists: Callable[[], None] | None = None
_store: EventStore | None = None


def set_store_factory(factory: Callable[[], EventStore], *, check_exists: Callable[[], None] | None = None) -> None:
    """Say how the store is opened; it is opened when first asked for. A store that is open already is closed.

    `check_exists` raises ConfigurationMismatch when there is no store yet, which the factory would create.
    """
    global _factory, _check_exists
    reset_store()
    _factory, _check_exists = factory, check_exists


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


def get_existing_store() -> EventStore:
    """Return this process's store for somebody who only reads; raises ConfigurationMismatch when there is none yet."""
    if _store is None and _check_exists is not None:
        _check_exists()
    return get_store()


def reset_store() -> None:
    """Close and forget the store: after a fork, and between tests."""
    global _store
    with _lock:
        if _store is not None:
            _store.close()
            _store = None
