"""REST paths of the market, to be included under "api/"."""

from django.urls import path

from market.api import MarketClockView, MarketView

urlpatterns = [
    path("market", MarketView.as_view(), name="market"),
    path("market/clock", MarketClockView.as_view(), name="market-clock"),
]
