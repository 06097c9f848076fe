"""REST: an account's performance, and what it would be under other limits."""

import uuid
from datetime import UTC, datetime

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from temporal.api import history_serializers as s
from temporal.api.serializers import TemporalProblemSerializer
from temporal.api.views import TemporalView
from temporal.history import asked_performance
from temporal.history_shapes import performance_shape, what_if_shape
from temporal.moments import instant
from temporal.what_if import EVENTS_OVER_REST_MAX, limits_of, what_if

PROBLEMS = dict.fromkeys((400, 401, 404, 500), TemporalProblemSerializer)


class PerformanceView(TemporalView):
    """Trades, profits, cash flows, return and drawdown of one account by day, week or month."""

    takes = (s.PerformanceParameters,)

    @extend_schema(
        operation_id="accounts_performance",
        responses={200: s.PerformanceSerializer, **PROBLEMS},
    )
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
        return Response(performance_shape(found))


class WhatIfView(TemporalView):
    """What an account would be, had it had other risk limits. Nothing is written."""

    @extend_schema(
        operation_id="accounts_what_if",
        request=s.WhatIfRequestSerializer,
        responses={200: s.WhatIfSerializer, **PROBLEMS},
    )
    def post(self, request: Request, account_id: uuid.UUID) -> Response:
        """Decide the account's recorded commands again, under the limits of the body."""
        self.require_access(request, account_id)
        body = s.WhatIfRequestSerializer(data=request.data)
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
        return Response(what_if_shape(found))
