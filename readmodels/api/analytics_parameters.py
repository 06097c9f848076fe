"""What the views over all accounts can be asked."""

from typing import Any

from rest_framework import serializers

from edge.parameters import Choice, Day, Instant, Text, WholeNumber


class TopParameters(serializers.Serializer[Any]):
    """How many of the first."""

    limit = WholeNumber(min_value=1, max_value=500, default=20)


class AccountPnlParameters(TopParameters):
    """Which accounts first."""

    order = Choice(["best", "worst"], default="best", help_text="Who comes first")
    currency = Text(required=False, help_text="Of these accounts alone; ISO 4217")


class DayTotalsParameters(serializers.Serializer[Any]):
    """Which days."""

    limit = WholeNumber(min_value=1, max_value=1_000, default=366)
    symbol = Text(required=False, help_text="Trades of this symbol alone")

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = Day(required=False, help_text="On or after this UTC day")
        end = Day(required=False, help_text="Before it")
        return {**super().get_fields(), "from": begin, "to": end}


class FlowParameters(serializers.Serializer[Any]):
    """Which time, in which steps."""

    per = Choice(["minute", "hour", "day"], default="minute", help_text="What a row is")
    limit = WholeNumber(min_value=1, max_value=1_500, default=60)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = Instant(required=False, help_text="At or after this instant; 400 days before `to` at the earliest")
        end = Instant(required=False, help_text="Before this instant; now, unless it is said")
        return {**super().get_fields(), "from": begin, "to": end}
