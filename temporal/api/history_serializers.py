"""What the views of history take and give, for checking parameters and for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from edge.parameters import BodySerializer, Text
from temporal.api.serializers import money, quantity_text
from temporal.periods import KINDS


def share(meaning: str) -> serializers.CharField:
    """Return a field of a share, 1 being the whole."""
    return serializers.CharField(help_text=f"{meaning}; decimal string with six decimals, 0.010000 for 1 %")


class PerformanceParameters(serializers.Serializer[Any]):
    """Which days, in which time zone, and how they are put together."""

    to = Text(required=False, help_text="Last day, YYYY-MM-DD (default: today in the zone)")
    period = Text(default="day", help_text=f"{', '.join(KINDS)}; weeks begin on Monday")
    zone = Text(default="UTC", help_text="IANA name of the time zone whose days are meant")

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is no name in Python."""
        first = Text(required=False, help_text="First day, YYYY-MM-DD (default: the opening)")
        return {"from": first, **super().get_fields()}


class PerformanceFiguresSerializer(serializers.Serializer[Any]):
    """What happened in some days."""

    start_date = serializers.DateField()
    end_date = serializers.DateField(help_text="Included")
    version = serializers.IntegerField(help_text="The account's version at the end; 0 when it was not open yet")
    trades = serializers.IntegerField()
    volume = money("Value of all trades")
    realized_pnl = money("By average cost")
    unrealized_pnl_change = money("At the end less at the beginning, at the account's marks")
    fees = money("What the trades cost; part of the realized P&L and of what positions cost")
    symbols_changed = serializers.ListField(
        child=serializers.CharField(), help_text="Whose position, average cost, mark or realized P&L is another one"
    )
    opening_equity = money("Cash and positions at the account's marks, at the beginning")
    closing_equity = money("The same at the end")
    deposits = money("Cash that came in")
    withdrawals = money("Cash that went out")
    time_weighted_return = share("Growth without deposits and withdrawals")
    drawdown = share("How far growth is below its highest period's end of the range; of the totals, the most")


class PerformanceSerializer(serializers.Serializer[Any]):
    """The periods of a range, and the range as one."""

    account_id = serializers.UUIDField()
    zone = serializers.CharField()
    period = serializers.ChoiceField(choices=KINDS)
    periods = PerformanceFiguresSerializer(many=True)
    totals = PerformanceFiguresSerializer()


class WhatIfLimitsSerializer(BodySerializer):
    """Risk limits; those that are left out stay the account's own, with all their changes."""

    max_position_percent = Text(required=False, allow_null=True, help_text="Of the portfolio: 10.00")
    max_daily_value = Text(required=False, allow_null=True, help_text="Traded value per UTC day")
    max_trade_value = Text(required=False, allow_null=True, help_text="Value of one trade")


class WhatIfRequestSerializer(BodySerializer):
    """Under which limits, and from when to when, commands are decided again."""

    limits = WhatIfLimitsSerializer()
    to = Text(required=False, allow_null=True, help_text="Up to this instant, RFC 3339 (default: now)")

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is no name in Python."""
        start = Text(required=False, allow_null=True, help_text="After this instant, RFC 3339 (default: the opening)")
        return {**super().get_fields(), "from": start}


class WhatIfPositionSerializer(serializers.Serializer[Any]):
    """Shares of one symbol."""

    symbol = serializers.CharField()
    quantity = quantity_text("Shares")
    average_cost = money("Of one share")
    mark = money("The price that the account last traded it at")


class WhatIfAccountSerializer(serializers.Serializer[Any]):
    """An account at the end of the range."""

    status = serializers.CharField()
    cash = money("Cash")
    equity = money("Cash and positions at the account's marks")
    realized_pnl = money("By average cost")
    unrealized_pnl = money("Value less cost of the positions")
    trades = serializers.IntegerField()
    working_orders = serializers.IntegerField()
    positions = WhatIfPositionSerializer(many=True)


class WhatIfDifferenceSerializer(serializers.Serializer[Any]):
    """A command that ends differently; code and figures are those of the refusal, now's or then's."""

    version = serializers.IntegerField()
    recorded_at = serializers.DateTimeField()
    command_id = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["REFUSED_NOW", "ACCEPTED_NOW"])
    is_knock_on = serializers.BooleanField(help_text="For what other commands led to, not by a limit that was given")
    command = serializers.CharField()
    arguments = serializers.DictField()
    code = serializers.CharField()
    limit = serializers.CharField(allow_null=True, help_text="Money or shares as a decimal string, a count as digits")
    actual = serializers.CharField(allow_null=True, help_text="The same")


class WhatIfSerializer(serializers.Serializer[Any]):
    """What would have been."""

    account_id = serializers.UUIDField()
    limits = WhatIfLimitsSerializer()
    from_version = serializers.IntegerField()
    to_version = serializers.IntegerField()
    commands = serializers.IntegerField(help_text="Decided again")
    refused_now = serializers.IntegerField()
    accepted_now = serializers.IntegerField()
    knock_ons = serializers.IntegerField(help_text="Of both")
    refused_for_another_reason = serializers.IntegerField()
    real = WhatIfAccountSerializer()
    what_if = WhatIfAccountSerializer()
    differences = WhatIfDifferenceSerializer(many=True, help_text="The first 1,000")
    differences_complete = serializers.BooleanField()
