"""What the platform needs, and how each is asked: from the web process, over connections of its own.

A check never waits in a pool behind requests, and none holds a thread for ever: PostgreSQL and Valkey are asked without
one, writers within their own deadline, the event store within its driver's.
"""

import asyncio
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import psycopg
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from redis import asyncio as redis_asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from accounts.writer.bus.zeromq import ZeroMQBus
from eventstore.audit.checkpointing import CHECKPOINT_KIND
from eventstore.engines.sqlite.database import sqlite_version, wal_reset_fault
from eventstore.store import get_store
from identity.actors import actor_text
from market.instruments.current import current_venue
from readmodels import pulse
from tradingplatform.bootstrap import make_writer_bus, writer_routes
from tradingplatform.health.readiness import CHECK_SECONDS_MAX, Check, Status, Unwell

V = TypeVar("V")

CONNECT_SECONDS_MAX: Final = 2
WRITER_SECONDS_MAX: Final = 0.9
THREADS_MAX: Final = 8
FREE_BYTES_MIN: Final = 500 * 1024 * 1024
"""As `make run` wants before it starts."""
PULSE_SECONDS_MAX: Final = 10.0
HEADS_KEPT_SECONDS: Final = 5.0
BEHIND_SECONDS_MAX: Final = 5.0
_DATABASE_OPTIONS: Final = ("sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs")


class Checks:
    """The checks of one event loop, and the connections that they use."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="health")
        self._database: psycopg.AsyncConnection[Any] | None = None
        self._connecting = asyncio.Lock()
        self._valkey = redis_asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=CHECK_SECONDS_MAX,
            socket_connect_timeout=CHECK_SECONDS_MAX,
            retry=Retry(NoBackoff(), 1),  # For a pooled connection that a restarted server has forgotten.
        )
        self._heads: dict[int, int] = {}
        self._heads_at = float("-inf")
        self._counted: dict[str, tuple[float, int]] = {}

    def all(self) -> dict[str, Check]:
        """Return every check, by the name of what it asks."""
        return {
            "postgresql": self._check_postgresql,
            "valkey": self._check_valkey,
            "event_store": self._check_event_store,
            **self._writers(),
            "projector": self._check_projector,
            "beat": self._check_beat,
            "venue": self._check_venue,
            "disk": self._check_disk,
        }

    def _writers(self) -> dict[str, Check]:
        if settings.COMMAND_BUS == "in_process":
            return {}
        routes = writer_routes()
        return {
            "writer" if len(routes) == 1 else f"writer-{number}": partial(
                self._check_writer, route.endpoint, make_writer_bus(route, deadline_seconds=WRITER_SECONDS_MAX)
            )
            for number, route in enumerate(routes, start=1)
        }

    async def _check_postgresql(self) -> str:
        await self._rows("SELECT 1")
        return "answers"

    async def _check_valkey(self) -> str:
        ping: Any = self._valkey.ping()
        await ping
        return "answers"

    async def _check_event_store(self) -> str:
        await self._in_thread(lambda: get_store().engine.latest_document(kind=CHECKPOINT_KIND))
        if settings.EVENT_STORE != "sqlite":
            return "readable"
        fault = wal_reset_fault(sqlite_version())
        if fault is not None:
            raise Unwell(Status.SLOW, fault)
        return f"readable, SQLite {sqlite_version()}"

    async def _check_writer(self, endpoint: str, bus: ZeroMQBus) -> str:
        status = await self._in_thread(bus.status)
        if status is None:
            raise Unwell(Status.DOWN, "does not answer")
        now, count = time.monotonic(), sum(command.count for command in status.commands)
        before, counted = self._counted.get(endpoint, (now, count))
        self._counted[endpoint] = (now, count)
        rate = max(0, count - counted) / (now - before) if now > before else 0.0
        return f"{rate:,.0f} commands/s, {status.queued:,} waiting, p99 {status.single.p99_ms:.1f} ms"

    async def _check_projector(self) -> str:
        heads = await self._newest()
        rows = await self._rows("SELECT partition, seq, stopped_because FROM projection_checkpoints")
        stopped = sorted(partition for partition, _, reason in rows if reason)
        if stopped:
            raise Unwell(Status.DOWN, f"partitions {stopped} have stopped: `manage.py projection_status` says why")
        await self._check_pulse(pulse.PROJECTOR)
        seqs = {partition: seq for partition, seq, _ in rows}
        behind = {partition: head - seqs.get(partition, 0) for partition, head in heads.items()}
        farthest = max(behind, key=lambda partition: behind[partition])
        if behind[farthest] <= 0:
            return "up to date"
        seconds = await self._in_thread(partial(_age_of_next, farthest, seqs.get(farthest, 0)))
        said = f"{sum(count for count in behind.values() if count > 0):,} batches behind, {seconds:.1f} s"
        if seconds > BEHIND_SECONDS_MAX:
            raise Unwell(Status.SLOW, said)
        return said

    async def _check_beat(self) -> str:
        return await self._check_pulse(pulse.BEAT)

    async def _check_venue(self) -> str:
        """Return that nobody stopped the venue, as far as this process knows: it asks PostgreSQL every second."""
        state = await self._in_thread(current_venue)  # The first use of a process may wait.
        if not state.is_loaded:
            raise Unwell(Status.DOWN, "PostgreSQL has not said yet whether it is stopped: it fills nothing until then")
        if state.is_stopped:
            since = "" if state.at is None else f" since {state.at:%Y-%m-%d %H:%M:%S} UTC"
            raise Unwell(Status.SLOW, f"stopped by {actor_text(state.actor)}{since}: {state.reason}")
        return "was not stopped by hand"

    async def _check_disk(self) -> str:
        free = (await self._in_thread(partial(shutil.disk_usage, settings.DATA_DIR))).free
        if free < FREE_BYTES_MIN:
            raise Unwell(Status.DOWN, f"{free // 1024**2:,} MB are left, and {FREE_BYTES_MIN // 1024**2} MB are needed")
        return f"{free // 1024**3:,} GB are left"

    async def _check_pulse(self, name: str) -> str:
        """Return when a process gave its latest sign of life; raises Unwell when that is long ago."""
        pttl: Any = self._valkey.pttl(cache.make_key(name))
        kept_milliseconds = await pttl
        if kept_milliseconds < 0:
            raise Unwell(Status.DOWN, "has not been heard of since Valkey started")
        seconds = pulse.KEPT_SECONDS - kept_milliseconds / 1_000
        if seconds > PULSE_SECONDS_MAX:
            raise Unwell(Status.DOWN, f"was heard of {seconds:.0f} s ago")
        return f"was heard of {seconds:.0f} s ago"

    async def _newest(self) -> dict[int, int]:
        """Return the newest batch of every partition, as of now or, where that is a query for each, of some seconds
        ago.
        """
        now = time.monotonic()
        if settings.EVENT_STORE == "sqlite" or now - self._heads_at > HEADS_KEPT_SECONDS:
            self._heads, self._heads_at = await self._in_thread(lambda: get_store().heads()), now
        return self._heads

    async def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        async with self._connecting:
            if self._database is None or self._database.closed:
                self._database = await psycopg.AsyncConnection.connect(**_database_address(), autocommit=True)
        try:
            cursor = await self._database.execute(statement)
            return await cursor.fetchall()
        except psycopg.OperationalError:
            await self._database.close()
            raise

    async def _in_thread(self, ask: Callable[[], V]) -> V:
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)


def _age_of_next(partition: int, seq: int) -> float:
    """Return how many seconds ago the batch after a position was written."""
    batches = get_store().engine.read(partition=partition, after_seq=seq, limit=1)
    return max(0.0, time.time() - batches[0].last_timestamp / 1_000_000) if batches else 0.0


def _database_address() -> dict[str, Any]:
    configured = connections["default"].settings_dict
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    address = {name: configured[setting] for setting, name in names.items() if configured[setting]}
    options = {name: value for name, value in configured["OPTIONS"].items() if name in _DATABASE_OPTIONS}
    return {**address, **options, "connect_timeout": CONNECT_SECONDS_MAX}
