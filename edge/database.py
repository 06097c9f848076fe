"""Statements on PostgreSQL that cost no thread: what asynchronous views ask, each a transaction of its own.

A process has a pool of connections for each database, of the size and with the waits that its settings give Django's
own pool (`OPTIONS["pool"]`). A statement is prepared the first time that a connection sees it, planned once for all
values, and given up by the server after `STATEMENT_SECONDS_MAX`; the connection waits for an answer a little longer and
is closed then. Whoever goes away while a statement runs has it cancelled, and the pool has its connection back. While
the database is away everybody is told so at once (Django's OperationalError); whoever asks next connects again. A pool
whose connections are all in use says nothing about the database: that is DatabaseBusy.

Who sends a request is found out over a few connections of the process that nothing else uses (`read_reserved`), so that
no flood of queries keeps anybody else from being known; so is whether a socket may stay open. What a socket needs to
begin has a few of its own as well (`read_for_socket`), its user among it: thousands of them that come back at once
leave those of the requests alone, and the other way round.

What needs several statements in one transaction is Django's, on a thread. psycopg has a pool of its own, whose tasks
take no notice when they are cancelled: a process that ends while it connects would never end.
"""

import asyncio
import select
from collections.abc import AsyncIterator, Sequence
from enum import Enum, auto
from typing import Any, ClassVar, Final, NamedTuple

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError, connections
from psycopg.abc import RV, PQGen
from psycopg_pool import PoolTimeout, TooManyRequests

from edge.turns import turn

STATEMENT_SECONDS_MAX: Final = 3.0
ROWS_AT_A_TIME: Final = 10
"""Rows that are made values of between two looks at the clock of turns: some tenths of a millisecond of wide ones."""
ANSWER_SECONDS_MAX: Final = 5.0
"""More than a statement may take: only a server that hangs comes to this."""
WAITING_MAX: Final = 64
"""Who may wait for a connection, where the settings do not say."""
RESERVED_CONNECTIONS: Final = 2
RESERVED_WAITING_MAX: Final = 1_000
"""Who may wait for one of them: the sockets of a thousand programs that come back at once among them."""
RESERVED_WAIT_SECONDS_MAX: Final = 1.0
"""What they are for takes a millisecond: a thousand have had their turn by then."""
SOCKET_CONNECTIONS: Final = 2
SOCKET_WAITING_MAX: Final = 10_000
SOCKET_WAIT_SECONDS_MAX: Final = 10.0
"""A snapshot takes some milliseconds: who waits for longer may as well come again."""
_OF_DJANGO: Final = frozenset({"connection_class", "context", "cursor_factory", "pool"})


_TableChanged: Final = psycopg.errors.FeatureNotSupported
"""What PostgreSQL says when columns that a prepared statement returns have other types now: it is prepared anew."""


class DatabaseBusy(OperationalError):
    """The database is there, and what was asked of it was not done in its time: no connection was free, say."""


class StatementTooLong(DatabaseBusy):
    """A statement was not over in its time."""


class BoundedConnection(psycopg.Connection[Any]):
    """Django's connections: one raises OperationalError after `answer_seconds_max` without an answer.

    PostgreSQL's own limits are kept by the server, and a server that hangs keeps none: without this, whoever asks it
    waits until it goes on. None, as it is unless a process says otherwise, means to wait: a rebuild's statements may
    take minutes. The web process, where somebody waits for each, sets it (asgi.py).
    """

    answer_seconds_max: ClassVar[float | None] = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer."""
        if timeout is not None or self.answer_seconds_max is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds_max)
        except psycopg.errors._WaitTimeout as error:
            raise _given_up(self, self.answer_seconds_max) from error


class _Connection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """A connection that waits for an answer for so long and no longer, with one cursor for all its statements: making
    one costs twice what a statement does.
    """

    _reader: psycopg.AsyncCursor[tuple[Any, ...]] | None = None

    async def read(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Execute a statement; return its rows, if it is one that has rows."""
        if self._reader is None:
            self._reader = self.cursor()
        await self._reader.execute(query, values)
        result = self._reader.pgresult
        if result is None or not result.nfields:
            return []
        rows = await self._reader.fetchmany(ROWS_AT_A_TIME)
        while len(rows) < result.ntuples:
            await turn()
            rows += await self._reader.fetchmany(ROWS_AT_A_TIME)
        return rows

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer."""
        try:
            return await super().wait(gen, interval, ANSWER_SECONDS_MAX if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as error:
            raise _given_up(self, ANSWER_SECONDS_MAX) from error

    def is_idle(self) -> bool:
        """Tell whether it has done what it was asked for."""
        return self.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE

    def is_left(self) -> bool:
        """Tell whether its server has left it meanwhile: then there is something to read, its end."""
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))


def _given_up(connection: psycopg.BaseConnection[Any], seconds: float) -> psycopg.OperationalError:
    """Close a connection that did not answer: its next answer would be to an old question."""
    connection.pgconn.finish()
    return psycopg.OperationalError(f"no answer for {seconds:g} s")


def connection_parameters(alias: str) -> dict[str, Any]:
    """Return what a connection to a database is made with, as Django's own are."""
    given = connections[alias].get_connection_params()
    return {name: value for name, value in given.items() if name not in _OF_DJANGO}


class _Use(Enum):
    """What a pool is for."""

    QUERIES = auto()
    LOOK_UPS = auto()
    SOCKETS = auto()


class _Limits(NamedTuple):
    """How many connections a pool has, and how many may wait for one, for how long."""

    connections: int
    waiting: int
    wait_seconds: float


def _limits(alias: str, use: _Use) -> _Limits:
    match use:
        case _Use.LOOK_UPS:
            return _Limits(RESERVED_CONNECTIONS, RESERVED_WAITING_MAX, RESERVED_WAIT_SECONDS_MAX)
        case _Use.SOCKETS:
            return _Limits(SOCKET_CONNECTIONS, SOCKET_WAITING_MAX, SOCKET_WAIT_SECONDS_MAX)
        case _Use.QUERIES:
            sizes = connections[alias].settings_dict["OPTIONS"]["pool"]
            return _Limits(sizes["max_size"], sizes.get("max_waiting", WAITING_MAX), sizes["timeout"])


class _Pool:
    """At most so many connections, of one event loop. They are made when they are needed and kept; who has to wait for
    one has so many seconds, and so many others may wait too; past either it raises DatabaseBusy.
    """

    def __init__(self, alias: str, use: _Use) -> None:
        given = connection_parameters(alias)
        self._parameters = {
            **given,
            "options": " ".join(filter(None, (given.get("options"), _session()))),
            "autocommit": True,
            "prepare_threshold": 0,  # At once.
        }
        self._limits = _limits(alias, use)
        self._free = asyncio.Semaphore(self._limits.connections)
        self._waiting = 0
        self._idle: list[_Connection] = []

    async def read(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Execute a statement on a free connection."""
        await self._wait()
        try:
            connection = self._taken() or await self._connected()
            try:
                return await connection.read(query, values)
            except _TableChanged:
                connection.pgconn.finish()
                raise
            finally:
                if connection.is_idle():
                    self._idle.append(connection)
                else:
                    connection.pgconn.finish()
        finally:
            self._free.release()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().pgconn.finish()

    async def _wait(self) -> None:
        if not self._free.locked():
            await self._free.acquire()  # At once.
            return
        if self._waiting >= self._limits.waiting:
            raise DatabaseBusy(f"{self._waiting} others wait for a connection already")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise DatabaseBusy(f"no connection was free for {self._limits.wait_seconds:g} s") from None
        finally:
            self._waiting -= 1

    def _taken(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_left():
                return connection
            connection.pgconn.finish()
        return None

    async def _connected(self) -> _Connection:
        return await _Connection.connect(**self._parameters)


def _session() -> str:
    return f"-c timezone=UTC -c statement_timeout={STATEMENT_SECONDS_MAX:g}s -c plan_cache_mode=force_generic_plan"


class _Pools:
    """The pools of one event loop, by Django's alias of the database and their use; they end with the loop."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, _Use], _Pool] = {}
        self._life = self._until_the_end()

    async def of(self, alias: str, use: _Use) -> _Pool:
        """Return a pool."""
        if not self._pools:
            await anext(self._life)
        name = (alias, use)
        if name not in self._pools:
            self._pools[name] = _Pool(alias, use)
        return self._pools[name]

    async def _until_the_end(self) -> AsyncIterator[None]:
        """Close the pools when the loop closes what is left of its generators, the last thing that it does."""
        try:
            yield
        finally:
            del _pools_by_loop[asyncio.get_running_loop()]
            for pool in self._pools.values():
                pool.close()


_pools_by_loop: Final[dict[asyncio.AbstractEventLoop, _Pools]] = {}


async def read(query: str, values: Sequence[Any] = (), *, using: str = DEFAULT_DB_ALIAS) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, in the database that Django knows by this alias.

    Raises DatabaseBusy, or StatementTooLong, which is one, and OperationalError when the database does not answer.
    """
    return await _read(query, values, using, _Use.QUERIES)


async def read_reserved(query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that says who asks or what they may, over connections that are kept for that.

    Raises as `read` does.
    """
    return await _read(query, values, DEFAULT_DB_ALIAS, _Use.LOOK_UPS)


async def read_for_socket(query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that a socket needs to begin or goes on with, over connections that are kept for
    that.

    Raises as `read` does.
    """
    return await _read(query, values, DEFAULT_DB_ALIAS, _Use.SOCKETS)


async def is_away(error: Exception, *, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Tell whether an error of Django's connections, or of `read`, means that this database is away.

    Django's pool says the same when all of its connections are in use as when it can make none: then the database is
    asked over a connection that nothing else uses.
    """
    if isinstance(error, DatabaseBusy) or isinstance(error.__cause__, TooManyRequests):
        return False
    return not isinstance(error.__cause__, PoolTimeout) or not await answers(using=using)


async def answers(*, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Ask a database over a connection that nothing else uses, and tell whether it is there."""
    try:
        await _read("SELECT 1", (), using, _Use.LOOK_UPS)
    except OperationalError as error:
        return isinstance(error, DatabaseBusy)
    return True


async def _read(query: str, values: Sequence[Any], alias: str, use: _Use) -> list[tuple[Any, ...]]:
    loop = asyncio.get_running_loop()
    if loop not in _pools_by_loop:
        _pools_by_loop[loop] = _Pools()
    pool = await _pools_by_loop[loop].of(alias, use)
    try:
        return await pool.read(query, values)
    except psycopg.errors.QueryCanceled as error:
        raise StatementTooLong(str(error)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError, _TableChanged) as error:
        raise OperationalError(str(error)) from error
    except psycopg.Error as error:  # As Django's own connections would.
        raise DatabaseError(str(error)) from error
