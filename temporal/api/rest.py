"""REST: an account as of a moment, what changed between two, its performance, and what it would be under other limits.

Accounts that one may not see do not exist. This app's errors are problems, each with its stable code.
"""

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from edge.rest import RestView
from identity.permissions import role_on_account
from temporal.api import parameters
from temporal.as_of.as_of import NOW, Moment, account_as_of, instant, moment_of
from temporal.as_of.diff import diff_shape, difference, event_page
from temporal.as_of.shapes import AccountAsOf, AccountDiff, account_shape, shown_instant
from temporal.as_of.valuation import valuation_of
from temporal.errors import (
    BeforeOpening,
    FutureInstant,
    HistoryDamaged,
    HistoryUnavailable,
    InvalidLimits,
    InvalidMoment,
    ReplayFailed,
    TemporalError,
    TooManyEvents,
    UnknownAccount,
)
from temporal.performance.history import asked_performance
from temporal.performance.history_shapes import AccountPerformance, AccountWhatIf
from temporal.what_if import EVENTS_OVER_REST_MAX, limits_of, what_if

_STATUSES: Final[dict[type[TemporalError], int]] = {
    InvalidMoment: status.HTTP_400_BAD_REQUEST,
    FutureInstant: status.HTTP_400_BAD_REQUEST,
    BeforeOpening: status.HTTP_404_NOT_FOUND,
    UnknownAccount: status.HTTP_404_NOT_FOUND,
    HistoryDamaged: status.HTTP_500_INTERNAL_SERVER_ERROR,
    HistoryUnavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
    InvalidLimits: status.HTTP_400_BAD_REQUEST,
    TooManyEvents: status.HTTP_400_BAD_REQUEST,
    ReplayFailed: status.HTTP_500_INTERNAL_SERVER_ERROR,
}


class TemporalProblemSerializer(serializers.Serializer[Any]):
    """An error, application/problem+json."""

    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable code")


PROBLEMS: Final = dict.fromkeys((400, 401, 404, 500), TemporalProblemSerializer)


class TemporalProblem(exceptions.APIException):
    """An error of time travel, as a view raises it."""

    def __init__(self, error: TemporalError) -> None:
        super().__init__(str(error))
        self.status_code = _STATUSES[type(error)]
        self.default_code = error.code


class TemporalView(RestView):
    """A view of one account's past."""

    def require_access(self, request: Request, account_id: uuid.UUID) -> None:
        """Raise NotFound when the asking user has no access, as if there were no such account."""
        if role_on_account(request.user, str(account_id)) is None:
            raise exceptions.NotFound(f"there is no account {account_id} that you may see")

    def moment(self, *, at: str = "at", version: str = "version") -> Moment:
        """Return the moment that the parameters of these names ask for."""
        return moment_of(at=self.asked.get(at), version=self.asked.get(version), now=datetime.now(UTC))

    def handle_exception(self, exc: Exception) -> Any:
        """Answer this app's errors with their own status and code."""
        return super().handle_exception(TemporalProblem(exc) if isinstance(exc, TemporalError) else exc)


class AsOfView(TemporalView):
    """One account at any instant or version of its life."""

    takes = (parameters.MomentParameters,)

    @extend_schema(operation_id="accounts_as_of", responses={200: AccountAsOf.serializer(), **PROBLEMS})
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return the account as it was, now when no moment is given."""
        self.require_access(request, account_id)
        moment = self.moment()
        found = account_as_of(str(account_id), moment)
        at = datetime.now(UTC) if moment == NOW else moment.at
        valuation = valuation_of(found.state, shown_instant(found, at)) if self.asked["valued"] else None
        return Response(account_shape(found, at=at, valuation=valuation))


class DiffView(TemporalView):
    """What changed in one account from one moment to a later one."""

    takes = (parameters.DiffParameters,)

    @extend_schema(operation_id="accounts_diff", responses={200: AccountDiff.serializer(), **PROBLEMS})
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return what changed, and a page of the events that did it."""
        self.require_access(request, account_id)
        start, end = (self._side(side) for side in ("from", "to"))
        found = difference(str(account_id), start, end)
        page = event_page(found, after_version=self.asked.get("cursor", 0), limit=self.asked["limit"])
        return Response(diff_shape(found, page))

    def _side(self, side: str) -> Moment:
        return self.moment(at=f"{side}_at", version=f"{side}_version")


class PerformanceView(TemporalView):
    """Trades, profits, cash flows, return and drawdown of one account by day, week or month."""

    takes = (parameters.PerformanceParameters,)

    @extend_schema(operation_id="accounts_performance", responses={200: AccountPerformance.serializer(), **PROBLEMS})
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return the figures of every period of a range, and of all of it."""
        self.require_access(request, account_id)
        found = asked_performance(
            str(account_id),
            start=self.asked.get("from"),
            end=self.asked.get("to"),
            period=self.asked["period"],
            zone=self.asked["zone"],
            now=datetime.now(UTC),
        )
        return Response(AccountPerformance.show(found))


class WhatIfView(TemporalView):
    """What an account would be, had it had other risk limits. Nothing is written."""

    @extend_schema(
        operation_id="accounts_what_if",
        request=parameters.WhatIfBody,
        responses={200: AccountWhatIf.serializer(), **PROBLEMS},
    )
    def post(self, request: Request, account_id: uuid.UUID) -> Response:
        """Decide the account's recorded commands again, under the limits of the body."""
        self.require_access(request, account_id)
        body = parameters.WhatIfBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = body.validated_data, datetime.now(UTC)
        start, end = (asked.get(name) for name in ("from", "to"))
        found = what_if(
            str(account_id),
            limits=limits_of(**asked["limits"]),
            start=None if start is None else instant(start, now=now),
            end=None if end is None else instant(end, now=now),
            events_max=EVENTS_OVER_REST_MAX,
        )
        return Response(AccountWhatIf.show(found))
