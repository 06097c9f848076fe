"""HTTP requests are held to their limits here, in front of Django, on every path and before anybody is authenticated.

A body is counted while it arrives: at the limit the caller is answered and the connection closed, without reading on.
It has a time in which to arrive, and all bodies of a process together have a size, so that neither slow nor many
callers use up its memory. A client that does not read its answer is let go. Nothing is written to disk. Encodings other
than plain UTF-8 are refused, as are NUL characters in an address, which no text of the database can hold. Size and
number of headers, and the time that they may take, are the server's (Granian: 100 headers, 408 KiB, 30 s).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from edge.problems import Problem

log = structlog.get_logger(__name__)

BODY_BYTES_MAX: Final = 8 * 1024 * 1024
BODY_SECONDS_MAX: Final = 30.0
"""From the end of the headers to the end of the body."""
SEND_SECONDS_MAX: Final = 30.0
"""How long a part of an answer may wait for a client that does not read; the server's buffers (8 MB) are full then."""
BODIES_BYTES_MAX: Final = 128 * 1024 * 1024
"""Of all requests together that a process works on."""
RETRY_AFTER_SECONDS: Final = 1
_CHARSET: Final = re.compile(rb';\s*charset\s*=\s*"?([^\s;"]*)', re.IGNORECASE)
_CHARSETS: Final = frozenset({b"utf-8", b"utf8", b"us-ascii"})

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[Any]]


class ClientTooSlow(Exception):
    """A client does not read what it asked for."""


class RequestLimits:
    """ASGI middleware: the application is called once the whole body is there, with the body as one message."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._bytes_held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        problem = _problem_of_head(scope)
        if problem is not None:
            await _refuse(problem, scope, send)
            return
        body = _Body()
        try:
            try:
                async with asyncio.timeout(BODY_SECONDS_MAX):
                    problem = await self._read(body, receive)
            except TimeoutError:
                problem = Problem(408, "REQUEST_TOO_SLOW", f"a body has {BODY_SECONDS_MAX:g} seconds to arrive")
            if problem is not None:
                await _refuse(problem, scope, send)
            else:
                await self._application(scope, body.handed_on(receive), _in_time(send))
        except ClientTooSlow:
            log.info("a client that does not read is let go", path=scope["path"], seconds=SEND_SECONDS_MAX)
        finally:
            self._bytes_held -= body.size

    async def _read(self, body: "_Body", receive: Receive) -> Problem | None:
        """Read until the body is complete; return what is wrong with it."""
        while not body.is_complete:
            message = await receive()
            if message["type"] == "http.disconnect":  # So the server says of chunks that are none, too.
                return Problem(
                    400, "BAD_REQUEST", "the body is not whole: its length or its chunks are not as announced"
                )
            body.add(message)
            self._bytes_held += len(message.get("body", b""))
            if body.size > BODY_BYTES_MAX:
                return _too_large()
            if self._bytes_held > BODIES_BYTES_MAX:
                detail = "the platform is receiving too much at once: try again in a moment"
                return Problem(503, "OVERLOADED", detail, {"retry_after_ms": RETRY_AFTER_SECONDS * 1_000})
        return None


class _Body:
    """What has arrived of a body."""

    __slots__ = ("_parts", "is_complete", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0
        self.is_complete = False

    def add(self, message: dict[str, Any]) -> None:
        part = message.get("body", b"")
        if part:
            self._parts.append(part)
            self.size += len(part)
        self.is_complete = not message.get("more_body", False)

    def handed_on(self, receive: Receive) -> Receive:
        """Return what the application receives from: the body, then what the server says."""
        waiting = [{"type": "http.request", "body": b"".join(self._parts), "more_body": False}]
        self._parts.clear()

        async def receive_body() -> dict[str, Any]:
            return waiting.pop() if waiting else await receive()

        return receive_body


def _in_time(send: Send) -> Send:
    async def send_in_time(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":  # The server keeps it until the first part.
            await send(message)
            return
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await send(message)
        except TimeoutError:
            raise ClientTooSlow from None

    return send_in_time


def _problem_of_head(scope: Scope) -> Problem | None:
    """Return what is wrong with a request that can be told from its address and headers."""
    if b"%00" in scope.get("query_string", b"") or "\x00" in scope["path"]:
        return Problem(400, "BAD_REQUEST", "the address has a NUL character (%00), which no text here can have")
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value[:19]) > BODY_BYTES_MAX:
            return _too_large()
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return Problem(415, "UNSUPPORTED_MEDIA_TYPE", "bodies are not compressed here: send it as it is")
        if name == b"content-type":
            charset = _CHARSET.search(value)
            if charset is not None and charset[1].lower() not in _CHARSETS:
                return Problem(415, "UNSUPPORTED_MEDIA_TYPE", "texts are UTF-8 here: send them so, or without charset")
    return None


def _too_large() -> Problem:
    return Problem(413, "REQUEST_TOO_LARGE", f"a request has at most {BODY_BYTES_MAX:,} bytes: send less at once")


async def _refuse(problem: Problem, scope: Scope, send: Send) -> None:
    """Answer, and have the server close the connection: what the caller still sends is not read."""
    body, content_type = problem.body(scope["path"])
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if problem.status == 503:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
