"""Who opens a WebSocket: a browser of our own pages by its session, or a program by its API key; and that it is closed
within a second once they may no longer (credentials.py).

Browsers cannot set headers on a WebSocket, so a request with an Authorization header comes from a program and needs no
Origin; every other one has to come from a page of this site: of its scheme, host and port, or of a trusted origin, as
Django asks of every request that a session authenticates.

All sockets of a process are looked up together, three times a second while there are any: by one statement, however
many sockets there are. Nothing here costs a thread, or waits for a connection that requests could take.
"""

import asyncio
import re
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import Error as DatabaseError
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain
from rest_framework.exceptions import AuthenticationFailed

from identity.api_keys import bearer_key, prefix_of
from identity.credentials import LOOK_SECONDS, Credential, find_ended
from identity.permissions import aaccess_of_key
from identity.sessions import SessionStore, auser_of_session

log = structlog.get_logger(__name__)

CLOSE_REVOKED: Final = 4401
SOCKETS_PER_USER_MAX: Final = 1_000
"""In one process; a program that follows thousands of accounts has `/ws/accounts`."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenSocket:
    """One socket: what it stands on, and how it is closed."""

    close: Callable[[int], Awaitable[None]]
    credential: Credential


class OpenSockets:
    """The sockets of one process."""

    def __init__(self) -> None:
        self._sockets: set[OpenSocket] = set()
        self._counts: Counter[Any] = Counter()
        self._looking: asyncio.Task[None] | None = None

    def has_room(self, user_id: Any) -> bool:
        """Tell whether a user may open another socket."""
        return self._counts[user_id] < SOCKETS_PER_USER_MAX

    def add(self, socket: OpenSocket) -> None:
        """Look after a socket from now on."""
        self._sockets.add(socket)
        self._counts[socket.credential.user_id] += 1
        if self._looking is None or self._looking.done() or self._looking.get_loop() is not asyncio.get_running_loop():
            self._looking = asyncio.create_task(self._look_after())

    def discard(self, socket: OpenSocket) -> None:
        """Forget a socket that is closed."""
        if socket in self._sockets:
            self._sockets.discard(socket)
            self._counts -= Counter([socket.credential.user_id])

    async def _look_after(self) -> None:
        while self._sockets:
            await asyncio.sleep(LOOK_SECONDS)
            watched = list(self._sockets)
            try:
                ended = await find_ended({socket.credential for socket in watched})
            except DatabaseError as error:
                # The next look finds what this one missed; without a database nothing is sent that is new either.
                log.warning("could not look whether sockets may stay open", reason=str(error))
                continue
            except Exception as error:  # As long as there are sockets it goes on: whose access ends has to go.
                log.error("could not look whether sockets may stay open", exc_info=error)
                continue
            closing = [asyncio.create_task(self._close(socket)) for socket in watched if socket.credential in ended]
            if closing:
                # A client that does not read must not keep the others open.
                await asyncio.wait(closing, timeout=LOOK_SECONDS)

    async def _close(self, socket: OpenSocket) -> None:
        self.discard(socket)
        try:
            await socket.close(CLOSE_REVOKED)
        except Exception as error:  # Whatever the server raises: this socket is gone, and the others are looked after.
            log.info("a socket was gone before it was closed", reason=str(error))


SENDING_SECONDS_MAX: Final = 5.0
"""How long a message may wait for a client that does not read: the server's buffers (3 MB, measured) are full then."""
CLOSE_TOO_SLOW: Final = 4408
CLOSE_TOO_MANY: Final = 4429
_ACCOUNT_PATH: Final = re.compile(r"/ws/accounts/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)")
_open_sockets: Final = OpenSockets()


class WebSocketAuthentication:
    """ASGI middleware that sets `scope["user"]`; anonymous when nobody is logged in."""

    def __init__(self, application: Any) -> None:
        self._application = LookedAfter(application)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Pass the connection on with its user."""
        if any(name == b"authorization" for name, _ in scope.get("headers", [])):
            return await self._application({**scope, **await _holder_of_key(scope)}, receive, send)
        if not is_of_this_site(scope):
            return await WebsocketDenier()(scope, receive, send)
        return await self._application({**scope, **await _holder_of_session(scope)}, receive, send)


async def _holder_of_session(scope: dict[str, Any]) -> dict[str, Any]:
    """Return what a browser's cookie says of a scope: its session, and its user as the database knows them now."""
    cookies = parse_cookie(dict(scope.get("headers", [])).get(b"cookie", b"").decode("latin-1"))
    session = SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
    return {"user": await auser_of_session(session) or AnonymousUser(), "session": session}


async def _holder_of_key(scope: dict[str, Any]) -> dict[str, Any]:
    """Return what a key says of a scope: its user as the database knows them now, and the key's public part."""
    headers = dict(scope.get("headers", []))
    key = bearer_key(headers.get(b"authorization", b"").decode("latin-1"))
    try:
        access = None if key is None else await aaccess_of_key(key, None)
    except AuthenticationFailed:
        access = None
    if key is None or access is None:
        return {"user": AnonymousUser()}
    return {"user": access.principal.user, "api_key_prefix": prefix_of(key)}


def is_of_this_site(scope: dict[str, Any]) -> bool:
    """Tell whether the page that opens a socket is ours: its Origin is the address that it asks, or a trusted one."""
    headers = dict(scope.get("headers", []))
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    scheme = "https" if scope.get("scheme") in ("wss", "https") else "http"
    if _with_port(origin) == _with_port(f"{scheme}://{host}"):
        return True
    return any(_is_trusted(origin, trusted.lower()) for trusted in settings.CSRF_TRUSTED_ORIGINS)


def _is_trusted(origin: str, trusted: str) -> bool:
    """Compare with a trusted origin, which may have `*.` for all subdomains."""
    scheme, _, host = trusted.partition("://")
    own_scheme, _, own_host = origin.partition("://")
    if host.startswith("*."):
        return own_scheme == scheme and is_same_domain(own_host, host[1:])
    return _with_port(origin) == _with_port(trusted)


def _with_port(origin: str) -> str:
    """Return an origin with its port, which browsers leave out when it is the scheme's own."""
    scheme, _, host = origin.partition("://")
    port = {"http": "80", "https": "443"}.get(scheme, "")
    return origin if re.search(r":[0-9]+$", host) else f"{origin}:{port}"


class LookedAfter:
    """ASGI middleware that closes a socket when its user, key, session or access is taken away."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Pass the connection on, looking after it as long as it is open."""
        user = scope.get("user")
        if user is None or not user.is_authenticated:
            return await self._application(scope, receive, send)
        if not _open_sockets.has_room(user.pk):
            await receive()
            await send({"type": "websocket.accept"})
            return await send({"type": "websocket.close", "code": CLOSE_TOO_MANY})
        connection = _Connection(receive, send)
        found = _ACCOUNT_PATH.search(scope.get("path", ""))
        credential = Credential.of(
            user=user,
            key_prefix=scope.get("api_key_prefix"),
            session=scope.get("session"),
            account_id=None if found is None else uuid.UUID(found[1]),
        )
        socket = OpenSocket(close=connection.close, credential=credential)
        _open_sockets.add(socket)
        try:
            return await self._application(scope, connection.receive, connection.send)
        finally:
            _open_sockets.discard(socket)


class _Connection:
    """One connection that can be closed beside its application, which then sees that it was disconnected.

    The server sends nothing that closes a connection while somebody waits to receive from it: so that is ended first.
    """

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send
        self._receiving: asyncio.Future[dict[str, Any]] | None = None
        self._code: int | None = None
        self._is_sent = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        """Return what the client sends, or that it was disconnected from here."""
        if self._code is None:
            self._receiving = asyncio.ensure_future(self._receive())
            try:
                return await self._receiving
            except asyncio.CancelledError:
                if self._code is None:
                    raise  # The application itself is being ended.
        await self._is_sent.wait()
        return {"type": "websocket.disconnect", "code": self._code}

    async def send(self, message: dict[str, Any]) -> None:
        """Send to the client, unless the connection was closed from here; a client that does not read loses it."""
        if self._code is not None:
            return
        sending = asyncio.ensure_future(self._send(message))
        done, _ = await asyncio.wait({sending}, timeout=SENDING_SECONDS_MAX)
        if done:
            sending.result()
        elif self._code is None:
            log.info("a client that does not read is let go", seconds=SENDING_SECONDS_MAX)
            await self.close(CLOSE_TOO_SLOW)

    async def close(self, code: int) -> None:
        """Close the connection."""
        self._code = code
        try:
            if self._receiving is not None and not self._receiving.done():
                self._receiving.cancel()
                await asyncio.wait({self._receiving})
            await self._send({"type": "websocket.close", "code": code})
        finally:
            self._is_sent.set()
