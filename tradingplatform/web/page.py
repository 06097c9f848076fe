"""The page of the React application, one document for every address that is not an API."""

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.csrf import csrf_failure as django_csrf_failure
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from edge.problems import GRAPHQL_PATH, Problem

_NOT_BUILT = "The front end is not built: run `make setup`."


@require_safe
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """Return the built page; it is never cached, the files that it names always may be."""
    path = settings.FRONTEND_DIST / "index.html"
    if not path.exists():
        return HttpResponse(_NOT_BUILT, status=503, content_type="text/plain")
    return HttpResponse(path.read_bytes(), headers={"Cache-Control": "no-cache"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself does not take, such as a Host header that is none of ours."""
    detail = "the request is not taken: look at its Host header, its cookies and the number of its parameters"
    if isinstance(exception, BadRequest):
        detail = f"the request is not taken: {exception}"
    return _answered(Problem(400, "BAD_REQUEST", detail), request)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer who may not do this."""
    detail = str(exception) or "your role does not allow this: ask an operator for another one"
    return _answered(Problem(403, "FORBIDDEN", detail), request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer who sends no token, or comes from another page."""
    problem = Problem(403, "FORBIDDEN", f"send the CSRF token of /api/session as X-CSRFToken ({reason})")
    return _problem(problem, request) if _is_program(request) else django_csrf_failure(request, reason)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that there is not."""
    detail = f"there is nothing at {request.path}: /api/docs lists the paths, and an id is a lower-case UUID"
    if not _is_program(request):
        detail = f"there is nothing at {request.path}: it may have been renamed, or the address was cut off"
    return _answered(Problem(404, "NOT_FOUND", detail), request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when the platform failed."""
    return _answered(Problem(500, "INTERNAL_ERROR", "the platform failed to answer; its log says why"), request)


def _answered(problem: Problem, request: HttpRequest) -> HttpResponse:
    """Return a problem for a program, or a page for a person: made of nothing that could fail once more."""
    if _is_program(request):
        return _problem(problem, request)
    return HttpResponse(render_to_string("problem.html", {"problem": problem.members()}), status=problem.status)


def _is_program(request: HttpRequest) -> bool:
    """A program gets a problem, a person a page."""
    return request.path.startswith("/api/") or request.path == GRAPHQL_PATH


def _problem(problem: Problem, request: HttpRequest) -> HttpResponse:
    body, content_type = problem.body(request.path)
    return HttpResponse(body, status=problem.status, content_type=content_type)
