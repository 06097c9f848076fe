"""The web process: HTTP to Django, WebSockets to the consumers. Any number of them can run: each holds its own sockets
and bounded caches, and nothing that another one needs.
"""

import os
from typing import Final

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingplatform.settings")
django.setup(set_prefix=False)

import market.routing  # noqa: E402 - models are loaded by the line above.
import readmodels.live.routing  # noqa: E402
import tradingplatform.urls  # noqa: E402, F401 - now, not with the first request.
from edge.database import BoundedConnection  # noqa: E402
from edge.requests import RequestLimits  # noqa: E402
from edge.sockets import NoSuchFeed, TryAgainLater  # noqa: E402
from identity.websocket import WebSocketAuthentication  # noqa: E402
from market.instruments.current import current_instruments  # noqa: E402
from tradingplatform.interpreter import tune_web  # noqa: E402
from tradingplatform.web.handler import Handler  # noqa: E402

DATABASE_ANSWER_SECONDS_MAX: Final = 10.0
BoundedConnection.answer_seconds_max = DATABASE_ANSWER_SECONDS_MAX

websocket_urlpatterns = [
    *market.routing.websocket_urlpatterns,
    *readmodels.live.routing.websocket_urlpatterns,
    re_path("", NoSuchFeed.as_asgi()),
]

application = ProtocolTypeRouter(
    {
        "http": RequestLimits(Handler()),
        "websocket": TryAgainLater(WebSocketAuthentication(URLRouter(websocket_urlpatterns))),
    }
)

current_instruments()  # Known before the first command is judged, and followed from now on.
tune_web()
