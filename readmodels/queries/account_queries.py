"""Queries of one account: each is one statement, which finds the asking user's role there, the version that the
account's rows stand on, and the rows themselves, all as of one moment. None costs a thread.

A query is a SELECT of its rows that may name `asked.account_id`, and the account's row as `account` (all NULL when
there is none). Roles are the primary's: when a replica answers, the primary is asked for the role beside it, and the
list of somebody's accounts is always read there.
"""

import itertools
import uuid
from collections.abc import Awaitable, Callable, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from edge import database
from identity.actors import username_sql
from identity.permissions import ACCESS_TABLE, ROLE_SQL, STAFF, Access, agiven_role, sees_every_account
from readmodels.models import AccountSummary, Order, PortfolioPosition, columns_of
from readmodels.projections import account_summary, portfolio_positions
from readmodels.projections.rows import Row
from readmodels.queries import replicas
from readmodels.queries.version_waits import Patience


class Query(NamedTuple):
    """A query of one account; the first of its columns is never NULL."""

    statement: str
    columns: tuple[str, ...]


class Edition(NamedTuple):
    """What an answer about an account stands on, beside what was asked."""

    table: int
    """Which table its row is in: a rebuild makes it anew."""
    version: int
    owner_name: str | None
    """What its owner is called now; users are renamed without an event."""


class Found(NamedTuple):
    """What a query found."""

    role: str | None
    """That the user was given on the account."""
    edition: Edition
    """Zeros before the account's first event."""
    rows: list[Row]


def query_of(rows: str, columns: Sequence[str], *, order_by: str) -> Query:
    """Return the query of these rows; `order_by` orders them, as `found`."""
    return Query(
        f"""
        SELECT ({ROLE_SQL}), account.tableoid::bigint, account.version, {username_sql("account.owner")}, found.*
        FROM (SELECT %s::uuid AS account_id) AS asked
        LEFT JOIN account_summary AS account ON account.account_id = asked.account_id
        LEFT JOIN LATERAL ({rows}) AS found ON true ORDER BY {order_by}
        """,  # noqa: S608 - of our own texts.
        tuple(columns),
    )


async def find(query: Query, *, user_id: int, account_id: uuid.UUID, values: Sequence[Any] = ()) -> Found:
    """Return what a query finds, with the values of its SELECT; raises as `edge.database.read` does."""
    rows, is_of_primary = await replicas.read(query.statement, [user_id, account_id, account_id, *values])
    role, table, version, owner_name = rows[0][:4]
    if not is_of_primary:
        role = await agiven_role(user_id=user_id, account_id=str(account_id))
    edition = Edition(table or 0, version or 0, owner_name)
    return Found(role, edition, [dict(zip(query.columns, row[4:], strict=True)) for row in rows if row[4] is not None])


class NoRole(Exception):
    """To whoever asks there is no such account."""


class VersionNotAvailable(Exception):
    """The projection has not come to the version that was asked for."""

    def __init__(self, *, wanted: int, found: int) -> None:
        super().__init__(
            f"version {wanted} is not projected yet, the newest is {found}: try again, or ask without min_version"
        )


async def find_account(
    query: Query,
    *,
    account_id: uuid.UUID,
    access: Access,
    asker: str,
    ask_again: Callable[[], Awaitable[Access]],
    values: Sequence[Any] = (),
    min_version: int = 0,
) -> tuple[Found, str]:
    """Return what a query finds once the account is at the version that is wanted, and the role of who asks.

    Whoever waits for a version holds neither a thread nor a connection meanwhile, and is counted as `asker`; what they
    may is found out anew after it (`ask_again`). Raises NoRole, VersionNotAvailable, TooManyWaits, and as
    `edge.database.read` does.
    """
    patience: Patience | None = None
    while True:
        user = access.principal.user
        found = await find(query, user_id=user.pk, account_id=account_id, values=values)
        role = found.role or (STAFF if sees_every_account(user) else None)
        if role is None:
            raise NoRole
        if found.edition.version >= min_version:
            return found, role
        if patience is None:
            patience = Patience(account_id=str(account_id), asker=asker)
        elif patience.is_over:
            raise VersionNotAvailable(wanted=min_version, found=found.edition.version)
        await patience.wait(min_version)
        access = await ask_again()


_ACCOUNT_COLUMNS: Final = columns_of(AccountSummary)
_POSITION_COLUMNS: Final = columns_of(PortfolioPosition)
_ORDER_COLUMNS: Final = columns_of(Order)
_CONCENTRATION: Final = {"open_positions": "0", "largest_position": "0", "largest_symbol": "''"}
"""Columns of account_summary that are made of positions, and what they are without any."""
_OWN: Final = [name for name in _ACCOUNT_COLUMNS if name not in _CONCENTRATION and name != "behind_since"]


def _of(table: str, names: Sequence[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


_NAMED: Final = f"{username_sql('account.owner')} AS owner_name"
_HELD: Final = "position.account_id = asked.account_id AND position.quantity > 0"

ACCOUNT: Final = query_of(
    f"SELECT {_of('account', _ACCOUNT_COLUMNS)}, {_NAMED}", [*_ACCOUNT_COLUMNS, "owner_name"], order_by="1"
)
"""The account's row; what it says of its largest position may be some seconds old (stored_rows.py)."""

POSITIONS: Final = query_of(
    f"SELECT {_of('position', _POSITION_COLUMNS)} FROM portfolio_positions AS position WHERE {_HELD}",  # noqa: S608
    _POSITION_COLUMNS,
    order_by="found.symbol",
)
"""Its open positions."""

_PORTFOLIO_COLUMNS: Final = (*_ACCOUNT_COLUMNS, "owner_name", *(f"position_{name}" for name in _POSITION_COLUMNS))
PORTFOLIO: Final = query_of(
    f"""
    SELECT {_of("account", _ACCOUNT_COLUMNS)}, {_NAMED},
        {", ".join(f"position.{name} AS position_{name}" for name in _POSITION_COLUMNS)}
    FROM (SELECT) AS one LEFT JOIN portfolio_positions AS position ON {_HELD}
    """,  # noqa: S608
    _PORTFOLIO_COLUMNS,
    order_by="found.position_symbol",
)
"""The account's row with each of its open positions, or once without any."""

RISK: Final = query_of(
    f"""
    SELECT {_of("account", _OWN)}, {_NAMED},
        {", ".join(f"COALESCE(held.{name}, {nothing}) AS {name}" for name, nothing in _CONCENTRATION.items())}
    FROM (SELECT) AS one LEFT JOIN LATERAL ({
        account_summary.CONCENTRATION.format(account_id="asked.account_id", positions=portfolio_positions.VIEW)
    }) AS held ON true
    """,  # noqa: S608
    [*_OWN, "owner_name", *_CONCENTRATION],
    order_by="1",
)
"""The account's row with what its positions come to now."""

ORDER: Final = query_of(
    f"SELECT {_of('placed', _ORDER_COLUMNS)} FROM orders AS placed"  # noqa: S608
    " WHERE placed.account_id = asked.account_id AND placed.order_id = %s",
    _ORDER_COLUMNS,
    order_by="1",
)
"""One of its orders; the value is its id."""


def positions_of_portfolio(rows: Sequence[Row]) -> list[Row]:
    """Return the positions among rows that have an account's columns and a position's."""
    return [{name: row[f"position_{name}"] for name in _POSITION_COLUMNS} for row in rows if row["position_symbol"]]


def _page(tables: str) -> str:
    return f"""
        SELECT access.role, {_of("account", _ACCOUNT_COLUMNS)}, {_NAMED}
        FROM {tables} ORDER BY account.account_id LIMIT %s
    """  # noqa: S608


def _with_positions(page: str) -> str:
    return f"""
        SELECT account.*, {", ".join(f"position.{name} AS position_{name}" for name in _POSITION_COLUMNS)}
        FROM ({page}) AS account LEFT JOIN portfolio_positions AS position
            ON position.account_id = account.account_id AND position.quantity > 0
        ORDER BY account.account_id, position.symbol
    """  # noqa: S608


_GIVEN: Final = (
    f"{ACCESS_TABLE} AS access JOIN account_summary AS account ON account.account_id = access.account_id"
    " WHERE access.user_id = %s"
)
_ALL: Final = (
    f"account_summary AS account LEFT JOIN {ACCESS_TABLE} AS access"
    " ON access.account_id = account.account_id AND access.user_id = %s WHERE true"
)
_AFTER: Final = " AND account.account_id > %s::uuid"
_LIST_COLUMNS: Final = ("role", *_PORTFOLIO_COLUMNS)


async def accounts_of(
    user: Any, *, limit: int, after: str | None = None, with_positions: bool = False
) -> list[list[Row]]:
    """Return a page of the accounts that a user may see, by id; `after` is the last id of the page before.

    Each is its row, with the user's role there as `role`; with positions it is a row for each that is open, or one
    without any (`positions_of_portfolio`), all as of one moment.
    """
    tables = _ALL if sees_every_account(user) else _GIVEN
    page = _page(tables if after is None else tables + _AFTER)
    values = [user.pk, *([] if after is None else [after]), limit]
    found = await database.read(_with_positions(page) if with_positions else page, values)
    rows = [dict(zip(_LIST_COLUMNS, values, strict=False)) for values in found]
    return [list(group) for _, group in itertools.groupby(rows, itemgetter("account_id"))]
