"""The two addresses of the health.

`live` asks nothing of anybody: it says that this process answers. `ready` says whether what commands, queries and live
changes need is there. Everybody may know which component is down; figures and sentences are for whoever asks from this
very machine, without a proxy in between. Nobody is asked to log in: to know who somebody is takes the database, and
that may be what is down.
"""

import asyncio
import ipaddress
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from edge.problems import Problem
from tradingplatform.health.checks import Checks
from tradingplatform.health.readiness import Component, Readiness, Status, worst

_FORWARDED: Final = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_VIA")
_readiness: WeakKeyDictionary[asyncio.AbstractEventLoop, Readiness] = WeakKeyDictionary()


@require_safe
async def live(request: HttpRequest) -> HttpResponse:
    """Say that this process answers."""
    if request.GET:
        return _unknown_parameter(request)
    return JsonResponse({"status": Status.OK}, headers={"Cache-Control": "no-store"})


@require_safe
async def ready(request: HttpRequest) -> HttpResponse:
    """Say how everything is that is needed; 503 when something is down."""
    if request.GET:
        return _unknown_parameter(request)
    loop = asyncio.get_running_loop()
    if loop not in _readiness:
        _readiness[loop] = Readiness(Checks().all())
    components = await _readiness[loop].report()
    status = worst(components)
    shows_details = is_asked_from_here(request)
    body = {
        "status": status,
        "components": {name: _shown(found, shows_details=shows_details) for name, found in components.items()},
    }
    headers = {"Cache-Control": "no-store"}
    if status is not Status.DOWN:
        return JsonResponse(body, headers=headers)
    response = JsonResponse(body, status=503, headers={**headers, "Retry-After": "1"})
    vars(response)["_has_been_logged"] = True  # Else Django logs a line for each time that somebody asks.
    return response


def _unknown_parameter(request: HttpRequest) -> HttpResponse:
    name = next(iter(request.GET))
    problem = Problem(400, "BAD_REQUEST", f"there is no parameter {name[:40]!r}: this path has none")
    body, content_type = problem.body(request.path)
    return HttpResponse(body, status=problem.status, content_type=content_type)


def is_asked_from_here(request: HttpRequest) -> bool:
    """Tell whether a request comes from this machine, and not through a proxy on it."""
    if any(name in request.META for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _shown(component: Component, *, shows_details: bool) -> dict[str, Any]:
    if not shows_details:
        return {"status": component.status}
    return {"status": component.status, "milliseconds": component.milliseconds, "detail": component.detail}
