"""WebSocket paths of the query side."""

from django.urls import path

from readmodels.consumers import AccountConsumer, AccountsConsumer
from readmodels.dashboard_consumer import DashboardConsumer

websocket_urlpatterns = [
    path("ws/accounts", AccountsConsumer.as_asgi()),
    path("ws/accounts/<uuid:account_id>", AccountConsumer.as_asgi()),
    path("ws/dashboard", DashboardConsumer.as_asgi()),
]
