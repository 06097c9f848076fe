"""The base of the REST views: who may look, and at which moment. Accounts that one may not see do not exist."""

import uuid
from datetime import UTC, datetime
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.permissions import role_on_account
from edge.views import RestView
from temporal.api.problems import TemporalProblem
from temporal.errors import TemporalError
from temporal.moments import Moment, moment_of


class TemporalView(RestView):
    """A view of one account's past."""

    def require_access(self, request: Request, account_id: uuid.UUID) -> None:
        """Raise NotFound when the asking user has no access, as if there were no such account."""
        if role_on_account(request.user, str(account_id)) is None:
            raise NotFound(f"there is no account {account_id} that you may see")

    def moment(self, *, at: str = "at", version: str = "version") -> Moment:
        """Return the moment that the parameters of these names ask for."""
        return moment_of(at=self.asked.get(at), version=self.asked.get(version), now=self.now())

    @staticmethod
    def now() -> datetime:
        """Return what the clock says."""
        return datetime.now(UTC)

    def handle_exception(self, exc: Exception) -> Any:
        """Answer this app's errors with their own status and code."""
        return super().handle_exception(TemporalProblem(exc) if isinstance(exc, TemporalError) else exc)
