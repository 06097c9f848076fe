"""Rows of many accounts in one query each: what lists ask the database for, over REST and GraphQL.

Every list is read from its newest or its oldest end, beyond a bound of its own for each account (by the primary key, so
a page costs the same however long the history is). Permissions are the caller's.
"""

import json
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, NamedTuple, get_args

from django.db import models

from accounts.domain.events import AccountEvent
from edge.database import StatementTooLong
from readmodels.models import Activity, DailyPnl, Order, PortfolioPosition, TradeHistory, columns_of
from readmodels.projections.rows import Row
from readmodels.queries import replicas
from readmodels.queries.account_queries import Query, query_of

EVENT_TYPES: Final = frozenset(event.__name__ for event in get_args(AccountEvent))
"""Every type that an event can have."""

DAY_BEFORE_ALL: Final = "-infinity"
DAY_AFTER_ALL: Final = "infinity"
"""The bounds of all days, as PostgreSQL writes them."""

VERSION_ABOVE_ALL: Final = 2**63 - 1

QUERIES_KEPT_MAX: Final = 256
"""Texts of queries: one for each listing and set of conditions."""

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


class Page(NamedTuple):
    """A page of one account's rows, as account_queries.py asks for it, and its values."""

    query: Query
    values: list[Any]


def page_of(
    *, listing: Listing, beyond: int | str, limit: int, conditions: Conditions = (), oldest_first: bool = False
) -> Page:
    """Return the page of at most `limit` rows beyond one, newest first unless said otherwise."""
    query = _page_query(listing, tuple(condition for condition, _ in conditions), oldest_first)
    return Page(query, [beyond, *_values(conditions), limit])


async def pages(
    *, listing: Listing, bounds: Sequence[Bound], limit: int, conditions: Conditions = (), oldest_first: bool = False
) -> list[list[Row]]:
    """Return for each bound at most `limit` rows, newest first unless said otherwise; raises SearchTooLong."""
    select = _select(listing, tuple(condition for condition, _ in conditions), oldest_first, "asked.beyond")
    statement = (
        f"SELECT asked.place, found.* FROM unnest(%s::uuid[], %s::{listing.bound_type}[]) WITH ORDINALITY"  # noqa: S608
        f" AS asked (account_id, beyond, place) CROSS JOIN LATERAL ({select}) AS found"
        f" ORDER BY asked.place, {_order(listing, oldest_first)}"
    )
    account_ids, beyond = [bound.account_id for bound in bounds], [bound.beyond for bound in bounds]
    with searching(conditions):
        rows, _ = await replicas.read(statement, [account_ids, beyond, *_values(conditions), limit])
    found: list[list[Row]] = [[] for _ in bounds]
    names = columns_of(listing.model)
    for place, *values in rows:
        found[place - 1].append(dict(zip(names, values, strict=True)))
    return found


@contextmanager
def searching(conditions: Conditions) -> Iterator[None]:
    """Raise SearchTooLong when a statement with conditions is not over in its time."""
    try:
        yield
    except StatementTooLong as error:
        if conditions:
            raise SearchTooLong from error
        raise


_POSITION_COLUMNS: Final = columns_of(PortfolioPosition)
_POSITIONS: Final = (
    f"SELECT {', '.join(_POSITION_COLUMNS)} FROM portfolio_positions"  # noqa: S608 - of our own columns.
    " WHERE account_id = ANY(%s::uuid[]) AND quantity > 0 ORDER BY symbol"
)
_ORDER_COLUMNS: Final = columns_of(Order)
_ORDERS: Final = f"SELECT {', '.join(_ORDER_COLUMNS)} FROM orders WHERE order_id = ANY(%s::uuid[])"  # noqa: S608


async def positions_of(*, account_ids: Collection[str]) -> dict[str, list[Row]]:
    """Return the open positions of several accounts, by symbol."""
    found: dict[str, list[Row]] = {account_id: [] for account_id in account_ids}
    rows, _ = await replicas.read(_POSITIONS, [list(account_ids)])
    for values in rows:
        row = dict(zip(_POSITION_COLUMNS, values, strict=True))
        found[str(row["account_id"])].append(row)
    return found


async def orders_of(*, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """Return the orders that there are of (account id, order id) pairs."""
    rows, _ = await replicas.read(_ORDERS, [[order_id for _, order_id in keys]])
    orders = [dict(zip(_ORDER_COLUMNS, values, strict=True)) for values in rows]
    found = {(str(row["account_id"]), str(row["order_id"])): row for row in orders}
    return {key: found[key] for key in keys if key in found}


@lru_cache(maxsize=QUERIES_KEPT_MAX)
def _page_query(listing: Listing, conditions: tuple[Condition, ...], oldest_first: bool) -> Query:
    select = _select(listing, conditions, oldest_first, "%s")
    return query_of(select, columns_of(listing.model), order_by=_order(listing, oldest_first))


@lru_cache(maxsize=QUERIES_KEPT_MAX)
def _select(listing: Listing, conditions: tuple[Condition, ...], oldest_first: bool, beyond: str) -> str:
    narrowed = " ".join(f"AND stored.{condition.column} {condition.operator}" for condition in conditions)
    way, is_beyond = ("ASC", ">") if oldest_first else ("DESC", "<")
    return (
        f"SELECT {', '.join(f'stored.{name}' for name in columns_of(listing.model))}"  # noqa: S608 - our own columns.
        f" FROM {listing.model._meta.db_table} AS stored WHERE stored.account_id = asked.account_id"
        f" AND stored.{listing.ordered_by} {is_beyond} {beyond}::{listing.bound_type} {narrowed}"
        f" ORDER BY stored.{listing.ordered_by} {way} LIMIT %s"
    )


def _order(listing: Listing, oldest_first: bool) -> str:
    return f"found.{listing.ordered_by} {'ASC' if oldest_first else 'DESC'}"


def _values(conditions: Conditions) -> list[Any]:
    return [value for condition, value in conditions if "%s" in condition.operator]
