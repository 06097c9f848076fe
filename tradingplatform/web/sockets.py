"""WebSockets while PostgreSQL or Valkey is away: closed with a code that says to come again, and a line in the log."""

from typing import Any

import structlog

from edge.sockets import AWAY, CLOSE_TRY_AGAIN_LATER

log = structlog.get_logger(__name__)


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
