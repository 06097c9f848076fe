"""The page of the React application, one document for every address that is not an API."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from django.views.defaults import page_not_found

from edge.problems import Problem

_NOT_BUILT = "The front end is not built: run `make setup`."


@require_safe
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """Return the built page; it is never cached, the files that it names always may be."""
    path = settings.FRONTEND_DIST / "index.html"
    if not path.exists():
        return HttpResponse(_NOT_BUILT, status=503, content_type="text/plain")
    return HttpResponse(path.read_bytes(), headers={"Cache-Control": "no-cache"})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that there is not: a program gets a problem, a person a page."""
    if not request.path.startswith("/api/"):
        return page_not_found(request, exception)
    detail = f"there is nothing at {request.path}: /api/docs lists the paths, and an id is a lower-case UUID"
    body, content_type = Problem(404, "NOT_FOUND", detail).body(request.path)
    return HttpResponse(body, status=404, content_type=content_type)
