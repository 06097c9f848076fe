"""The answers of the REST API for the OpenAPI document: shapes (readmodels/shapes.py), and pages of them."""

from typing import Any, Final, TypeAlias

from rest_framework import serializers

from accounts.shapes import Shape
from readmodels import shapes

Serializer: TypeAlias = type[serializers.Serializer[Any]]


def page_of(shape: type[Shape], name: str, meaning: str) -> Serializer:
    """Return a page of shapes, and where the next one begins."""
    cursor = serializers.CharField(allow_null=True, help_text="Give it back as `cursor`; null at the end")
    return _list(name, meaning, results=shape.serializer()(many=True), next=cursor)


def list_of(shape: type[Shape], meaning: str = "A list.") -> Serializer:
    """Return a list of shapes, which has no pages."""
    return _list(f"{shape.__name__}List", meaning, results=shape.serializer()(many=True))


def _list(name: str, meaning: str, **fields: Any) -> Serializer:
    return type(f"{name}Serializer", (serializers.Serializer,), {"__doc__": meaning, **fields})


AccountPageSerializer: Final = page_of(shapes.Account, "AccountPage", "A page of accounts.")
OrderPageSerializer: Final = page_of(shapes.Order, "OrderPage", "A page of orders, newest first.")
TradePageSerializer: Final = page_of(shapes.Trade, "TradePage", "A page of trades, newest first.")
ActivityPageSerializer: Final = page_of(shapes.Event, "ActivityPage", "A page of an account's events, newest first.")
DailyPnlPageSerializer: Final = page_of(
    shapes.DailyPnl, "DailyPnlPage", "A page of an account's days with trades, newest first."
)
PositionListSerializer: Final = list_of(shapes.OpenPosition, "An account's open positions.")
AccountSerializer: Final = shapes.Account.serializer()
PositionSerializer: Final = shapes.OpenPosition.serializer()
OrderSerializer: Final = shapes.Order.serializer()
TradeSerializer: Final = shapes.Trade.serializer()
EventSerializer: Final = shapes.Event.serializer()
DailyPnlSerializer: Final = shapes.DailyPnl.serializer()


class PortfolioSerializer(serializers.Serializer[Any]):
    """An account and its open positions, both as of the account's version, and what they are worth at the market."""

    account = AccountSerializer()
    positions = PositionSerializer(many=True)
    at_market = shapes.AccountAtMarket.serializer()()


class ProblemSerializer(serializers.Serializer[Any]):
    """An error (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable code")
