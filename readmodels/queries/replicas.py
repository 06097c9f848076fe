"""Reads of the read models from replicas of the database, when READ_REPLICA_URLS names some.

A request reads from one replica, the next request from the next one. Whatever is not a request (projector, commands,
sockets) reads from the primary, and so does a transaction of the primary; users, sessions and keys are always there. A
replica that does not answer is left alone for a while, and its requests read from the primary.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

import structlog
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from edge import database
from edge.breaker import Breaker

log = structlog.get_logger(__name__)

DOWN_SECONDS: Final = 5.0
"""How long a replica that did not answer is not asked again; then one request finds out, the others go on."""
REPLICATED: Final = frozenset(
    {"account_summary", "portfolio_positions", "orders", "daily_pnl", "trade_history", "activity", "account_events"}
)
"""Tables that may be read from a replica."""


class Route:
    """Where one request reads read models: decided at its first read, the primary from then on once that was needed."""

    def __init__(self) -> None:
        self._alias: str | None = None

    def alias(self) -> str:
        """Return the database to read from, with a connection that has just answered."""
        if self._alias is None:
            self._alias = _turns.next()
        if self._alias != DEFAULT_DB_ALIAS and not _answers(self._alias):
            self.stay_on_primary()
        return self._alias

    async def read(self, query: str, values: Sequence[Any]) -> "Read":
        """Return the rows of a statement: of the replica, or of the primary when that does not answer, or is busy."""
        if self._alias is None:
            self._alias = _turns.next()
        if self._alias != DEFAULT_DB_ALIAS:
            try:
                rows = await database.read(query, values, using=self._alias)
            except database.StatementTooLong:
                raise
            except database.DatabaseBusy:
                self.stay_on_primary()
            except OperationalError:
                _turns.note(self._alias, answered=False)
                self.stay_on_primary()
            else:
                _turns.note(self._alias, answered=True)
                return Read(rows, is_of_primary=False)
        return Read(await database.read(query, values), is_of_primary=True)

    def stay_on_primary(self) -> None:
        """Read from the primary until the request ends."""
        self._alias = DEFAULT_DB_ALIAS


class Read(NamedTuple):
    """What a statement returned, and whether the primary did: a replica may be late."""

    rows: list[tuple[Any, ...]]
    is_of_primary: bool


class _Turns:
    """Whose turn it is, and who is left alone; shared by the threads of a process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        aliases: list[str] = settings.READ_REPLICAS
        self._breakers = {alias: Breaker(DOWN_SECONDS, clock=clock) for alias in aliases}
        self._order = aliases.copy()
        self._lock = threading.Lock()

    def next(self) -> str:
        """Return the replica that was not asked for the longest, or the primary when none may be asked."""
        with self._lock:
            for alias in self._order:
                if self._breakers[alias].may_ask():
                    self._order.remove(alias)
                    self._order.append(alias)
                    return alias
        return DEFAULT_DB_ALIAS

    def note(self, alias: str, *, answered: bool) -> None:
        """Remember whether a replica answered; says so once when that changes."""
        if self._breakers[alias].note(answered=answered):
            log.warning("replica answers again" if answered else "replica does not answer", replica=alias)


_turns: Final = _Turns()
_route: ContextVar[Route | None] = ContextVar("route", default=None)


class ReplicaRouter:
    """Django's database router: reads of read models follow the request's route; everything else is the primary's."""

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        """Return where to read a model."""
        if model._meta.app_label != "readmodels" or model._meta.db_table not in REPLICATED:
            return None
        return alias_for_reads()

    def db_for_write(self, model: Any, **_: Any) -> str:
        """Return where to write a model."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, first: Any, second: Any, **_: Any) -> bool:
        """Rows of a replica are those of the primary."""
        return True

    def allow_migrate(self, database: str, *_: Any, **__: Any) -> bool | None:
        """Replicas are migrated by replication."""
        return None if database == DEFAULT_DB_ALIAS else False


def alias_for_reads() -> str:
    """Return where read models are read from here and now."""
    route = _route.get()
    if route is None or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return DEFAULT_DB_ALIAS
    return route.alias()


async def read(query: str, values: Sequence[Any]) -> Read:
    """Return the rows of a statement on read models, without a thread; raises as `edge.database.read` does."""
    route = _route.get()
    if route is None:
        return Read(await database.read(query, values), is_of_primary=True)
    return await route.read(query, values)


def stay_on_primary() -> None:
    """Read from the primary until the request ends, as when its replica lags behind a version that it asks for."""
    route = _route.get()
    if route is not None:
        route.stay_on_primary()


@sync_and_async_middleware
def read_from_replicas(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Give every request a route of its own."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            token = _route.set(Route())
            try:
                waiting: Awaitable[HttpResponseBase] = get_response(request)
                return await waiting
            finally:
                _route.reset(token)

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        token = _route.set(Route())
        try:
            response: HttpResponseBase = get_response(request)
            return response
        finally:
            _route.reset(token)

    return answer


def _answers(alias: str) -> bool:
    """Tell whether this thread has a connection to a replica, which was tried out when it came from the pool."""
    connection = connections[alias]
    if connection.connection is not None and not connection.connection.closed:
        return True
    try:
        connection.close()
        connection.ensure_connection()
    except (OperationalError, InterfaceError) as error:
        if async_to_sync(database.is_away)(error, using=alias):
            _turns.note(alias, answered=False)
        return False
    _turns.note(alias, answered=True)
    return True
