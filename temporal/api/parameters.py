"""What the REST views of the past take: parameters and bodies, checked and described for the OpenAPI document."""

from typing import Any, Final

from rest_framework import serializers

from edge.rest import BodySerializer, Flag, Text, WholeNumber
from temporal.performance.periods import KINDS

EVENTS_PAGE: Final = 50
EVENTS_PAGE_MAX: Final = 500


class Base(serializers.Serializer[Any]):
    """Parameters."""


def instant(meaning: str) -> Text:
    """Return a parameter for an instant, whose text as_of.py judges."""
    return Text(required=False, help_text=f"{meaning}; RFC 3339 with a time zone")


class MomentParameters(Base):
    """An instant or a version; neither means now."""

    at = instant("As of this instant, what was recorded at it included")
    version = Text(required=False, help_text="As of this version, a whole number from 1")
    valued = Flag(default=False, help_text="Also at the market's prices of that instant")


class InstantParameters(Base):
    """An instant; none means now."""

    at = instant("As of this instant, what was recorded at it included")


class DiffParameters(Base):
    """Two moments: from the first version and to now when they are not given."""

    from_at = instant("From this instant")
    from_version = Text(required=False, help_text="From this version, a whole number from 1")
    to_at = instant("To this instant")
    to_version = Text(required=False, help_text="To this version")
    limit = WholeNumber(default=EVENTS_PAGE, min_value=1, max_value=EVENTS_PAGE_MAX)
    cursor = WholeNumber(required=False, min_value=0, max_value=10**18 - 1, help_text="`next` of the page before")


class PerformanceParameters(Base):
    """Which days, in which time zone, and how they are put together."""

    to = Text(required=False, help_text="Last day, YYYY-MM-DD (default: today in the zone)")
    period = Text(default="day", help_text=f"{', '.join(KINDS)}; weeks begin on Monday")
    zone = Text(default="UTC", help_text="IANA name of the time zone whose days are meant")

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is no name in Python."""
        first = Text(required=False, help_text="First day, YYYY-MM-DD (default: the opening)")
        return {"from": first, **super().get_fields()}


class WhatIfLimitsBody(BodySerializer):
    """Risk limits; those that are left out stay the account's own, with all their changes."""

    max_position_percent = Text(required=False, allow_null=True, help_text="Of the portfolio: 10.00")
    max_daily_value = Text(required=False, allow_null=True, help_text="Traded value per UTC day")
    max_trade_value = Text(required=False, allow_null=True, help_text="Value of one trade")
    price_band_percent = Text(required=False, allow_null=True, help_text="Band around the market's price; 0 is none")


class WhatIfBody(BodySerializer):
    """Under which limits, and from when to when, commands are decided again."""

    limits = WhatIfLimitsBody()
    to = Text(required=False, allow_null=True, help_text="Up to this instant, RFC 3339 (default: now)")

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is no name in Python."""
        start = Text(required=False, allow_null=True, help_text="After this instant, RFC 3339 (default: the opening)")
        return {**super().get_fields(), "from": start}
