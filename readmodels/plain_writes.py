"""Writes the rows of plain trades and refusals: one COPY for each table that grows, one statement for the figures of
accounts, whatever the number of events. Positions and days follow later (stored_rows.py).

In a transaction of the caller. Every row that is replaced must move on: anything else means that the tables are not
what was read from them, and raises RowsNotMoved.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from psycopg import sql

from accounts.domain.events import CommandRefused
from readmodels import binary_rows as binary
from readmodels import stored_rows, tables, year_partitions
from readmodels.binary_rows import Fixed
from readmodels.projections import account_summary, activity, firm, trade_history
from readmodels.projections.plain_trades import Columns, Sorted

Values = Sequence[Any]
_JSONB_VERSION: Final = b"\x01"
_MICROSECONDS: Final = 1_000_000


class RowsNotMoved(Exception):
    """A row did not move on to the version that follows the one that was read."""


class Standing(NamedTuple):
    """What is known of accounts before: the version of their rows, and of their stored positions, and their
    currency.
    """

    versions: dict[bytes, int]
    positions_versions: dict[bytes, int]
    currencies: dict[bytes, str]


def standing_accounts(keys: Sequence[bytes]) -> Standing:
    """Return those accounts that stand in the tables without working orders."""
    query = sql.SQL(
        "SELECT uuid_send(account_id), version, positions_version, currency FROM account_summary "
        "WHERE account_id = ANY(%s) AND open_orders = 0"
    )
    rows = tables.fetch(query, [binary.uuid_array(keys)])
    return Standing(
        {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}, {row[0]: row[3] for row in rows}
    )


def write(found: Sorted, standing: Standing) -> None:
    """Write everything; `standing` is what was known of the accounts. Raises RowsNotMoved."""
    trades, refusals = found.trades, found.refusals
    years = {_year(timestamp) for each in (trades, refusals) for timestamp in _ends(each["recorded_at"])}
    year_partitions.ensure_years(range(min(years), max(years) + 1))
    if trades:
        _copy_trades(trades)
    if refusals:
        _copy_refusals(refusals)
    _move_accounts(found)
    stored_rows.follow(_due(found, standing))
    tables.add_sums(firm.sums_of_columns(trades, refusals, standing.currencies))


def _due(found: Sorted, standing: Standing) -> list[bytes]:
    """Return the accounts that have got as many newer events as stored rows may be behind."""
    before = standing.positions_versions
    return [key for key, version in found.versions.items() if version - before[key] >= stored_rows.TRADES_BEHIND_MAX]


def _copy_trades(trades: Columns) -> None:
    fixed = {
        "account_id": binary.uuids(trades.keys),
        "version": binary.integers(trades["version"]),
        "trade_id": binary.uuids(trades.event_keys),
        "executed_at": binary.instants(trades["recorded_at"]),
        "day": binary.dates(trades["day"]),
        **{name: Fixed(">i8", trades.integers(name)) for name in _TRADE_NUMBERS},
    }
    texts = {
        "command_id": binary.texts(trades["command_id"]),
        **{name: binary.repeated_texts(trades[name]) for name in _REPEATED},
    }
    rows = binary.rows(list(fixed.values()), list(texts.values()), binary.in_order_of(trades.keys))
    tables.copy_binary(table=trade_history.TABLE, columns=[*fixed, *texts], rows=rows)


_TRADE_NUMBERS: Final = (
    "quantity",
    "price",
    "value",
    "fee",
    "realized_pnl",
    "cash_after",
    "position_quantity",
    "position_cost",
    "position_realized_pnl",
    "total_realized_pnl",
    "total_fees",
    "positions_cost",
    "portfolio_value",
    "trade_count",
    "day_volume",
    "day_trades",
    "day_realized_pnl",
)
_REPEATED: Final = ("symbol", "side", "order_id", "actor", "correlation_id", "causation_id")


def _copy_refusals(refusals: Columns) -> None:
    fixed = {
        "account_id": binary.uuids(refusals.keys),
        "version": binary.integers(refusals["version"]),
        "event_id": binary.uuids(refusals.event_keys),
        "recorded_at": binary.instants(refusals["recorded_at"]),
    }
    count = len(refusals)
    correlation_ids = [
        given or own for given, own in zip(refusals["correlation_id"], refusals["command_id"], strict=True)
    ]
    fields = zip(*(refusals[name] for name in CommandRefused.__struct_fields__), strict=True)
    data = [_JSONB_VERSION + json.dumps(activity.readable(CommandRefused(*values))).encode() for values in fields]
    texts = {
        "event_type": binary.repeated_texts([CommandRefused.__name__] * count),
        "actor": binary.repeated_texts(refusals["actor"]),
        "command_id": binary.texts(refusals["command_id"]),
        "correlation_id": binary.texts(correlation_ids),
        "causation_id": binary.texts(refusals["causation_id"]),
        "data": binary.octet_strings(data),
    }
    rows = binary.rows(list(fixed.values()), list(texts.values()), binary.in_order_of(refusals.keys))
    tables.copy_binary(table=activity.TABLE, columns=[*fixed, *texts], rows=rows)


_TRADED: Final = sql.SQL(
    """UPDATE account_summary AS stored SET version = given.version, updated_at = given.updated_at,
        cash = given.cash, positions_cost = given.positions_cost, portfolio_value = given.portfolio_value,
        realized_pnl = given.realized_pnl, trade_count = given.trade_count, day_date = given.day_date,
        day_volume = given.day_volume, day_trades = given.day_trades, day_realized_pnl = given.day_realized_pnl,
        behind_since = COALESCE(stored.behind_since, now())
    FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) AS given (account_id, version, updated_at, cash,
        positions_cost, portfolio_value, realized_pnl, trade_count, day_date, day_volume, day_trades, day_realized_pnl)
    WHERE stored.account_id = given.account_id AND given.version > stored.version"""
)
_FIGURES: Final = (
    *("cash_after", "positions_cost", "portfolio_value", "total_realized_pnl", "trade_count"),
    *("day_volume", "day_trades", "day_realized_pnl"),
)
"""What a trade says of its account, in the order of _TRADED, where the day comes after the first five."""
_REFUSED: Final = sql.SQL(
    """UPDATE account_summary AS stored SET version = given.version, updated_at = given.updated_at
    FROM unnest(%s, %s, %s) AS given (account_id, version, updated_at)
    WHERE stored.account_id = given.account_id AND given.version > stored.version"""
)


def _move_accounts(found: Sorted) -> None:
    """A trade gives an account its figures; its version and time are those of its last event, whichever it is."""
    trades, refusals = found.trades, found.refusals
    last = _last(trades.keys)
    traded = _at(trades.keys, last)
    updated_at = dict(zip(traded, _at(trades["recorded_at"], last), strict=True))
    for key, version, timestamp in zip(refusals.keys, refusals["version"], refusals["recorded_at"], strict=True):
        if found.versions[key] == version:
            updated_at[key] = timestamp
    if traded:
        parameters = [
            *_heads(found, traded, updated_at),
            *(binary.integer_array(trades.integers(name)[last]) for name in _FIGURES[:5]),
            binary.date_array(trades.integers("day")[last]),
            *(binary.integer_array(trades.integers(name)[last]) for name in _FIGURES[5:]),
        ]
        _moved(account_summary.TABLE, len(traded), tables.execute(_TRADED, parameters))
    refused = list(updated_at.keys() - set(traded))
    if refused:
        touched = tables.execute(_REFUSED, _heads(found, refused, updated_at))
        _moved(account_summary.TABLE, len(refused), touched)


def _heads(found: Sorted, keys: Sequence[bytes], updated_at: Mapping[bytes, int]) -> list[binary.Array]:
    return [
        binary.uuid_array(keys),
        binary.integer_array([found.versions[key] for key in keys]),
        binary.instant_array([updated_at[key] for key in keys]),
    ]


def _last(places: Sequence[Any]) -> list[int]:
    """Return the index of the last event of each place."""
    return list(dict(zip(places, range(len(places)), strict=True)).values())


def _at(values: Values, indices: Sequence[int]) -> list[Any]:
    return [values[index] for index in indices]


def _moved(table: str, expected: int, found: int) -> None:
    if expected != found:
        raise RowsNotMoved(f"{table}: {expected} rows should have moved on, and {found} did")


def _ends(timestamps: Values) -> Values:
    return (min(timestamps), max(timestamps)) if timestamps else ()


def _year(timestamp: int) -> int:
    return datetime.fromtimestamp(timestamp // _MICROSECONDS, UTC).year
