"""The REST views over all accounts, for whoever sees every account, and an account's use of its limits for whoever sees
the account. Answered from running sums (projections/firm.py): no trade is looked at.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.shapes import Shape
from edge.rest import Choice, Day, Instant, RestView, Text, WholeNumber
from identity.permissions import platform_role, sees_every_account
from readmodels.api import serializers as s
from readmodels.api.base import PROBLEMS, AccountScopedView, not_found
from readmodels.firm import firm_queries, firm_shapes
from readmodels.projections.rows import Row
from readmodels.queries import account_queries


class TopParameters(serializers.Serializer[Any]):
    """How many of the first."""

    limit = WholeNumber(min_value=1, max_value=500, default=20)


class AccountPnlParameters(TopParameters):
    """Which accounts first."""

    order = Choice(["best", "worst"], default="best", help_text="Who comes first")
    currency = Text(required=False, help_text="Of these accounts alone; ISO 4217")


class DayTotalsParameters(serializers.Serializer[Any]):
    """Which days."""

    limit = WholeNumber(min_value=1, max_value=1_000, default=366)
    symbol = Text(required=False, help_text="Trades of this symbol alone")

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = Day(required=False, help_text="On or after this UTC day")
        end = Day(required=False, help_text="Before it")
        return {**super().get_fields(), "from": begin, "to": end}


class FlowParameters(serializers.Serializer[Any]):
    """Which time, in which steps."""

    per = Choice(["minute", "hour", "day"], default="minute", help_text="What a row is")
    limit = WholeNumber(min_value=1, max_value=1_500, default=60)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = Instant(required=False, help_text="At or after this instant; 400 days before `to` at the earliest")
        end = Instant(required=False, help_text="Before this instant; now, unless it is said")
        return {**super().get_fields(), "from": begin, "to": end}


_PROBLEMS: Final = PROBLEMS | {403: s.ProblemSerializer}
FLOW_DAYS_MAX: Final = 400


@extend_schema_view(
    get=extend_schema(
        responses={200: firm_shapes.RiskMetrics.serializer(), **PROBLEMS},
    )
)
class RiskMetricsView(AccountScopedView):
    """How much of its limits an account uses."""

    asks = account_queries.RISK
    shows = firm_shapes.RiskMetrics.serializer()

    def edition(self) -> str:
        """Return today's date: what was traded on another day uses nothing of today's limit."""
        return _today().isoformat()

    async def answer(
        self, rows: list[Row], asked: dict[str, Any], *, role: str, account_id: uuid.UUID, **place: Any
    ) -> dict[str, Any]:
        """Return the use of each limit."""
        if not rows:
            raise not_found(account_id)
        return firm_shapes.risk_shape(rows[0], today=_today())


class AnalyticsView(RestView):
    """Base of the views over all accounts."""

    def get(self, request: Request) -> Response:
        """Return the rows; raises PermissionDenied for somebody who does not see every account."""
        if not sees_every_account(request.user):
            raise PermissionDenied(
                "figures of all accounts are for those who see every account, your role is "
                f"{platform_role(request.user)}: look at your own under /api/accounts, or ask an operator for another"
            )
        return Response({"results": self.results(self.asked)})

    def results(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        raise NotImplementedError


def _documented(shape: type[Shape]) -> Any:
    return extend_schema_view(get=extend_schema(responses={200: s.list_of(shape), **_PROBLEMS}))


@_documented(firm_shapes.FirmTotals)
class TotalsView(AnalyticsView):
    """What all accounts come to, by currency."""

    def results(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a row for each currency."""
        return [firm_shapes.FirmTotals.show(row) for row in firm_queries.totals()]


@_documented(firm_shapes.SymbolExposure)
class SymbolExposureView(AnalyticsView):
    """What all accounts hold, by symbol."""

    def results(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the symbols that are held, the largest first."""
        return firm_shapes.exposure_shapes(firm_queries.symbols(), by_sector=False)


@_documented(firm_shapes.SectorExposure)
class SectorExposureView(AnalyticsView):
    """What all accounts hold, by sector."""

    def results(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the sectors that are held, the largest first."""
        return firm_shapes.exposure_shapes(firm_queries.symbols(), by_sector=True)


@_documented(firm_shapes.AccountPnl)
class AccountPnlView(AnalyticsView):
    """The accounts that made, or lost, most."""

    takes = (AccountPnlParameters,)

    def results(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the first accounts."""
        rows = firm_queries.accounts_by_pnl(
            best_first=asked["order"] == "best", currency=asked.get("currency"), limit=asked["limit"]
        )
        return [firm_shapes.AccountPnl.show(row) for row in rows]


@_documented(firm_shapes.SymbolPnl)
class SymbolPnlView(AnalyticsView):
    """What all accounts made, by symbol."""

    def results(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a row for each currency and symbol."""
        return [firm_shapes.SymbolPnl.show(row) for row in firm_queries.symbols()]


@_documented(firm_shapes.DayTotals)
class DayPnlView(AnalyticsView):
    """What all accounts made, by day, with all symbols or one."""

    takes = (DayTotalsParameters,)

    def results(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Return days with trades, newest first."""
        rows = firm_queries.days(
            begin=asked.get("from"), end=asked.get("to"), symbol=asked.get("symbol"), limit=asked["limit"]
        )
        return [firm_shapes.DayTotals.show(row) for row in rows]


@_documented(firm_shapes.RiskMetrics)
class RiskView(AnalyticsView):
    """The accounts that are nearest to a limit."""

    takes = (TopParameters,)

    def results(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the first accounts."""
        today = _today()
        rows = firm_queries.accounts_by_risk(today=today, limit=asked["limit"])
        return [firm_shapes.risk_shape(row, today=today) for row in rows]


@_documented(firm_shapes.Flow)
class FlowView(AnalyticsView):
    """What went through, by minute, hour or day."""

    takes = (FlowParameters,)

    def results(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Return times in which there was anything, newest first."""
        end = asked.get("to", datetime.now(UTC))
        earliest = end - timedelta(days=FLOW_DAYS_MAX) if end.year > 1 + FLOW_DAYS_MAX // 365 else end
        begin = asked.get("from", earliest)
        if begin < earliest:
            raise ValidationError({"from": f"more than {FLOW_DAYS_MAX} days before `to`: ask for less at a time"})
        rows = firm_queries.flow(unit=asked["per"], begin=begin, end=end, limit=asked["limit"])
        return [firm_shapes.Flow.show(row) for row in rows]


def _today() -> Any:
    return datetime.now(UTC).date()
