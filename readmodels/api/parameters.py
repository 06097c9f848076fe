"""What the REST queries can be asked; edge/rest.py checks it, and describes it for the OpenAPI document."""

from typing import Any, Final

from rest_framework import serializers

from edge.rest import Choice, Day, Id, Instant, Text, WholeNumber
from readmodels.shapes import SIDES

_FIELDS_HELP: Final = "Names with commas between them: these only are shown, of every row where there are several"
_CURSOR_HELP: Final = "`next` of the page before"
VERSION_MAX: Final = 10**18 - 1


class PageParameters(serializers.Serializer[Any]):
    """How much."""

    limit = WholeNumber(min_value=1, max_value=500, default=50)


class AccountPageParameters(PageParameters):
    """How much, from where."""

    cursor = Id(required=False, help_text=_CURSOR_HELP)


class OrderedPageParameters(PageParameters):
    """How much, from where, and which end first."""

    cursor = WholeNumber(min_value=0, max_value=VERSION_MAX, required=False, help_text=_CURSOR_HELP)
    order = Choice(["newest", "oldest"], default="newest", help_text="What comes first")


class OrderParameters(OrderedPageParameters):
    """Which orders."""

    status = Choice(
        ["open", "closed", "all"], required=False, help_text="`open` unless a client_order_id is asked for, then `all`"
    )
    symbol = Text(required=False)
    side = Choice(SIDES, required=False)
    client_order_id = Text(required=False)


class _InstantRange(OrderedPageParameters):
    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = Instant(required=False, help_text="At or after this instant")
        return {
            **super().get_fields(),
            "from": begin,
            "to": Instant(required=False, help_text="Before this instant"),
        }


class TradeParameters(_InstantRange):
    """Which trades."""

    symbol = Text(required=False)
    side = Choice(SIDES, required=False)


class ActivityParameters(_InstantRange):
    """Which events."""

    type = Text(required=False, max_length=1_000, help_text="One or several, with commas between them")
    text = Text(
        required=False,
        min_length=2,
        max_length=100,
        help_text="In a value of the event's fields, such as a symbol or a reason; any case",
    )


class DayParameters(serializers.Serializer[Any]):
    """Which days."""

    limit = WholeNumber(min_value=1, max_value=366, default=366)
    cursor = Day(required=False, help_text=_CURSOR_HELP)
    order = Choice(["newest", "oldest"], default="newest", help_text="What comes first")

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = Day(required=False, help_text="On or after this UTC day")
        return {
            **super().get_fields(),
            "from": begin,
            "to": Day(required=False, help_text="Before it"),
        }


class VersionParameter(serializers.Serializer[Any]):
    """How fresh."""

    min_version = WholeNumber(
        min_value=0,
        max_value=VERSION_MAX,
        required=False,
        help_text="Answer only from data that have this account version; waits up to 2 s",
    )


class FieldsParameter(serializers.Serializer[Any]):
    """What of it."""

    def get_fields(self) -> dict[str, Any]:
        """Return the one field, whose name Django REST framework keeps to itself."""
        return {"fields": Text(required=False, max_length=1_000, help_text=_FIELDS_HELP)}
