"""REST paths of the command side, included under api/."""

from django.urls import path

from identity.api.keys import ApiKeyListView, ApiKeyView
from identity.api.session import SessionView

urlpatterns = [
    path("session", SessionView.as_view(), name="session"),
    path("keys", ApiKeyListView.as_view(), name="keys"),
    path("keys/<str:prefix>", ApiKeyView.as_view(), name="key"),
]
