"""WebSocket paths of the query side."""

from django.urls import path

from readmodels.firm.dashboard_consumer import DashboardConsumer
from readmodels.live.consumers import AccountConsumer, AccountsConsumer

websocket_urlpatterns = [
    path("ws/accounts", AccountsConsumer.as_asgi()),
    path("ws/accounts/<uuid:account_id>", AccountConsumer.as_asgi()),
    path("ws/dashboard", DashboardConsumer.as_asgi()),
]
