"""REST: an account as of a moment, and what changed between two."""

import uuid
from itertools import islice
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from eventstore.instants import instant_of
from eventstore.record import RecordedEvent
from temporal.api import serializers as s
from temporal.api.history_serializers import HistoryProblemSerializer
from temporal.api.views import TemporalView
from temporal.as_of import account_as_of
from temporal.diff import difference, events_of, reason_of
from temporal.moments import Moment, moment_of
from temporal.shapes import account_shape

PROBLEMS = dict.fromkeys((400, 401, 404, 500), HistoryProblemSerializer)


class AsOfView(TemporalView):
    """One account at any instant or version of its life."""

    @extend_schema(
        operation_id="accounts_as_of",
        parameters=[s.MomentParameters],
        responses={200: s.AccountAsOfSerializer, **PROBLEMS},
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return the account as it was, now when no moment is given."""
        self.require_access(request, account_id)
        moment = self.moment(request)
        return Response(account_shape(account_as_of(str(account_id), moment), at=moment.at))


class DiffView(TemporalView):
    """What changed in one account from one moment to a later one."""

    @extend_schema(
        operation_id="accounts_diff",
        parameters=[s.DiffParameters],
        responses={200: s.DiffSerializer, **PROBLEMS},
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return what changed, and a page of the events that did it."""
        self.require_access(request, account_id)
        page = s.DiffParameters(data=request.query_params)
        page.is_valid(raise_exception=True)
        start, end = (self.moment(request, at=f"{side}_at", version=f"{side}_version") for side in ("from", "to"))
        if start == Moment():
            start = moment_of(at=None, version=1, now=self.now())
        found = difference(str(account_id), start, end)
        limit = page.validated_data["limit"]
        events = list(islice(events_of(found, after_version=page.validated_data.get("cursor", 0)), limit + 1))
        return Response(
            {
                "account_id": str(account_id),
                "from_version": found.before.version,
                "to_version": found.after.version,
                "changes": [
                    {"field": change.field, "before": change.before, "after": change.after} for change in found.changes
                ],
                "events": [_event(event) for event in events[:limit]],
                "next": str(events[limit - 1].version) if len(events) > limit else None,
            }
        )


def _event(event: RecordedEvent) -> dict[str, Any]:
    return {
        "version": event.version,
        "event_id": event.event_id,
        "event_type": type(event.data).__name__,
        "recorded_at": instant_of(event.timestamp).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": event.actor,
        "command_id": event.command_id,
        "correlation_id": event.correlation_id,
        "reason": reason_of(event.data),
    }
