"""Writes the rows of a round: one COPY for each table that grows, one statement for the figures that trades give to
accounts, whatever the number of events. Positions and days follow later (stored_rows.py).

In a transaction of the caller. Trades and refusals are columns from the journal to PostgreSQL; other events move rows
on one by one (projections/changes.py). Rows that are replaced must be those that were read: anything else means that
somebody else writes them, and raises RowsNotMoved.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

import msgspec
import numpy as np
from psycopg import sql

from eventstore.columns.batches import EventColumns
from eventstore.kernels.compiling import Integers, Octets
from readmodels.projections import account_summary, activity, firm, orders, trade_history
from readmodels.projections.changes import Changes, changes_of
from readmodels.projections.classified import ClassifiedEvents, Columns, CurrentVersions, classify, last_of_each
from readmodels.projections.rows import Row
from readmodels.projector import binary_rows as binary
from readmodels.projector import stored_rows, tables, year_partitions
from readmodels.projector.binary_rows import Fixed

T = TypeVar("T")

_JSONB_VERSION: Final = b"\x01"
_MICROSECONDS: Final = 1_000_000
_decode_text: Final = msgspec.msgpack.Decoder(str).decode
_decode_text_or_none: Final = msgspec.msgpack.Decoder(str | None).decode


class RowsNotMoved(Exception):
    """A row did not stand on the version that was read."""


class Written(NamedTuple):
    """The accounts that moved on: the bytes of their ids u1[n, 16] and the versions before and after i8[n]; and the
    rows of the orders that did.
    """

    keys: Octets
    from_versions: Integers
    versions: Integers
    orders: list[Row]


def write(events: EventColumns) -> Written:
    """Write the rows of the events that are new; raises VersionSkipped, and whatever an event cannot be written for."""
    current = current_versions(events.aggregate_keys)
    found = classify(events, current)
    year_partitions.ensure_years(_years(found))
    changes = _write_others(found)
    _copy_trades(found.trades)
    _copy_activities(found)
    _move_accounts(found, current, changes)
    stored_rows.follow(events.aggregate_keys[_due(found, current, changes)], changes.moves)
    stored_rows.reserve(changes.reserved)
    tables.add_sums(
        firm.sums_of(
            found,
            currencies=_currencies(events.aggregate_keys, current, changes),
            currency_of=lambda account_id: str(changes.summaries[account_id]["currency"]),
        )
    )
    moved = np.flatnonzero(found.versions > current.versions)
    return Written(
        events.aggregate_keys[moved], current.versions[moved], found.versions[moved], list(changes.orders.values())
    )


_CURRENT: Final = sql.SQL(
    "SELECT uuid_send(account_id), version, positions_version, open_orders, currency FROM account_summary "
    "WHERE account_id = ANY(%s)"
)


def current_versions(keys: Octets) -> CurrentVersions:
    """Return what the rows of accounts say: u1[n, 16] are the bytes of their ids."""
    numbers = {key: number for number, key in enumerate(binary.uuids(keys).values.tolist())}
    figures = np.zeros((3, len(keys)), np.int64)
    currencies = [""] * len(keys)
    rows = tables.fetch(_CURRENT, [binary.uuid_array(keys)])
    if rows:
        found, *columns, of_rows = zip(*rows, strict=True)
        places = [numbers[key] for key in found]
        figures[:, places] = columns
        for place, currency in zip(places, of_rows, strict=True):
            currencies[place] = currency
    return CurrentVersions(figures[0], figures[1], figures[2], currencies)


def _write_others(found: ClassifiedEvents) -> Changes:
    """Write the rows that events other than trades and refusals move on."""
    account_ids = {recorded.account_id for recorded in found.others}
    order_ids = {recorded.event.order_id for recorded in found.others if isinstance(recorded.event, orders.EVENTS)}
    summaries = tables.read_rows(table=account_summary.TABLE, column="account_id", values=account_ids, are_locked=True)
    known_orders = tables.read_rows(table=orders.TABLE, column="order_id", values=order_ids)
    changes = changes_of(
        found.others,
        {str(row["account_id"]): row for row in summaries},
        {str(row["order_id"]): row for row in known_orders},
    )
    tables.upsert_rows(table=account_summary.TABLE, key=account_summary.KEY, rows=changes.summaries.values())
    tables.upsert_rows(table=orders.TABLE, key=orders.KEY, rows=changes.orders.values())
    return changes


def _copy_trades(trades: Columns) -> None:
    if not len(trades):
        return
    correlations, causations, actors = trades.origins()
    symbols, sides = trades.distinct("symbol", _decode_text), trades.distinct("side", _decode_text)
    numbers = tables.numbers_of({*symbols.values, *actors.values})
    command_ids = trades.command_ids
    command_keys, are_uuids = binary.uuids_among(command_ids)
    fixed = {
        "account_id": binary.uuids(trades.keys),
        "version": binary.integers(trades.versions),
        "executed_at": binary.instants(trades.recorded_at),
        "symbol": binary.numbers([numbers[symbol] for symbol in symbols.values], symbols.numbers),
        "day": binary.dates(trades.integers("day")),
        **{name: binary.integers(trades.integers(name)) for name in _TRADE_NUMBERS},
        "trade_id": binary.uuids(trades.event_keys),
        "actor": binary.numbers([numbers[actor] for actor in actors.values], actors.numbers),
        "is_buy": binary.booleans(np.array([side == "BUY" for side in sides.values])[sides.numbers]),
    }
    texts = {
        "command_uuid": binary.nulls_but(are_uuids, binary.octets(command_keys)),
        "command_text": binary.nulls_but(~are_uuids, binary.identifiers(command_ids)),
        "order_id": binary.texts(*trades.distinct("order_id", _decode_text_or_none)),
        "correlation_id": binary.texts(*correlations),
        "causation_id": binary.texts(*causations),
    }
    _copy(trade_history.TABLE, fixed, texts)


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


def _copy_activities(found: ClassifiedEvents) -> None:
    """Add the rows of all events that are no trades."""
    rows = found.activities
    if not len(rows):
        return
    objects = {recorded.event_id: recorded.event for recorded in found.others}
    events = [
        objects.get(str(UUID(bytes=key))) or rows.events.event(place)
        for key, place in zip(binary.uuids(rows.event_keys).values.tolist(), rows.places.tolist(), strict=True)
    ]
    correlations, causations, actors = rows.origins()
    given, own = binary.texts(*correlations), binary.identifiers(rows.command_ids)
    is_absent = np.array([value is None for value in correlations.values])[correlations.numbers]
    fixed = {
        "account_id": binary.uuids(rows.keys),
        "version": binary.integers(rows.versions),
        "event_id": binary.uuids(rows.event_keys),
        "recorded_at": binary.instants(rows.recorded_at),
    }
    data = [_JSONB_VERSION + json.dumps(activity.readable(event)).encode() for event in events]
    texts = {
        "event_type": binary.texts([type(event).__name__ for event in events]),
        "actor": binary.texts(*actors),
        "command_id": own,
        "correlation_id": binary.either(is_absent, own, given),
        "causation_id": binary.texts(*causations),
        "data": binary.octet_strings(data),
    }
    _copy(activity.TABLE, fixed, texts)


def _copy(table: str, fixed: Mapping[str, Fixed], texts: Mapping[str, binary.Texts]) -> None:
    rows = binary.rows(list(fixed.values()), list(texts.values()))
    tables.copy_binary(table=table, columns=[*fixed, *texts], rows=rows)


_MOVED: Final = "version = given.version, updated_at = given.updated_at"
_IS_AS_READ: Final = "stored.account_id = given.account_id AND stored.version = given.from_version"
_HEAD: Final = ("account_id", "from_version", "version", "updated_at")
_TRADED: Final = sql.SQL(
    "UPDATE account_summary AS stored SET {moved}, {figures}, behind_since = COALESCE(stored.behind_since, now()) "
    "FROM unnest({arrays}) AS given ({columns}) WHERE {is_as_read}"
).format(
    moved=sql.SQL(_MOVED),
    figures=sql.SQL(", ".join(f"{name} = given.{name}" for name in account_summary.OF_TRADES)),
    arrays=sql.SQL(", ".join("%s" for _ in (*_HEAD, *account_summary.OF_TRADES))),
    columns=sql.SQL(", ".join((*_HEAD, *account_summary.OF_TRADES))),
    is_as_read=sql.SQL(_IS_AS_READ),
)
_REFUSED: Final = sql.SQL(
    "UPDATE account_summary AS stored SET {moved} FROM unnest(%s, %s, %s, %s) AS given ({columns}) WHERE {is_as_read}"
).format(moved=sql.SQL(_MOVED), columns=sql.SQL(", ".join(_HEAD)), is_as_read=sql.SQL(_IS_AS_READ))


def _move_accounts(found: ClassifiedEvents, current: CurrentVersions, changes: Changes) -> None:
    """Give accounts the figures of their last trades; their version and time are those of their last event."""
    keys = found.trades.events.aggregate_keys
    from_versions = current.versions.copy()
    for number, row in _by_number(keys, changes.summaries):
        from_versions[number] = row["version"]

    def move(statement: sql.SQL | sql.Composed, accounts: Integers, *figures: binary.Array) -> None:
        if not len(accounts):
            return
        parameters = [
            binary.uuid_array(keys[accounts]),
            binary.integer_array(from_versions[accounts]),
            binary.integer_array(found.versions[accounts]),
            binary.instant_array(found.updated_at[accounts]),
            *figures,
        ]
        touched = tables.execute(statement, parameters)
        if touched != len(accounts):
            raise RowsNotMoved(f"{len(accounts)} accounts should have moved on, and {touched} did")

    trades = found.trades
    last = last_of_each(trades.accounts)
    figures = {column: trades.integers(field)[last] for column, field in account_summary.OF_TRADES.items()}
    places = {account: place for place, account in enumerate(trades.accounts[last].tolist())}
    for number, given in _by_number(keys, changes.figures):
        place = places.get(number)
        for column, (version, value) in given.items():
            if place is not None and version > trades.versions[last[place]]:
                figures[column][place] = value
    arrays = [
        (binary.date_array if column == "day_date" else binary.integer_array)(values)
        for column, values in figures.items()
    ]
    move(_TRADED, trades.accounts[last], *arrays)
    move(_REFUSED, np.setdiff1d(found.refusals.accounts, trades.accounts))


def _due(found: ClassifiedEvents, current: CurrentVersions, changes: Changes) -> Integers:
    """Return the accounts whose stored rows have to follow now: those that have got as many newer events as these may
    be behind, those with orders that work or did, and those whose rows move without a trade.
    """
    is_due = found.versions - current.positions_versions >= stored_rows.TRADES_BEHIND_MAX
    is_traded = np.zeros(len(is_due), bool)
    is_traded[found.trades.accounts] = True
    is_due |= is_traded & (current.open_orders > 0)
    with_orders = {str(row["account_id"]) for row in changes.orders.values()}
    moved = set() if changes.moves is None else changes.moves.account_ids
    those = dict.fromkeys(with_orders | moved)
    for number, _ in _by_number(found.trades.events.aggregate_keys, those):
        is_due[number] = True
    return np.flatnonzero(is_due & (found.versions > current.positions_versions))


def _currencies(keys: Octets, current: CurrentVersions, changes: Changes) -> Sequence[str]:
    currencies = list(current.currencies)
    for number, row in _by_number(keys, changes.summaries):
        currencies[number] = row["currency"]
    return currencies


def _by_number(keys: Octets, rows: Mapping[str, T]) -> list[tuple[int, T]]:
    """Return what is given by the id of an account, with the number of that."""
    if not rows:
        return []
    numbers = {key: number for number, key in enumerate(binary.uuids(keys).values.tolist())}
    return [(numbers[UUID(str(account_id)).bytes], row) for account_id, row in rows.items()]


def _years(found: ClassifiedEvents) -> range:
    instants = [each.recorded_at for each in (found.trades, found.activities) if len(each)]
    if not instants:
        return range(0)
    first, last = (_year(int(timestamp)) for timestamp in (min(map(np.min, instants)), max(map(np.max, instants))))
    return range(first, last + 1)


def _year(timestamp: int) -> int:
    return datetime.fromtimestamp(timestamp // _MICROSECONDS, UTC).year
