"""REST: an account's performance, and what it would be under other limits."""

import uuid
from datetime import UTC, datetime

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from temporal.api import history_serializers as s
from temporal.api.views import TemporalView
from temporal.history import asked_performance
from temporal.history_shapes import performance_shape

PROBLEMS = dict.fromkeys((400, 401, 404, 500), s.HistoryProblemSerializer)


class PerformanceView(TemporalView):
    """Trades, profits, cash flows, return and drawdown of one account by day, week or month."""

    @extend_schema(
        operation_id="accounts_performance",
        parameters=[s.PerformanceParameters],
        responses={200: s.PerformanceSerializer, **PROBLEMS},
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return the figures of every period of a range, and of all of it."""
        self.require_access(request, account_id)
        asked = request.query_params
        found = asked_performance(
            str(account_id),
            start=asked.get("from"),
            end=asked.get("to"),
            period=asked.get("period", "day"),
            zone=asked.get("zone", "UTC"),
            now=datetime.now(UTC),
        )
        return Response(performance_shape(found))
