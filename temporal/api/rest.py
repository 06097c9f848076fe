"""REST: an account as of a moment, what changed between two, and all accounts that one may see as of one instant."""

import uuid
from datetime import UTC, datetime

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from temporal.api import serializers as s
from temporal.api.views import TemporalView
from temporal.as_of import account_as_of
from temporal.diff import diff_shape, difference, event_page
from temporal.moments import NOW, Moment
from temporal.shapes import account_shape, shown_instant
from temporal.valuation import valuation_of

PROBLEMS = dict.fromkeys((400, 401, 404, 500), s.TemporalProblemSerializer)


class AsOfView(TemporalView):
    """One account at any instant or version of its life."""

    takes = (s.MomentParameters,)

    @extend_schema(
        operation_id="accounts_as_of",
        responses={200: s.AccountAsOfSerializer, **PROBLEMS},
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return the account as it was, now when no moment is given."""
        self.require_access(request, account_id)
        moment = self.moment()
        found = account_as_of(str(account_id), moment, with_event_id=True)
        at = datetime.now(UTC) if moment == NOW else moment.at
        valuation = valuation_of(found.state, shown_instant(found, at)) if self.asked["valued"] else None
        return Response(account_shape(found, at=at, valuation=valuation))


class DiffView(TemporalView):
    """What changed in one account from one moment to a later one."""

    takes = (s.DiffParameters,)

    @extend_schema(
        operation_id="accounts_diff",
        responses={200: s.DiffSerializer, **PROBLEMS},
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        """Return what changed, and a page of the events that did it."""
        self.require_access(request, account_id)
        start, end = (self._side(side) for side in ("from", "to"))
        found = difference(str(account_id), start, end)
        page = event_page(found, after_version=self.asked.get("cursor", 0), limit=self.asked["limit"])
        return Response(diff_shape(found, page))

    def _side(self, side: str) -> Moment:
        return self.moment(at=f"{side}_at", version=f"{side}_version")
