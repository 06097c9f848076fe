"""Queries of the read models over Django's connections, in plain functions. Permissions are the caller's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection, models
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from identity.actors import username_sql
from readmodels.models import AccountSummary, DeadLetter, Order, PortfolioPosition, ProjectionCheckpoint, columns_of
from readmodels.projections.rows import Row


def account(*, account_id: str) -> Row | None:
    """Return an account's row."""
    return _accounts().filter(account_id=account_id).values(*_ACCOUNT_COLUMNS).first()


def positions(*, account_id: str) -> list[Row]:
    """Return an account's open positions by symbol."""
    rows = PortfolioPosition.objects.filter(account_id=account_id, quantity__gt=0).order_by("symbol")
    return list(rows.values(*columns_of(PortfolioPosition)))


def oldest_rows(
    model: type[models.Model], *, account_id: str, after_version: int, to_version: int, limit: int
) -> list[Row]:
    """Return an account's rows of a table between two versions, the second one included, oldest first."""
    manager: Any = model._default_manager
    rows = manager.filter(account_id=account_id, version__gt=after_version, version__lte=to_version)
    return list(rows.order_by("version").values(*columns_of(model))[:limit])


def open_orders(*, account_id: str, limit: int) -> list[Row]:
    """Return an account's working orders, newest first."""
    rows = Order.objects.filter(account_id=account_id, ended_at__isnull=True).order_by("-placed_version")
    return list(rows.values(*columns_of(Order))[:limit])


class ExpiringOrder(NamedTuple):
    """A working order whose time is over."""

    account_id: str
    order_id: str
    time_in_force: str
    placed_at: datetime


def expiring_orders(
    *, now: datetime, day_before: datetime, immediate_before: datetime, after: ExpiringOrder | None, limit: int
) -> list[ExpiringOrder]:
    """Return working DAY orders placed before an instant, IOC and FOK orders placed before another, and GTD orders that
    expire by now, oldest first; `after` is the last one of the page before. What waits for another order ends with it.
    """
    is_over = (
        Q(time_in_force="DAY", placed_at__lt=day_before)
        | Q(time_in_force__in=("IOC", "FOK"), placed_at__lt=immediate_before)
        | Q(time_in_force="GTD", expires_at__lte=now)
    )
    rows = Order.objects.filter(is_over, ~Q(time_in_force="GTC"), ~Q(status="HELD"), ended_at__isnull=True)
    if after is not None:
        is_later = Q(placed_at__gt=after.placed_at) | Q(order_id__gt=after.order_id)
        rows = rows.filter(is_later, placed_at__gte=after.placed_at)
    found = rows.order_by("placed_at", "order_id").values_list("account_id", "order_id", "time_in_force", "placed_at")
    return [ExpiringOrder(str(row[0]), str(row[1]), row[2], row[3]) for row in found[:limit]]


class OrderScope(NamedTuple):
    """Whose working orders: those of some accounts, of all accounts of an owner ("user:17"), of a symbol; or
    everybody's, where nothing is said.
    """

    account_ids: tuple[str, ...] | None = None
    owner: str | None = None
    symbol: str | None = None


class WorkingOrder(NamedTuple):
    """A working order."""

    account_id: str
    placed_version: int
    order_id: str


def working_orders(scope: OrderScope, *, after: WorkingOrder | None, limit: int) -> list[WorkingOrder]:
    """Return working orders by account, newest first; `after` is the last one of the page before."""
    rows = _working(scope)
    if after is not None:
        is_later = Q(account_id__gt=after.account_id) | Q(placed_version__lt=after.placed_version)
        rows = rows.filter(is_later, account_id__gte=after.account_id)
    found = rows.order_by("account_id", "-placed_version").values_list("account_id", "placed_version", "order_id")
    return [WorkingOrder(str(row[0]), row[1], str(row[2])) for row in found[:limit]]


def count_working_orders(scope: OrderScope) -> int:
    """Return how many orders work, by the tables."""
    return _working(scope).count()


def _working(scope: OrderScope) -> QuerySet[Order]:
    rows = Order.objects.filter(ended_at__isnull=True)
    if scope.account_ids is not None:
        rows = rows.filter(account_id__in=scope.account_ids)
    if scope.owner is not None:
        rows = rows.filter(account_id__in=AccountSummary.objects.filter(owner=scope.owner).values("account_id"))
    if scope.symbol is not None:
        rows = rows.filter(symbol=scope.symbol)
    return rows


def projected_seqs() -> dict[int, int]:
    """Return the last batch of each partition that is in the tables; those that have none are left out."""
    return dict(ProjectionCheckpoint.objects.values_list("partition", "seq"))


def has_dead_letters(*, account_ids: Sequence[str] | None) -> bool:
    """Return whether events of some accounts, or of any one where None is given, are left out of the tables."""
    letters = DeadLetter.objects.all() if account_ids is None else DeadLetter.objects.filter(account_id__in=account_ids)
    return letters.exists()


def read_one_snapshot() -> None:
    """Let every further query of the transaction see the tables as of one moment; first thing in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


_ACCOUNT_COLUMNS: Final = [*columns_of(AccountSummary), "owner_name"]


def _accounts() -> Any:
    """Return account_summary with what each owner is called now, as `owner_name`."""
    return AccountSummary.objects.annotate(owner_name=owner_name())


def owner_name() -> RawSQL:
    """Return the expression for a queryset of AccountSummary; null when there is no such user."""
    return RawSQL(username_sql("account_summary.owner"), [], output_field=models.CharField())  # noqa: S611 - our own text.
