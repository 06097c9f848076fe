"""REST paths of time travel, included under api/."""

from django.urls import URLPattern, path

from temporal.api import rest, streaming

urlpatterns: list[URLPattern] = [
    path("as-of", streaming.FirmAsOfView.as_view(), name="firm-as-of"),
    path("accounts/<uuid:account_id>/as-of", rest.AsOfView.as_view(), name="as-of"),
    path("accounts/<uuid:account_id>/diff", rest.DiffView.as_view(), name="diff"),
    path("accounts/<uuid:account_id>/performance", rest.PerformanceView.as_view(), name="performance"),
    path("accounts/<uuid:account_id>/what-if", rest.WhatIfView.as_view(), name="what-if"),
]
