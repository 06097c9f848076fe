"""Stored positions and days follow the trades: some of them later, in one statement for many accounts.

A round writes trades and the accounts' own figures; to replace a position and a day for every trade as well would cost
PostgreSQL more than all the rest. So `account_summary.positions_version` says up to which version the rows of
stored_positions and stored_days, and the three columns that are made of them, have followed, and readers put newer
trades over them (current_views.py). They follow when an account has `TRADES_BEHIND_MAX` newer events, when the first
of them is `SECONDS_BEHIND_MAX` old (under load `SECONDS_BEHIND_UNDER_LOAD_MAX`), and in every round in which an account
trades or has an order while one works, or a corporate action or a mark moves its positions or days without a trade:
what working sells keep, and what such an event led to, is in stored rows alone. Nothing of this is kept in
memory: a worker that dies leaves rows that are behind, and no error.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from django.db import connection, transaction
from psycopg import sql

from eventstore.kernels.compiling import Octets
from readmodels.projections import account_summary, portfolio_positions
from readmodels.projections.changes import ReservedShares
from readmodels.projections.corporate_actions import Moves, Place
from readmodels.projector import binary_rows as binary
from readmodels.projector import locks, tables
from readmodels.views.current_views import average_cost_sql, market_value_sql

TRADES_BEHIND_MAX: Final = 512
"""So many events of an account may be newer than its stored rows; a read of the account goes through them."""
SECONDS_BEHIND_MAX: Final = 10
"""So old may the first of them get before the rows follow: lists over the whole firm show stored figures."""
SECONDS_BEHIND_UNDER_LOAD_MAX: Final = 30
"""The same while rounds are large: a row that follows is then shared by three times as many trades."""
ACCOUNTS_AT_ONCE_MAX: Final = 60
"""Accounts of one statement; it takes some hundredths of a second, in which their partitions wait. Where thousands are
due at once, as some seconds after a load began, rounds come between.
"""

_LOCKED: Final = sql.SQL(
    "SELECT uuid_send(account_id) FROM account_summary WHERE account_id = ANY(%s) AND positions_version < version "
    "ORDER BY account_id FOR UPDATE"
)
_AGED: Final = sql.SQL(
    "SELECT uuid_send(account_id) FROM account_summary "
    "WHERE behind_since < now() - %s * interval '1 second' ORDER BY behind_since LIMIT %s FOR UPDATE SKIP LOCKED"
)
_BEHIND: Final = sql.SQL("SELECT uuid_send(account_id) FROM account_summary WHERE positions_version < version")
_FOLLOW: Final = sql.SQL(
    """WITH newest AS MATERIALIZED (
        SELECT DISTINCT ON (account_id, symbol, day) trade.* FROM account_summary AS account CROSS JOIN LATERAL (
            SELECT account_id, version, symbol, day, position_quantity, position_cost, price, position_realized_pnl,
                executed_at, day_trades, day_volume, day_realized_pnl
            FROM trades AS each
            WHERE each.account_id = account.account_id AND each.version > account.positions_version OFFSET 0
        ) AS trade WHERE account.account_id = ANY(%s)
        ORDER BY account_id, symbol, day DESC, version DESC
    ),
    days AS (
        INSERT INTO stored_days AS stored (account_id, date, trades, volume, realized_pnl, dividends, version)
        SELECT DISTINCT ON (account_id, day) account_id, day, day_trades, day_volume, day_realized_pnl, 0, version
        FROM newest ORDER BY account_id, day, version DESC
        ON CONFLICT (account_id, date) DO UPDATE SET trades = excluded.trades, volume = excluded.volume,
            realized_pnl = excluded.realized_pnl, version = excluded.version
        WHERE excluded.version > stored.version
    )
    INSERT INTO stored_positions AS stored (account_id, symbol, quantity, reserved_quantity, cost, avg_cost, last_price,
        market_value, realized_pnl, version, updated_at)
    SELECT account_id, (SELECT name FROM names WHERE number = latest.symbol), position_quantity, 0, position_cost,
        {average_cost}, price, {market_value}, position_realized_pnl, version, executed_at
    FROM (SELECT DISTINCT ON (account_id, symbol) * FROM newest ORDER BY account_id, symbol, version DESC) AS latest
    ON CONFLICT (account_id, symbol) DO UPDATE SET quantity = excluded.quantity, cost = excluded.cost,
        avg_cost = excluded.avg_cost,
        last_price = excluded.last_price, market_value = excluded.market_value, realized_pnl = excluded.realized_pnl,
        version = excluded.version, updated_at = excluded.updated_at
    WHERE excluded.version > stored.version"""
).format(
    average_cost=sql.SQL(average_cost_sql(cost="position_cost", quantity="position_quantity")),
    market_value=sql.SQL(market_value_sql(quantity="position_quantity", price="price")),
)
_MOVED_POSITIONS: Final = sql.SQL(
    """INSERT INTO stored_positions AS stored (account_id, symbol, quantity, reserved_quantity, cost, avg_cost,
        last_price, market_value, realized_pnl, version, updated_at)
    SELECT account_id, symbol, quantity, 0, cost, {average_cost},
        price, {market_value}, realized_pnl, version, updated_at
    FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
        %s::timestamptz[]) AS given (account_id, symbol, quantity, cost, price, realized_pnl, version, updated_at)
    ON CONFLICT (account_id, symbol) DO UPDATE SET quantity = excluded.quantity, cost = excluded.cost,
        avg_cost = excluded.avg_cost, last_price = excluded.last_price, market_value = excluded.market_value,
        realized_pnl = excluded.realized_pnl, version = excluded.version, updated_at = excluded.updated_at
    WHERE excluded.version > stored.version"""
).format(
    average_cost=sql.SQL(average_cost_sql(cost="cost", quantity="quantity")),
    market_value=sql.SQL(market_value_sql(quantity="quantity", price="price")),
)
_MARKED: Final = sql.SQL(
    """UPDATE stored_positions AS stored SET last_price = given.price, market_value = {market_value},
        version = given.version, updated_at = given.updated_at
    FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[])
        AS given (account_id, symbol, price, version, updated_at)
    WHERE stored.account_id = given.account_id AND stored.symbol = given.symbol AND given.version > stored.version"""
).format(market_value=sql.SQL(market_value_sql(quantity="stored.quantity", price="given.price")))
_MOVED_DAYS: Final = sql.SQL(
    """INSERT INTO stored_days AS stored (account_id, date, trades, volume, realized_pnl, dividends, version)
    SELECT account_id, date, trades, volume, realized_pnl, 0, version
    FROM unnest(%s::uuid[], %s::date[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS given (account_id, date, trades, volume, realized_pnl, version)
    ON CONFLICT (account_id, date) DO UPDATE SET trades = excluded.trades, volume = excluded.volume,
        realized_pnl = excluded.realized_pnl, version = excluded.version
    WHERE excluded.version > stored.version"""
)
_DIVIDENDS: Final = sql.SQL(
    """INSERT INTO stored_days AS stored (account_id, date, trades, volume, realized_pnl, dividends, version)
    SELECT account_id, date, 0, 0, 0, dividends, version
    FROM unnest(%s::uuid[], %s::date[], %s::bigint[], %s::bigint[]) AS given (account_id, date, dividends, version)
    ON CONFLICT (account_id, date) DO UPDATE SET dividends = excluded.dividends,
        version = GREATEST(stored.version, excluded.version)"""
)
_FOLLOWED: Final = sql.SQL(
    """UPDATE account_summary AS stored SET positions_version = version, behind_since = NULL,
        open_positions = COALESCE(held.open_positions, 0), largest_position = COALESCE(held.largest_position, 0),
        largest_symbol = COALESCE(held.largest_symbol, '')
    FROM unnest(%s) AS given (account_id) LEFT JOIN LATERAL ({concentration}) AS held ON true
    WHERE stored.account_id = given.account_id"""
).format(
    concentration=sql.SQL(
        account_summary.CONCENTRATION.format(account_id="given.account_id", positions=portfolio_positions.TABLE)
    )
)
_RESERVED: Final = sql.SQL(
    """UPDATE stored_positions AS stored SET reserved_quantity = given.quantity,
        version = GREATEST(stored.version, given.version), updated_at = GREATEST(stored.updated_at, given.updated_at)
    FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[])
        AS given (account_id, symbol, quantity, version, updated_at)
    WHERE stored.account_id = given.account_id AND stored.symbol = given.symbol"""
)


class PositionNotFound(Exception):
    """A sell works on a symbol that has no row: the table is not what the events say."""


def reserve(reserved: Mapping[Place, ReservedShares]) -> None:
    """Note what working sells keep of positions, in a transaction of the caller, after the rows of their accounts have
    followed: an account sells only what it has. Raises PositionNotFound.
    """
    if not reserved:
        return
    rows = [(*place, *kept) for place, kept in reserved.items()]
    with connection.cursor() as cursor:
        cursor.execute(_RESERVED, [list(column) for column in zip(*rows, strict=True)])
        found = cursor.rowcount
    if found != len(rows):
        raise PositionNotFound(f"{len(rows)} positions have shares that sells keep, {found} are in the table")


def follow(keys: Octets, moves: Moves | None = None) -> None:
    """Let the stored rows of those of these accounts follow that are behind, in a transaction of the caller; `keys`
    u1[n, 16] are the bytes of their ids. `moves` are what moves rows of theirs without a trade, up to the same version.

    Their own rows are locked first, by a statement before: the next one sees all trades up to the versions in them.
    """
    if len(keys):
        _follow_locked(tables.fetch(_LOCKED, [binary.uuid_array(keys)]), moves)


def follow_aged(*, is_under_load: bool = False) -> int:
    """Let the stored rows of accounts follow that have been behind for too long; return how many there were, at most
    ACCOUNTS_AT_ONCE_MAX. Those that a worker is at are left to it, or to the next call.
    """
    seconds = SECONDS_BEHIND_UNDER_LOAD_MAX if is_under_load else SECONDS_BEHIND_MAX
    with transaction.atomic():
        if not locks.may_project():
            return 0
        found = tables.fetch(_AGED, [seconds, ACCOUNTS_AT_ONCE_MAX])
        _follow_locked(found)
    return len(found)


def follow_all() -> None:
    """Let the stored rows of every account follow, in a transaction of the caller."""
    found = _octets(tables.fetch(_BEHIND, []))
    for start in range(0, len(found), ACCOUNTS_AT_ONCE_MAX):
        follow(found[start : start + ACCOUNTS_AT_ONCE_MAX])


def _follow_locked(rows: Sequence[tuple[bytes]], moves: Moves | None = None) -> None:
    if rows:
        keys = binary.uuid_array(_octets(rows))
        tables.execute(_FOLLOW, [keys])
        if moves is not None:
            _move(moves)
        tables.execute(_FOLLOWED, [keys])


def _move(moves: Moves) -> None:
    """Move rows without a trade: first all of a row, then what is but a column of it."""
    for statement, moved in (
        (_MOVED_POSITIONS, moves.positions),
        (_MARKED, moves.marks),
        (_MOVED_DAYS, moves.days),
        (_DIVIDENDS, moves.dividends),
    ):
        rows = [(*place, *values) for place, values in moved.items()]
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])


def _octets(rows: Sequence[tuple[bytes]]) -> Octets:
    return np.frombuffer(b"".join([key for (key,) in rows]), np.uint8).reshape(-1, binary.UUID_BYTES)
