"""Errors of the REST API as application/problem+json (RFC 9457), each with a stable `code`."""

from http import HTTPStatus
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from readmodels.listings import SEARCH_SECONDS_MAX, SearchTooLong
from readmodels.queries import VersionNotAvailable

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
        f"the search was not over after {SEARCH_SECONDS_MAX:g} s: ask for a shorter time with `from` and `to`, "
        "or download the file"
    )


class VersionNotAvailableProblem(exceptions.APIException):
    """The version that was asked for is not projected yet."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "VERSION_NOT_AVAILABLE"


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response to an error that a view raised; None leaves it to Django (a bug, logged as such)."""
    if isinstance(error, VersionNotAvailable):
        error = VersionNotAvailableProblem(str(error))
    elif isinstance(error, SearchTooLong):
        error = SearchTooLongProblem()
    elif isinstance(error, OperationalError | InterfaceError):
        log.warning("request needs the database", path=context["request"].path, reason=str(error).strip())
        error = DatabaseUnavailableProblem()
    elif isinstance(error, Http404):
        error = exceptions.NotFound(*error.args)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(*error.args)
    elif isinstance(error, SuspiciousOperation):  # Such as too many parameters: Django's own limits.
        error = exceptions.ParseError(f"the request is not taken: {error}" if str(error) else None)
    response = exception_handler(error, context)
    if response is None:
        log.error("request failed", path=context["request"].path, exc_info=error)
        return None
    code = getattr(error, "default_code", "")
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
        "detail": _detail(response.data),
        "code": code if code.isupper() else _CODES.get(response.status_code, "ERROR"),
    }
    response.data = problem
    response.content_type = "application/problem+json"
    if response.status_code == status.HTTP_503_SERVICE_UNAVAILABLE:
        response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def _detail(data: Any) -> str:
    if isinstance(data, dict) and "detail" in data:
        return str(data["detail"])
    if isinstance(data, dict):
        return "; ".join(f"{name}: {_detail(value)}" for name, value in data.items())
    if isinstance(data, list):
        return " ".join(_detail(value) for value in data)
    return str(data)
