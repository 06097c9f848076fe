"""The base of every WebSocket consumer: what a client may send, and how a socket is closed.

A client sends text frames of JSON, each an object whose form the consumer declares (`message_type`). Anything else is
answered with {"type": "error", "code": "INVALID_MESSAGE", "message"}, and the socket stays open; one that sends too
much at once is closed with a code. Whatever fails in here closes the socket, with 1013 when a server is away and with
1011 otherwise: one that said nothing any more would look like a quiet market. docs/live.md has the codes.
"""

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any, ClassVar, Final, Literal, NoReturn

import msgspec
import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from edge.json import InvalidJson, decode_json

log = structlog.get_logger(__name__)

MESSAGE_CHARACTERS_MAX: Final = 4_096
MESSAGES_PER_SECOND_MAX: Final = 10
MESSAGES_AT_ONCE_MAX: Final = 40
"""After a quiet time; so a page that has been asleep may catch up."""

CLOSE_TOO_LARGE: Final = 1009
CLOSE_FAILED: Final = 1011
CLOSE_TRY_AGAIN_LATER: Final = 1013
CLOSE_UNAUTHENTICATED: Final = 4401
CLOSE_NOT_FOUND: Final = 4404
CLOSE_TOO_FAST: Final = 4429

AWAY: Final = (DatabaseError, RedisError, OSError)
"""What is raised when a server that a socket needs does not answer."""


class Resync(msgspec.Struct, forbid_unknown_fields=True):
    """Asks for a snapshot again."""

    type: Literal["resync"]


class LiveConsumer(AsyncWebsocketConsumer):
    """One client. A consumer implements `begin` and `message`, and starts what goes on beside them with `go_on`."""

    message_type: ClassVar[Any] = Resync
    message_help: ClassVar[str] = '{"type": "resync"}'

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._is_closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._allowed = float(MESSAGES_AT_ONCE_MAX)
        self._allowed_at = time.monotonic()

    async def begin(self, user: Any) -> None:
        """Send the first message to a user who is logged in, or close the socket."""
        raise NotImplementedError

    async def message(self, message: Any) -> None:
        """Answer a message of the declared type."""
        raise NotImplementedError

    async def connect(self) -> None:
        """Accept (only an accepted socket can be closed with a code of ours), and begin."""
        await self.accept()
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.close(CLOSE_UNAUTHENTICATED)
        else:
            await self.begin(user)

    async def disconnect(self, code: int) -> None:
        """Stop whatever was started."""
        self._is_closing = True
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """End; Channels' own visits a thread for this as well."""
        await self.disconnect(message["code"])
        raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a frame."""
        if self._is_closing:
            return
        if not self._is_in_time():
            await self.close(CLOSE_TOO_FAST)
        elif text_data is None:
            await self.refuse("this socket takes text frames")
        elif len(text_data) > MESSAGE_CHARACTERS_MAX:
            await self.close(CLOSE_TOO_LARGE)
        else:
            try:
                message = decode_json(text_data, type=self.message_type)
            except InvalidJson as error:
                await self.refuse(f"this socket understands {self.message_help}: {error}")
            else:
                await self.message(message)

    async def refuse(self, reason: str) -> None:
        """Say that a message was not understood."""
        await self.send_json({"type": "error", "code": "INVALID_MESSAGE", "message": reason})

    async def send_json(self, content: dict[str, Any]) -> None:
        """Send a message."""
        await self.send(text_data=msgspec.json.encode(content).decode())

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: bool = False) -> None:
        """Send a frame; nothing any more once the socket is being closed."""
        if not self._is_closing:
            await super().send(text_data, bytes_data, close)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the socket, once."""
        if not self._is_closing:
            self._is_closing = True
            await super().close(code, reason)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle an event of the server or the channel layer; what fails closes the socket.

        Channels' own visits a thread before each, to close connections of Django's: a consumer has none.
        """
        try:
            await getattr(self, get_handler_name(message))(message)
        except StopConsumer:
            raise
        except Exception as error:
            await self._fail(error)
            if message["type"] == "websocket.disconnect":
                raise StopConsumer from error

    def go_on(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Let something run beside the messages, as long as the socket is open."""
        self._tasks.append(asyncio.create_task(self._guarded(coroutine)))

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception as error:
            await self._fail(error)

    async def _fail(self, error: Exception) -> None:
        if isinstance(error, AWAY):
            log.warning("a socket needs a server that is away", path=self.scope.get("path"), reason=str(error).strip())
            await self.close(CLOSE_TRY_AGAIN_LATER)
        else:
            log.error("a socket failed", path=self.scope.get("path"), exc_info=error)
            await self.close(CLOSE_FAILED)

    def _is_in_time(self) -> bool:
        now = time.monotonic()
        filled = self._allowed + (now - self._allowed_at) * MESSAGES_PER_SECOND_MAX
        self._allowed, self._allowed_at = min(float(MESSAGES_AT_ONCE_MAX), filled), now
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True


class NoSuchFeed(LiveConsumer):
    """What is found at every path that has no feed."""

    async def begin(self, user: Any) -> None:
        """Close the socket."""
        await self.close(CLOSE_NOT_FOUND)

    async def message(self, message: Any) -> NoReturn:
        """Never happens: the socket is closed."""
        raise AssertionError("a socket without a feed is closed at once")


class TryAgainLater:
    """ASGI middleware. A socket that needs a server that does not answer is closed, whether it was accepted or not."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass the connection on."""
        seen: set[str] = set()

        async def noting_receive() -> Any:
            message = await receive()
            seen.add(message["type"])
            return message

        async def noting_send(message: Any) -> None:
            seen.add(message["type"])
            await send(message)

        try:
            await self._application(scope, noting_receive, noting_send)
        except AWAY as error:
            log.warning("a socket is closed, because a server does not answer", reason=str(error).strip())
            if seen & {"websocket.disconnect", "websocket.close"}:
                return
            if "websocket.connect" not in seen:
                await receive()
            if "websocket.accept" not in seen:  # Only an accepted socket can be closed with a code.
                await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": CLOSE_TRY_AGAIN_LATER})
