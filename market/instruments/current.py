"""The instruments that a process holds in memory, and whether the venue is stopped: immutable snapshots, made anew
within about a second of a change.

Whoever judges a command looks into `current_instruments()`: no query, no lock, no wait. A daemon thread asks PostgreSQL
once a second for the numbers of the latest changes, and fetches what changed since. Changes are numbered in the order
of their commits (models.py), so none is passed over. While PostgreSQL is away the process goes on with what it has. The
thread has a connection of its own: requests that use up Django's keep no change from being seen.

Only the first use waits, for the first answer and some seconds at most; the web process has it behind itself before it
serves (asgi.py). Until then `is_loaded` is False, and nothing is judged.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

import psycopg
import structlog
from django.db import DEFAULT_DB_ALIAS

from edge.database import BoundedConnection, connection_parameters
from market.corporate_actions.adjustments import NO_ADJUSTMENTS, Adjustment, Adjustments
from market.instruments.definition import InstrumentDefinition
from market.venue.state import LATEST_CHANGE_SQL, NOT_LOADED, RUNNING, VenueState

REFRESH_SECONDS: Final = 1.0
FIRST_LOAD_SECONDS_MAX: Final = 5.0
"""How long the first use waits for PostgreSQL."""

_VERSIONS: Final = """
    SELECT (SELECT coalesce(max(id), 0) FROM market_instrumentchange),
        (SELECT count(*) FROM market_corporateaction WHERE repriced_at IS NOT NULL),
        (SELECT coalesce(max(id), 0) FROM market_venuechange)
"""
_ADJUSTMENTS: Final = """
    SELECT (extract(epoch FROM repriced_at) * 1000000)::bigint, symbol, coalesce(numerator, 1),
        coalesce(denominator, 1), new_symbol
    FROM market_corporateaction WHERE repriced_at IS NOT NULL ORDER BY repriced_at, id
"""
_COLUMNS: Final = ", ".join(field.name for field in fields(InstrumentDefinition))
_CHANGED: Final = f"""
    SELECT {_COLUMNS} FROM market_instrument
    WHERE symbol IN (SELECT symbol FROM market_instrumentchange WHERE id > %s)
"""  # noqa: S608 - of the names of our own columns.

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Instruments:
    """All instruments as of one change; its `version` is the number of that change."""

    by_symbol: Mapping[str, InstrumentDefinition]
    """In the order of symbols."""
    version: int
    is_loaded: bool = True
    adjustments: Adjustments = NO_ADJUSTMENTS
    """What corporate actions make of the replayed prices: none is ever taken back, so their number is a version."""

    @classmethod
    def of(
        cls,
        definitions: Mapping[str, InstrumentDefinition],
        *,
        version: int,
        adjustments: Adjustments = NO_ADJUSTMENTS,
    ) -> "Instruments":
        """Return a snapshot of these instruments."""
        ordered = {symbol: definitions[symbol] for symbol in sorted(definitions)}
        return cls(by_symbol=MappingProxyType(ordered), version=version, adjustments=adjustments)


_NOT_LOADED: Final = Instruments(by_symbol=MappingProxyType({}), version=0, is_loaded=False)


class InstrumentFollower:
    """Holds a snapshot and keeps it current. One for a process; `refresh` is for its thread, or for a test's."""

    def __init__(self) -> None:
        self._held = _NOT_LOADED
        self._venue = NOT_LOADED
        self._is_away = False
        self._is_fixed = False
        self._connection: BoundedConnection | None = None
        self.forget_thread()

    def current(self) -> Instruments:
        """Return the snapshot; the first use starts to follow the changes."""
        if self._thread is None and not self._is_fixed:
            self._start()
        return self._held

    def venue(self) -> VenueState:
        """Return whether the venue is stopped, as of the same look as the instruments."""
        self.current()
        return self._venue

    def hold(self, instruments: Instruments, venue: VenueState = RUNNING) -> None:
        """Hold these and follow no changes: for one-off processes without a database, and for tests."""
        self._held, self._venue, self._is_fixed = instruments, venue, True

    def refresh(self) -> None:
        """Ask PostgreSQL once for what changed; what keeps it from answering is logged once, until it answers."""
        try:
            if self._connection is None:
                self._connection = BoundedConnection.connect(**connection_parameters(DEFAULT_DB_ALIAS), autocommit=True)
            ((version, adjustment_count, venue_version),) = self._connection.execute(_VERSIONS)
            self._held = _newer(self._held, version, adjustment_count, self._connection)
            self._venue = _newer_venue(self._venue, venue_version, self._connection)
        except psycopg.Error as error:
            self.close()
            if not self._is_away:
                log.warning("instruments.database_away", reason=str(error), version=self._held.version)
            self._is_away = True
        else:
            if self._is_away:
                log.info("instruments.database_back", version=self._held.version)
            self._is_away = False

    def close(self) -> None:
        """Close the connection; the next look makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def forget_thread(self) -> None:
        """Have no thread: at first, and in a process that was forked, which has none of its parent's and leaves the
        connection to it.
        """
        self._connection = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._was_asked = threading.Event()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="instruments", daemon=True)
                self._thread.start()
        self._was_asked.wait(FIRST_LOAD_SECONDS_MAX)

    def _follow(self) -> None:
        while True:
            try:
                self.refresh()
            except Exception:  # What nobody thought of must not end the thread: the next look may do better.
                log.exception("instruments.refresh_failed")
            self._was_asked.set()
            time.sleep(REFRESH_SECONDS)


def _newer(held: Instruments, version: int, adjustment_count: int, database: psycopg.Connection) -> Instruments:
    """Return what PostgreSQL has: the same snapshot when nothing changed.

    A version below the one that is held is that of another database (one that was restored): all is read anew. What is
    read may be newer than its version; then it is read once more.
    """
    adjustments = held.adjustments
    if adjustment_count != len(adjustments.applied):
        adjustments = Adjustments(tuple(Adjustment(*row) for row in database.execute(_ADJUSTMENTS)))
    elif held.is_loaded and version == held.version:
        return held
    known = held if version >= held.version else _NOT_LOADED
    changed = {row[0]: InstrumentDefinition(*row) for row in database.execute(_CHANGED, [known.version])}
    return Instruments.of({**known.by_symbol, **changed}, version=version, adjustments=adjustments)


def _newer_venue(held: VenueState, version: int, database: psycopg.Connection) -> VenueState:
    """Return what PostgreSQL says of the venue: the same when nothing changed."""
    if held.is_loaded and version == held.version:
        return held
    row = database.execute(LATEST_CHANGE_SQL).fetchone()
    return RUNNING if row is None else VenueState(*row)


_follower: Final = InstrumentFollower()
os.register_at_fork(after_in_child=_follower.forget_thread)


def current_instruments() -> Instruments:
    """Return the instruments that this process holds now."""
    return _follower.current()


def current_venue() -> VenueState:
    """Return whether the venue is stopped, as far as this process knows: as of its latest look into PostgreSQL."""
    return _follower.venue()


def hold_instruments(instruments: Instruments, *, venue: VenueState = RUNNING) -> None:
    """Make this process hold these instruments and this state of the venue, and follow no changes."""
    _follower.hold(instruments, venue)
