"""What a socket shows of an account first: the account, its open positions, its working orders and its latest trades,
by one statement, as of one moment.

The statement puts these side by side: its first row has the account and the first of each list, its second row the
second of each, and so on. Permissions are the caller's. Nothing here costs a thread, or a connection of the requests.
"""

from collections.abc import Collection
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from accounts.domain.orders import OPEN_ORDERS_MAX
from edge import database
from identity.actors import username_sql
from readmodels.models import AccountSummary, Order, PortfolioPosition, TradeHistory, columns_of
from readmodels.projections.rows import Row

TRADES_MAX: Final = 50


class Snapshot(NamedTuple):
    """Rows of an account: open positions by symbol, working orders and latest trades newest first."""

    account: Row
    positions: list[Row]
    orders: list[Row]
    trades: list[Row]


_COLUMNS: Final = {
    "account": [*columns_of(AccountSummary), "owner_name"],
    "position": columns_of(PortfolioPosition),
    "working": columns_of(Order),
    "trade": columns_of(TradeHistory),
}
"""Of the parts that stand side by side; the first column of each is never NULL."""
_BOUNDS: Final = list(pairwise(accumulate(map(len, _COLUMNS.values()), initial=0)))
_SNAPSHOT: Final = f"""
    SELECT {", ".join(f"{part}.{name}" for part, names in _COLUMNS.items() for name in names)}
    FROM (
        SELECT 1::bigint AS place, *, {username_sql("owner")} AS owner_name FROM account_summary WHERE account_id = %s
    ) AS account
    FULL JOIN (
        SELECT row_number() OVER (ORDER BY symbol) AS place, * FROM portfolio_positions
        WHERE account_id = %s AND quantity > 0
    ) AS position USING (place)
    FULL JOIN (
        SELECT row_number() OVER (ORDER BY placed_version DESC) AS place, * FROM orders
        WHERE account_id = %s AND ended_at IS NULL ORDER BY placed_version DESC LIMIT {OPEN_ORDERS_MAX}
    ) AS working USING (place)
    FULL JOIN (
        SELECT row_number() OVER (ORDER BY version DESC) AS place, * FROM trade_history
        WHERE account_id = %s ORDER BY version DESC LIMIT {TRADES_MAX}
    ) AS trade USING (place)
    ORDER BY place
"""  # noqa: S608 - of our own columns.


async def snapshot(*, account_id: str) -> Snapshot | None:
    """Return what is shown of an account first, None when there is no such account."""
    rows = await database.read_for_socket(_SNAPSHOT, [account_id] * len(_COLUMNS))
    accounts, positions, orders, trades = (
        [dict(zip(names, row[begin:end], strict=True)) for row in rows if row[begin] is not None]
        for names, (begin, end) in zip(_COLUMNS.values(), _BOUNDS, strict=True)
    )
    return Snapshot(accounts[0], positions, orders, trades) if accounts else None


async def versions(*, account_ids: Collection[str]) -> dict[str, int]:
    """Return the versions that accounts' rows stand on."""
    query = "SELECT account_id::text, version FROM account_summary WHERE account_id = ANY(%s::uuid[])"
    return dict(await database.read_for_socket(query, [list(account_ids)]))
