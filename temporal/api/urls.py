"""REST paths of time travel, included under api/."""

from django.urls import URLPattern, path

from temporal.api import history

urlpatterns: list[URLPattern] = [
    path("accounts/<uuid:account_id>/performance", history.PerformanceView.as_view(), name="performance"),
    path("accounts/<uuid:account_id>/what-if", history.WhatIfView.as_view(), name="what-if"),
]
