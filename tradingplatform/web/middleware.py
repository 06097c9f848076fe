"""Django's middleware without a thread for each step.

Under an asynchronous server Django runs every `process_request` and `process_response` of its own middleware on a
thread, in case it blocks: about 3 ms for each request here, measured. These do not block: they read headers and set
attributes that are filled in when somebody asks. Only saving a session does, and goes to a thread. What they do is
Django's own, unchanged.
"""

import time
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.messages.storage import default_storage
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import SimpleLazyObject, empty


@sync_and_async_middleware
def server_timing(get_response: Any) -> Any:
    """Say in `Server-Timing` how many milliseconds the answer took, from the first middleware to the last.

    Browsers show it (https://www.w3.org/TR/server-timing/), and the benchmark of queries reads it.
    """

    def timed(response: HttpResponseBase, started: float) -> HttpResponseBase:
        response["Server-Timing"] = f"total;dur={(time.perf_counter() - started) * 1_000:.2f}"
        return response

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponseBase:
            started = time.perf_counter()
            return timed(await get_response(request), started)

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        return timed(get_response(request), started)

    return synchronous


class WithoutThread:
    """Mixed into a middleware, calls its steps right here."""

    get_response: Any

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass a request on and its response back."""
        before: Any = getattr(self, "process_request", None)
        after: Any = getattr(self, "process_response", None)
        response: HttpResponseBase | None = before(request) if before else None
        if response is None:
            response = await self.get_response(request)
        if after is None:
            return response
        changed: HttpResponseBase = (
            await sync_to_async(after)(request, response) if self.blocks(request) else after(request, response)
        )
        return changed

    def blocks(self, request: HttpRequest) -> bool:
        """Tell whether handling the response of this request has to ask the database."""
        return False


class Security(WithoutThread, SecurityMiddleware):
    """Security headers."""


class Session(WithoutThread, SessionMiddleware):
    """The session, read when somebody asks for it."""

    def blocks(self, request: HttpRequest) -> bool:
        """Saving a session asks the database."""
        return request.session.modified


class Common(WithoutThread, CommonMiddleware):
    """Content length, allowed hosts."""


class Csrf(WithoutThread, CsrfViewMiddleware):
    """The token that proves that a page is ours."""

    async def process_view(self, *arguments: Any) -> Any:  # type: ignore[override]
        return super().process_view(*arguments)


class Authentication(WithoutThread, AuthenticationMiddleware):
    """The user, read when somebody asks for it."""


class Message(WithoutThread, MessageMiddleware):
    """Messages of the admin. Their storage is opened for who looks into it: programs never do."""

    def process_request(self, request: Any) -> None:
        """Have the storage opened when somebody asks for it."""
        request._messages = SimpleLazyObject(partial(default_storage, request))

    def process_response(self, request: Any, response: Any) -> Any:
        """Store what was added or was not shown yet; nothing to do when nobody looked."""
        return response if request._messages._wrapped is empty else super().process_response(request, response)


class XFrameOptions(WithoutThread, XFrameOptionsMiddleware):
    """No page of ours in somebody else's frame."""
