"""Django's middleware that holds API keys to their limits (rate_limits.py), for REST and GraphQL alike.

A request without an API key passes with one look at its headers. A key becomes known when it is found valid, so the
first request of a key in a process is counted after it was answered; what is no valid key is refused by whoever
authenticates it and has no limit to show.
"""

import math
from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from edge.problems import Problem
from identity.authentication import bearer_key, rate_limits
from identity.rate_limits import Standing


@sync_and_async_middleware
def hold_to_rate_limits(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Return the middleware; under an asynchronous server it costs no thread."""
    if iscoroutinefunction(get_response):
        answer = cast(Callable[[HttpRequest], Awaitable[HttpResponseBase]], get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            key = bearer_key(request.META.get("HTTP_AUTHORIZATION", ""))
            if key is None:
                return await answer(request)
            standing = rate_limits().take(key)
            if standing is not None and not standing.is_allowed:
                return _refusal(request, standing)
            return _with_headers(await answer(request), key, standing)

        return middleware

    def middleware_without_loop(request: HttpRequest) -> HttpResponseBase:
        key = bearer_key(request.META.get("HTTP_AUTHORIZATION", ""))
        standing = None if key is None else rate_limits().take(key)
        if standing is not None and not standing.is_allowed:
            return _refusal(request, standing)
        response: HttpResponseBase = get_response(request)
        return response if key is None else _with_headers(response, key, standing)

    return middleware_without_loop


def _with_headers(response: HttpResponseBase, key: str, standing: Standing | None) -> HttpResponseBase:
    if standing is None:
        standing = rate_limits().take(key, is_answered=True)
    if standing is not None:
        response.headers["X-RateLimit-Limit"] = str(standing.limit)
        response.headers["X-RateLimit-Remaining"] = str(standing.remaining)
        response.headers["X-RateLimit-Reset"] = str(standing.reset_seconds)
    return response


def _refusal(request: HttpRequest, standing: Standing) -> HttpResponseBase:
    message = f"this API key may send {standing.limit:,} requests a minute: wait {standing.retry_after_ms:,} ms"
    problem = Problem(429, "RATE_LIMITED", message, {"retry_after_ms": standing.retry_after_ms})
    body, content_type = problem.body(request.path_info)
    response = HttpResponse(body, status=problem.status, content_type=content_type)
    response.headers["Retry-After"] = str(math.ceil(standing.retry_after_ms / 1_000))
    return _with_headers(response, "", standing)
