"""REST paths of the command side, included under api/."""

from django.urls import path

from accounts.api.session import SessionView

urlpatterns = [path("session", SessionView.as_view(), name="session")]
