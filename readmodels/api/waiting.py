"""A request for a version that is not there yet is answered once it is: REST's side of version_waits.py."""

from collections.abc import Awaitable, Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.authentication import asker_of
from edge.problems import Problem
from readmodels.queries import VersionNotAvailable
from readmodels.version_waits import Patience, TooManyWaits


async def answer_in_time(
    request: HttpRequest, account_id: str, ask: Callable[[], Awaitable[HttpResponseBase | None]]
) -> HttpResponseBase | None:
    """Return the answer, waiting for the version that it needs: holding neither a thread nor a connection meanwhile.

    When the time is up it is what was answered last.
    """
    patience: Patience | None = None
    while True:
        response = await ask()
        error = _not_available(request)
        if error is None or (patience is not None and patience.is_over):
            return response
        if patience is None:
            patience = Patience(account_id=account_id, asker=asker_of(request, request.user))
        try:
            await patience.wait(error.wanted)
        except TooManyWaits as refused:
            return _refusal(request, str(refused))


def is_version_missing(request: HttpRequest) -> bool:
    """Tell whether the last attempt found that the version is not there (base.require_version noted it)."""
    return "not_available" in request.__dict__


def _not_available(request: HttpRequest) -> VersionNotAvailable | None:
    """Return what the last attempt noted, and forget it."""
    error: VersionNotAvailable | None = request.__dict__.pop("not_available", None)
    return error


def _refusal(request: HttpRequest, reason: str) -> HttpResponse:
    body, content_type = Problem(429, "TOO_MANY_WAITS", reason).body(request.path)
    return HttpResponse(body, status=429, content_type=content_type, headers={"Retry-After": "1"})
