"""Every query of the read models, in plain functions. Permissions are the caller's."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection, connections, models, transaction
from django.db.models import Q
from django.db.models.expressions import RawSQL

from accounts.users import username_sql
from readmodels import replicas
from readmodels.models import AccountSummary, DailyPnl, Order, PortfolioPosition, TradeHistory
from readmodels.projections import account_summary, portfolio_positions
from readmodels.projections.rows import Row


class VersionNotAvailable(Exception):
    """The projection has not come to the version that was asked for."""

    def __init__(self, *, wanted: int, found: int) -> None:
        self.wanted = wanted
        super().__init__(
            f"version {wanted} is not projected yet, the newest is {found}: try again, or ask without min_version"
        )


def accounts(*, account_ids: Collection[str] | None, limit: int, after: str | None = None) -> list[Row]:
    """Return account rows by id, `None` for every account; `after` is the last id of the page before."""
    rows = _accounts().order_by("account_id")
    if account_ids is not None:
        rows = rows.filter(account_id__in=account_ids)
    if after is not None:
        rows = rows.filter(account_id__gt=after)
    return list(rows.values(*_ACCOUNT_COLUMNS)[:limit])


def account(*, account_id: str) -> Row | None:
    """Return an account's row."""
    return _accounts().filter(account_id=account_id).values(*_ACCOUNT_COLUMNS).first()


def account_with_concentration(*, account_id: str) -> Row | None:
    """Return an account's row with what its positions come to now; `account` and lists may say what they came to some
    seconds ago (stored_rows.py).
    """
    with connections[replicas.alias_for_reads()].cursor() as cursor:
        cursor.execute(_CONCENTRATED, [account_id])
        found = cursor.fetchone()
    return None if found is None else dict(zip(_CONCENTRATED_COLUMNS, found, strict=True))


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


class ExpiringOrder(NamedTuple):
    """A working order whose time is over."""

    account_id: str
    order_id: str
    time_in_force: str
    placed_at: datetime


def expiring_orders(
    *, day_before: datetime, immediate_before: datetime, after: ExpiringOrder | None, limit: int
) -> list[ExpiringOrder]:
    """Return working DAY orders placed before an instant, and IOC and FOK orders placed before another, oldest first;
    `after` is the last one of the page before.
    """
    is_over = Q(time_in_force="DAY", placed_at__lt=day_before) | Q(
        time_in_force__in=("IOC", "FOK"), placed_at__lt=immediate_before
    )
    rows = Order.objects.filter(is_over, ~Q(time_in_force="GTC"), ended_at__isnull=True)
    if after is not None:
        is_later = Q(placed_at__gt=after.placed_at) | Q(order_id__gt=after.order_id)
        rows = rows.filter(is_later, placed_at__gte=after.placed_at)
    found = rows.order_by("placed_at", "order_id").values_list("account_id", "order_id", "time_in_force", "placed_at")
    return [ExpiringOrder(str(row[0]), str(row[1]), row[2], row[3]) for row in found[:limit]]


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


def _accounts() -> Any:
    """Return account_summary with what each owner is called now, as `owner_name`."""
    return AccountSummary.objects.annotate(owner_name=owner_name())


def owner_name() -> RawSQL:
    """Return the expression for a queryset of AccountSummary; null when there is no such user."""
    return RawSQL(username_sql("account_summary.owner"), [], output_field=models.CharField())  # noqa: S611 - our own text.


def _columns(model: Any) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if field.column is not None]


_ACCOUNT_COLUMNS: Final = [*_columns(AccountSummary), "owner_name"]
_POSITION_COLUMNS: Final = _columns(PortfolioPosition)
_PORTFOLIO: Final = f"""
    SELECT {", ".join(f"account.{name}" for name in _columns(AccountSummary))}, {username_sql("account.owner")},
           {", ".join(f"position.{name}" for name in _POSITION_COLUMNS)}
    FROM account_summary AS account
    LEFT JOIN portfolio_positions AS position ON position.account_id = account.account_id AND position.quantity > 0
    WHERE account.account_id = %s ORDER BY position.symbol
"""  # noqa: S608 - of the names of our own columns.


_CONCENTRATION: Final = {"open_positions": "0", "largest_position": "0", "largest_symbol": "''"}
"""Columns of account_summary that are made of positions, and what they are without any."""
_CONCENTRATED_COLUMNS: Final = [
    *(name for name in _columns(AccountSummary) if name not in _CONCENTRATION),
    "owner_name",
    *_CONCENTRATION,
]
_CONCENTRATED: Final = f"""
    SELECT {", ".join(f"account.{name}" for name in _columns(AccountSummary) if name not in _CONCENTRATION)},
        {username_sql("account.owner")},
        {", ".join(f"COALESCE(held.{name}, {nothing})" for name, nothing in _CONCENTRATION.items())}
    FROM account_summary AS account LEFT JOIN LATERAL ({
    account_summary.CONCENTRATION.format(account_id="account.account_id", positions=portfolio_positions.VIEW)
}) AS held ON true WHERE account.account_id = %s
"""  # noqa: S608 - of the names of our own columns.


_EDITION: Final = f"""
    SELECT tableoid::bigint, version, {username_sql("owner")} FROM account_summary WHERE account_id = %s
"""  # noqa: S608 - of the names of our own columns.


class Edition(NamedTuple):
    """What an answer about an account stands on, beside what was asked."""

    table: int
    """Which table its row is in: a rebuild makes it anew."""
    version: int
    owner_name: str | None
    """What its owner is called now; users are renamed without an event."""


def edition(*, account_id: str) -> Edition:
    """Return what an answer about an account stands on; zeros before its first event."""
    with connections[replicas.alias_for_reads()].cursor() as cursor:
        cursor.execute(_EDITION, [account_id])
        return Edition(*(cursor.fetchone() or (0, 0, None)))


def versions(*, account_ids: Collection[str]) -> dict[str, int]:
    """Return the versions that accounts' rows stand on."""
    found = AccountSummary.objects.filter(account_id__in=account_ids).values_list("account_id", "version")
    return {str(account_id): version for account_id, version in found}


def version_of(*, account_id: str) -> int:
    """Return the version that an account's rows stand on, 0 before the first."""
    return AccountSummary.objects.filter(account_id=account_id).values_list("version", flat=True).first() or 0
