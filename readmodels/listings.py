"""Rows of many accounts in one query each: what lists ask the database for, over REST and GraphQL.

Every list is read from its newest or its oldest end, beyond a bound of its own for each account (by the primary key, so
a page costs the same however long the history is). Permissions are the caller's.
"""

import json
import unicodedata
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple, get_args

from django.db import OperationalError, connections, models, transaction
from psycopg import errors as postgres_errors
from psycopg import sql

from accounts.domain.events import AccountEvent
from readmodels import queries, replicas
from readmodels.models import Activity, DailyPnl, Order, PortfolioPosition, TradeHistory
from readmodels.projections.rows import Row

SEARCH_SECONDS_MAX: Final = 3.0
"""A search that its conditions make long (rare matches in a long history) is given up after this time."""

EVENT_TYPES: Final = frozenset(event.__name__ for event in get_args(AccountEvent))
"""Every type that an event can have."""

DAY_BEFORE_ALL: Final = "-infinity"
DAY_AFTER_ALL: Final = "infinity"
"""The bounds of all days, as PostgreSQL writes them."""

VERSION_ABOVE_ALL: Final = 2**63 - 1

Conditions = tuple[tuple["Condition", Any], ...]


class SearchTooLong(Exception):
    """The conditions match too little of too much."""


class Condition(NamedTuple):
    """A comparison of a column, with a value (`%s`) or with none."""

    column: str
    operator: str


SYMBOL_IS: Final = Condition("symbol", "= %s")
SIDE_IS: Final = Condition("side", "= %s")
EXECUTED_FROM: Final = Condition("executed_at", ">= %s")
EXECUTED_BEFORE: Final = Condition("executed_at", "< %s")
CLIENT_ORDER_ID_IS: Final = Condition("client_order_id", "= %s")
IS_OPEN: Final = Condition("ended_at", "IS NULL")
HAS_ENDED: Final = Condition("ended_at", "IS NOT NULL")
TYPE_IS_ONE_OF: Final = Condition("event_type", "= ANY(%s)")
TEXT_MAY_BE_IN: Final = Condition("data", "::text ILIKE ANY(%s)")
"""In the event's JSON, its names included: quick to tell, and passed over by what has the text anywhere."""
TEXT_IS_IN: Final = Condition("data", "@? %s::jsonpath")
"""In a value of the event's JSON, a text or a number, however deep."""
DAY_FROM: Final = Condition("date", ">= %s")
DAY_BEFORE: Final = Condition("date", "< %s")
RECORDED_FROM: Final = Condition("recorded_at", ">= %s")
RECORDED_BEFORE: Final = Condition("recorded_at", "< %s")


class Listing(NamedTuple):
    """A table whose rows belong to accounts, and the column (of the primary key) that orders an account's rows."""

    model: type[models.Model]
    ordered_by: str
    bound_type: str

    def end(self, *, oldest_first: bool) -> int | str:
        """Return what a first page begins beyond."""
        if self.bound_type == "date":
            return DAY_BEFORE_ALL if oldest_first else DAY_AFTER_ALL
        return 0 if oldest_first else VERSION_ABOVE_ALL


TRADES: Final = Listing(TradeHistory, "version", "bigint")
EVENTS: Final = Listing(Activity, "version", "bigint")
ORDERS: Final = Listing(Order, "placed_version", "bigint")
DAYS: Final = Listing(DailyPnl, "date", "date")


def text_conditions(text: str) -> Conditions:
    """Return what events have that say a text somewhere in their values, in any case, with any characters in it.

    A letter with an accent is searched in both forms that Unicode has for it.
    """
    forms = sorted({unicodedata.normalize(form, text) for form in ("NFC", "NFD")})
    quoted = [json.dumps(form, ensure_ascii=False) for form in forms]
    likely = [f"%{_like(each[1:-1])}%" for each in quoted]
    said, counted = (
        " || ".join(f'{value} like_regex {each} flag "iq"' for each in quoted) for value in ("@", "@.string()")
    )
    path = f'$.** ? (@.type() == "string" && ({said}) || @.type() == "number" && ({counted}))'
    return (TEXT_MAY_BE_IN, likely), (TEXT_IS_IN, path)


def _like(text: str) -> str:
    """Return a pattern of LIKE that means the text itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class Bound(NamedTuple):
    """An account, and what its rows have to be beyond: below it, or above when the oldest come first."""

    account_id: str
    beyond: int | str


def pages(
    *,
    listing: Listing,
    bounds: Sequence[Bound],
    limit: int,
    conditions: Conditions = (),
    oldest_first: bool = False,
) -> list[list[Row]]:
    """Return for each bound at most `limit` rows, newest first unless said otherwise; raises SearchTooLong."""
    query, values = _query(listing, conditions, oldest_first=oldest_first)
    account_ids, below = [bound.account_id for bound in bounds], [bound.beyond for bound in bounds]
    found: list[list[Row]] = [[] for _ in bounds]
    for row in _search([query, [account_ids, below, *values, limit]], is_bounded=bool(conditions)):
        if isinstance(row.get("data"), str):
            row["data"] = json.loads(row["data"])
        found[row.pop("place") - 1].append(row)
    return found


def positions_of(*, account_ids: Collection[str]) -> dict[str, list[Row]]:
    """Return the open positions of several accounts, by symbol."""
    found: dict[str, list[Row]] = {account_id: [] for account_id in account_ids}
    rows = PortfolioPosition.objects.filter(account_id__in=account_ids, quantity__gt=0).order_by("symbol")
    for row in rows.values(*_columns(PortfolioPosition)):
        found[str(row["account_id"])].append(row)
    return found


def orders_of(*, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """Return the orders that there are of (account id, order id) pairs."""
    rows = Order.objects.filter(order_id__in=[order_id for _, order_id in keys]).values(*_columns(Order))
    found = {(str(row["account_id"]), str(row["order_id"])): row for row in rows}
    return {key: found[key] for key in keys if key in found}


def with_positions(read_accounts: Callable[[], list[Row]]) -> tuple[list[Row], dict[str, list[Row]]]:
    """Return account rows and their open positions as of one moment: both of the account's version."""
    with queries.one_snapshot():
        rows = read_accounts()
        return rows, positions_of(account_ids=[str(row["account_id"]) for row in rows]) if rows else {}


def _query(listing: Listing, conditions: Conditions, *, oldest_first: bool) -> tuple[sql.Composed, list[Any]]:
    order = sql.Identifier(listing.ordered_by)
    query = sql.SQL(
        "SELECT wanted.place, found.* FROM unnest(%s::uuid[], %s::{bound}[]) WITH ORDINALITY"
        " AS wanted (account_id, beyond, place) CROSS JOIN LATERAL (SELECT {columns} FROM {table} AS stored"
        " WHERE stored.account_id = wanted.account_id AND stored.{order} {is_beyond} wanted.beyond {conditions}"
        " ORDER BY stored.{order} {way} LIMIT %s) AS found ORDER BY wanted.place, found.{order} {way}"
    ).format(
        bound=sql.SQL(listing.bound_type),
        columns=sql.SQL(", ").join(sql.Identifier(name) for name in _columns(listing.model)),
        table=sql.Identifier(listing.model._meta.db_table),
        order=order,
        is_beyond=sql.SQL(">" if oldest_first else "<"),
        way=sql.SQL("ASC" if oldest_first else "DESC"),
        conditions=sql.SQL(" ").join(
            sql.SQL("AND stored.{} {}").format(sql.Identifier(condition.column), sql.SQL(condition.operator))
            for condition, _ in conditions
        ),
    )
    return query, [value for condition, value in conditions if "%s" in condition.operator]


def _search(arguments: list[Any], *, is_bounded: bool) -> list[Row]:
    if not is_bounded:
        return _rows(arguments)
    try:
        using = replicas.alias_for_reads()
        with transaction.atomic(using=using):
            with connections[using].cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SEARCH_SECONDS_MAX:g}s"])
            return _rows(arguments)
    except OperationalError as error:
        if isinstance(error.__cause__, postgres_errors.QueryCanceled):
            raise SearchTooLong from error
        raise


def _rows(arguments: list[Any]) -> list[Row]:
    with connections[replicas.alias_for_reads()].cursor() as cursor:
        cursor.execute(*arguments)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _columns(model: Any) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if field.column is not None]
