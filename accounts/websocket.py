"""Who opens a WebSocket: a browser of our own pages by its session, or a program by its API key.

Browsers cannot set headers on a WebSocket, so a request with an Authorization header comes from a program and needs no
Origin; every other one has to come from a page of an allowed host.
"""

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.security.websocket import AllowedHostsOriginValidator

from accounts.authentication import user_from_scope


class WebSocketAuthentication:
    """ASGI middleware that sets `scope["user"]`; anonymous when nobody is logged in."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._browser = AllowedHostsOriginValidator(AuthMiddlewareStack(application))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Pass the connection on with its user."""
        if any(name == b"authorization" for name, _ in scope.get("headers", [])):
            scope = {**scope, "user": await user_from_scope(scope)}
            return await self._application(scope, receive, send)
        return await self._browser(scope, receive, send)
