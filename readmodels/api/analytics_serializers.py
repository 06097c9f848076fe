"""The shapes of the answers about all accounts, and what can be asked, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from edge.parameters import Choice, Day, Instant, Text, WholeNumber
from readmodels.api.serializers import ACCOUNT_STATUSES, Base, decimal_text, quantity_text


class LargestPositionSerializer(Base):
    """The largest position against its limit."""

    symbol = serializers.CharField(allow_null=True, help_text="Null without positions")
    value = decimal_text("At the price that the account last traded it at")
    percent = serializers.CharField(help_text="Of the portfolio")
    limit_percent = serializers.CharField(help_text="What one symbol may be of the portfolio after a buy")
    used_percent = serializers.CharField(help_text="Of the limit; more than 100 when prices moved")


class DayUseSerializer(Base):
    """The value traded today against its limit."""

    date = serializers.DateField(help_text="Today, UTC")
    value = decimal_text("Value traded today")
    limit = decimal_text("What may be traded in a UTC day")
    left = decimal_text("The rest")
    used_percent = serializers.CharField(help_text="Of the limit")


class RiskMetricsSerializer(Base):
    """How much of its limits an account uses."""

    account_id = serializers.UUIDField()
    name = serializers.CharField()
    currency = serializers.CharField()
    status = serializers.ChoiceField(ACCOUNT_STATUSES)
    portfolio_value = decimal_text("Cash and positions")
    exposure_percent = serializers.CharField(help_text="Positions, of the portfolio")
    open_positions = serializers.IntegerField(help_text="Symbols of which it holds shares")
    largest_position = LargestPositionSerializer()
    day = DayUseSerializer()
    max_trade_value = decimal_text("What one trade may come to")
    reserved_percent = serializers.CharField(help_text="Of the cash, kept by working buys")
    version = serializers.IntegerField(help_text="Account version that this stands on")


class FirmTotalsSerializer(Base):
    """What the accounts of one currency come to."""

    currency = serializers.CharField()
    accounts = serializers.IntegerField(help_text="Opened so far")
    closed_accounts = serializers.IntegerField(help_text="Those of them that are closed")
    cash = decimal_text("Cash of all accounts")
    positions_value = decimal_text("Positions, each at the price that any account last traded the symbol at")
    portfolio_value = decimal_text("Both")
    realized_pnl = decimal_text("Realized profit or loss so far")
    unrealized_pnl = decimal_text("Positions less what they cost")
    deposited = decimal_text("All deposits")
    withdrawn = decimal_text("All withdrawals")
    volume = decimal_text("Value traded so far")
    trades = serializers.IntegerField()
    refusals = serializers.IntegerField(help_text="Commands that a rule refused")


class _ExposureSerializer(Base):
    currency = serializers.CharField()
    sector = serializers.CharField(help_text="GICS sector; Other for symbols without one")
    value = decimal_text("Shares held, at the price that any account last traded the symbol at")
    percent = serializers.CharField(help_text="Of all that is held in this currency")
    cost = decimal_text("What these shares cost")
    unrealized_pnl = decimal_text("Value less cost")


class SectorExposureSerializer(_ExposureSerializer):
    """What all accounts hold of a sector."""


class SymbolExposureSerializer(_ExposureSerializer):
    """What all accounts hold of a symbol."""

    symbol = serializers.CharField()
    quantity = quantity_text("Shares")
    holders = serializers.IntegerField(help_text="Accounts that hold it")


class AccountPnlSerializer(Base):
    """What an account made."""

    account_id = serializers.UUIDField()
    name = serializers.CharField()
    owner = serializers.CharField(help_text="The user for good, such as user:17")
    owner_name = serializers.CharField(help_text="What the owner is called now; `owner` when there is no such user")
    currency = serializers.CharField()
    status = serializers.ChoiceField(ACCOUNT_STATUSES)
    realized_pnl = decimal_text("Realized profit or loss so far")
    unrealized_pnl = decimal_text("At the prices that the account last traded at")
    pnl = decimal_text("Both")
    trades = serializers.IntegerField()


class SymbolPnlSerializer(Base):
    """What all accounts made with a symbol."""

    currency = serializers.CharField()
    symbol = serializers.CharField()
    realized_pnl = decimal_text("Realized profit or loss so far")
    unrealized_pnl = decimal_text("Of the shares held, at the last price")
    pnl = decimal_text("Both")
    volume = decimal_text("Value traded so far")
    trades = serializers.IntegerField()
    last_price = decimal_text("Price that any account last traded it at")
    last_traded_at = serializers.DateTimeField()


class DayTotalsSerializer(Base):
    """What all accounts did on a day."""

    date = serializers.DateField(help_text="UTC")
    currency = serializers.CharField()
    realized_pnl = decimal_text("Realized profit or loss of the day")
    bought_value = decimal_text("Value of all buys")
    sold_value = decimal_text("Value of all sells")
    trades = serializers.IntegerField()


class FlowSerializer(Base):
    """What went through."""

    begins_at = serializers.DateTimeField()
    currency = serializers.CharField()
    trades = serializers.IntegerField()
    refusals = serializers.IntegerField(help_text="Commands that a rule refused")
    bought_value = decimal_text("Value of all buys")
    sold_value = decimal_text("Value of all sells")


def listed(serializer: type[Base]) -> type[Base]:
    """Return the shape of a list: `results`."""
    name = serializer.__name__.replace("Serializer", "ListSerializer")
    return type(name, (Base,), {"__doc__": "A list.", "results": serializer(many=True)})


class TopParameters(Base):
    """How many of the first."""

    limit = WholeNumber(min_value=1, max_value=500, default=20)


class AccountPnlParameters(TopParameters):
    """Which accounts first."""

    order = Choice(["best", "worst"], default="best", help_text="Who comes first")
    currency = Text(required=False, help_text="Of these accounts alone; ISO 4217")


class DayTotalsParameters(Base):
    """Which days."""

    limit = WholeNumber(min_value=1, max_value=1_000, default=366)
    symbol = Text(required=False, help_text="Trades of this symbol alone")

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = Day(required=False, help_text="On or after this UTC day")
        end = Day(required=False, help_text="Before it")
        return {**super().get_fields(), "from": begin, "to": end}


class FlowParameters(Base):
    """Which time, in which steps."""

    per = Choice(["minute", "hour", "day"], default="minute", help_text="What a row is")
    limit = WholeNumber(min_value=1, max_value=1_500, default=60)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = Instant(required=False, help_text="At or after this instant; 400 days before `to` at the earliest")
        end = Instant(required=False, help_text="Before this instant; now, unless it is said")
        return {**super().get_fields(), "from": begin, "to": end}
