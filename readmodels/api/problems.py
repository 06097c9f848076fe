"""Errors of the REST API as application/problem+json (RFC 9457), each with a stable `code`."""

from collections.abc import Sequence
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from edge.database import STATEMENT_SECONDS_MAX
from edge.problems import PROBLEM_TYPE, Problem
from readmodels.queries.account_queries import VersionNotAvailable
from readmodels.queries.listings import SearchTooLong
from readmodels.queries.version_waits import TooManyWaits

log = structlog.get_logger(__name__)

_CODES: Final = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
}
RETRY_AFTER_SECONDS: Final = "1"
_PROBLEM: Final = {"schema": {"$ref": "#/components/schemas/Problem"}}


class DatabaseUnavailableProblem(exceptions.APIException):
    """The database does not answer."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "DATABASE_UNAVAILABLE"
    default_detail = "the platform's database does not answer: try again in a moment"


class SearchTooLongProblem(exceptions.APIException):
    """What is asked for is too rare in too long a history."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "SEARCH_TOO_LONG"
    default_detail = (
        f"the search was not over after {STATEMENT_SECONDS_MAX:g} s: ask for a shorter time with `from` and `to`, "
        "or download the file"
    )


class TooManyWaitsProblem(exceptions.APIException):
    """Whoever asks waits for too many versions already."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "TOO_MANY_WAITS"


class VersionNotAvailableProblem(exceptions.APIException):
    """The version that was asked for is not projected yet."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "VERSION_NOT_AVAILABLE"


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response to an error that a view of Django REST framework raised; None leaves it to Django (a bug,
    logged as such).
    """
    path = context["request"].path
    error = _of_the_api(error, path)
    response = exception_handler(error, context)
    if response is None:
        log.error("request failed", path=path, exc_info=error)
        return None
    problem = _problem_of(error, response.status_code, response.data)
    response.data = problem.members()
    response.content_type = PROBLEM_TYPE
    if response.status_code in _TO_BE_TRIED_AGAIN:
        response.headers.setdefault("Retry-After", RETRY_AFTER_SECONDS)  # Unless the error says how long.
    return response


def problem_response(error: Exception, *, path: str, methods: Sequence[str]) -> HttpResponse:
    """Return the response to an error that an asynchronous view raised; raises it again when it is a bug."""
    found = _of_the_api(error, path)
    if not isinstance(found, exceptions.APIException):
        log.error("request failed", path=path, exc_info=found)
        raise error
    problem = _problem_of(found, found.status_code, found.detail)
    response = HttpResponse(status=found.status_code, content=problem.body(path)[0], content_type=PROBLEM_TYPE)
    response["Allow"] = ", ".join(methods)
    if found.status_code == status.HTTP_401_UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    if found.status_code in _TO_BE_TRIED_AGAIN:
        response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


_TO_BE_TRIED_AGAIN: Final = (status.HTTP_429_TOO_MANY_REQUESTS, status.HTTP_503_SERVICE_UNAVAILABLE)


def _of_the_api(error: Exception, path: str) -> Exception:
    """Return what an error is to whoever asks; a bug stays what it is."""
    if isinstance(error, VersionNotAvailable):
        return VersionNotAvailableProblem(str(error))
    if isinstance(error, TooManyWaits):
        return TooManyWaitsProblem(str(error))
    if isinstance(error, SearchTooLong):
        return SearchTooLongProblem()
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("request needs the database", path=path, reason=str(error).strip())
        return DatabaseUnavailableProblem()
    if isinstance(error, Http404):
        return exceptions.NotFound(*error.args)
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied(*error.args)
    if isinstance(error, SuspiciousOperation):  # Such as too many parameters: Django's own limits.
        return exceptions.ParseError(f"the request is not taken: {error}" if str(error) else None)
    return error


def _problem_of(error: Exception, status_code: int, data: Any) -> Problem:
    code = getattr(error, "default_code", "")
    return Problem(status_code, code if code.isupper() else _CODES.get(status_code, "ERROR"), _detail(data))


def _detail(data: Any) -> str:
    if isinstance(data, dict) and "detail" in data:
        return str(data["detail"])
    if isinstance(data, dict):
        return "; ".join(f"{name}: {_detail(value)}" for name, value in data.items())
    if isinstance(data, list):
        return " ".join(_detail(value) for value in data)
    return str(data)


def describe_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every response that is an error the type and the shape of a problem (a hook of drf-spectacular)."""
    for path in result["paths"].values():
        for operation in path.values():
            for code, response in operation.get("responses", {}).items():
                if int(code) >= 400:
                    response["content"] = {PROBLEM_TYPE: _PROBLEM}
                    response["description"] = response.get("description") or "A problem, by its `code`"
    return result
