"""Every query of the read models, in plain functions. Permissions are the caller's; versions can be waited for."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.db import connection, connections, models, transaction

from readmodels import replicas
from readmodels.models import AccountSummary, DailyPnl, Order, PortfolioPosition, TradeHistory
from readmodels.projections.rows import Row

VERSION_WAIT_SECONDS_MAX: Final = 2.0
VERSION_POLL_SECONDS: Final = 0.002
VERSION_POLL_SECONDS_MAX: Final = 0.02
"""A lone trade is there within some 20 ms, so one asks often at first, and then less and less."""
REPLICA_WAIT_SECONDS_MAX: Final = 0.25
"""How long a request that wants a version waits for its replica to have it; then it reads from the primary."""


class VersionNotAvailable(Exception):
    """The projection has not come to the version that was asked for."""

    def __init__(self, *, wanted: int, found: int) -> None:
        super().__init__(
            f"version {wanted} is not projected yet, the newest is {found}: try again, or ask without min_version"
        )


def accounts(*, account_ids: Collection[str] | None, limit: int, after: str | None = None) -> list[Row]:
    """Return account rows by id, `None` for every account; `after` is the last id of the page before."""
    rows = AccountSummary.objects.order_by("account_id")
    if account_ids is not None:
        rows = rows.filter(account_id__in=account_ids)
    if after is not None:
        rows = rows.filter(account_id__gt=after)
    return list(rows.values(*_columns(AccountSummary))[:limit])


def account(*, account_id: str) -> Row | None:
    """Return an account's row."""
    return AccountSummary.objects.filter(account_id=account_id).values(*_columns(AccountSummary)).first()


def positions(*, account_id: str) -> list[Row]:
    """Return an account's open positions by symbol."""
    rows = PortfolioPosition.objects.filter(account_id=account_id, quantity__gt=0).order_by("symbol")
    return list(rows.values(*_columns(PortfolioPosition)))


def portfolio(*, account_id: str) -> tuple[Row, list[Row]] | None:
    """Return an account's row and its open positions by symbol, of one version: one statement sees one moment."""
    with connections[replicas.alias_for_reads()].cursor() as cursor:
        cursor.execute(_PORTFOLIO, [account_id])
        found = cursor.fetchall()
    if not found:
        return None
    count = len(_ACCOUNT_COLUMNS)
    positions = [dict(zip(_POSITION_COLUMNS, row[count:], strict=True)) for row in found if row[count] is not None]
    return dict(zip(_ACCOUNT_COLUMNS, found[0], strict=False)), positions


def trades(*, account_id: str, limit: int, before_version: int | None = None) -> list[Row]:
    """Return an account's trades, newest first; `before_version` is the last version of the page before."""
    rows = TradeHistory.objects.filter(account_id=account_id).order_by("-version")
    if before_version is not None:
        rows = rows.filter(version__lt=before_version)
    return list(rows.values(*_columns(TradeHistory))[:limit])


def oldest_rows(
    model: type[models.Model], *, account_id: str, after_version: int, to_version: int, limit: int
) -> list[Row]:
    """Return an account's rows of a table between two versions, the second one included, oldest first."""
    manager: Any = model._default_manager
    rows = manager.filter(account_id=account_id, version__gt=after_version, version__lte=to_version)
    return list(rows.order_by("version").values(*_columns(model))[:limit])


def orders(
    *,
    account_id: str,
    limit: int,
    is_open: bool | None = None,
    symbol: str | None = None,
    side: str | None = None,
    client_order_id: str | None = None,
    beyond: int | None = None,
    oldest_first: bool = False,
) -> list[Row]:
    """Return an account's orders, newest first unless said otherwise; `beyond` is the last `placed_version` of the page
    before.

    `is_open` asks for those that work (True) or have ended (False); what is None is not asked for.
    """
    rows = Order.objects.filter(account_id=account_id).order_by("placed_version" if oldest_first else "-placed_version")
    wanted = {
        "ended_at__isnull": is_open,
        "symbol": symbol,
        "side": side,
        "client_order_id": client_order_id,
        "placed_version__gt" if oldest_first else "placed_version__lt": beyond,
    }
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    return list(rows.values(*_columns(Order))[:limit])


def order(*, account_id: str, order_id: str) -> Row | None:
    """Return an order of an account."""
    return Order.objects.filter(account_id=account_id, order_id=order_id).values(*_columns(Order)).first()


def day_orders_placed_before(instant: datetime, *, limit: int) -> list[tuple[str, str]]:
    """Return the account and the id of working DAY orders that were placed before an instant, oldest first."""
    rows = Order.objects.filter(ended_at__isnull=True, time_in_force="DAY", placed_at__lt=instant)
    found = rows.order_by("placed_at").values_list("account_id", "order_id")[:limit]
    return [(str(account_id), str(order_id)) for account_id, order_id in found]


def daily_pnl(*, account_id: str, limit: int) -> list[Row]:
    """Return an account's days with trades, newest first."""
    rows = DailyPnl.objects.filter(account_id=account_id).order_by("-date")
    return list(rows.values(*_columns(DailyPnl))[:limit])


def read_one_snapshot() -> None:
    """Let every further query of the transaction see the tables as of one moment; first thing in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Let the queries inside see the tables as of one moment, of the replica that the request reads from."""
    using = replicas.alias_for_reads()
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def wait_for_version(*, account_id: str, min_version: int) -> None:
    """Return when the account's rows stand on at least this version; raises VersionNotAvailable after a short wait."""
    deadline = time.monotonic() + VERSION_WAIT_SECONDS_MAX
    pause = VERSION_POLL_SECONDS
    while True:
        found = version_of(account_id=account_id)
        if found >= min_version:
            return
        if time.monotonic() >= deadline - VERSION_WAIT_SECONDS_MAX + REPLICA_WAIT_SECONDS_MAX:
            replicas.stay_on_primary()
        if time.monotonic() >= deadline:
            raise VersionNotAvailable(wanted=min_version, found=found)
        time.sleep(pause)
        pause = min(pause * 1.5, VERSION_POLL_SECONDS_MAX)


def _columns(model: Any) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if field.column is not None]


_ACCOUNT_COLUMNS: Final = _columns(AccountSummary)
_POSITION_COLUMNS: Final = _columns(PortfolioPosition)
_PORTFOLIO: Final = f"""
    SELECT {", ".join(f"account.{name}" for name in _ACCOUNT_COLUMNS)},
           {", ".join(f"position.{name}" for name in _POSITION_COLUMNS)}
    FROM account_summary AS account
    LEFT JOIN portfolio_positions AS position ON position.account_id = account.account_id AND position.quantity > 0
    WHERE account.account_id = %s ORDER BY position.symbol
"""  # noqa: S608 - of the names of our own columns.


def edition(*, account_id: str) -> tuple[int, int]:
    """Return which table an account's row is in (a rebuild makes it anew) and its version; zeros before the first."""
    with connections[replicas.alias_for_reads()].cursor() as cursor:
        cursor.execute("SELECT tableoid::bigint, version FROM account_summary WHERE account_id = %s", [account_id])
        return cursor.fetchone() or (0, 0)


def versions(*, account_ids: Collection[str]) -> dict[str, int]:
    """Return the versions that accounts' rows stand on."""
    found = AccountSummary.objects.filter(account_id__in=account_ids).values_list("account_id", "version")
    return {str(account_id): version for account_id, version in found}


def version_of(*, account_id: str) -> int:
    """Return the version that an account's rows stand on, 0 before the first."""
    return AccountSummary.objects.filter(account_id=account_id).values_list("version", flat=True).first() or 0
