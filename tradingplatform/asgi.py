"""The web process: HTTP to Django, WebSockets to the consumers. Stateless; any number of them can run."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingplatform.settings")
django_application = get_asgi_application()

import market.routing  # noqa: E402 - models are loaded by the line above.
import readmodels.routing  # noqa: E402
from accounts.websocket import WebSocketAuthentication  # noqa: E402

websocket_urlpatterns = [*market.routing.websocket_urlpatterns, *readmodels.routing.websocket_urlpatterns]

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": WebSocketAuthentication(URLRouter(websocket_urlpatterns)),
    }
)
