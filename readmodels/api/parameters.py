"""What the REST queries can be asked, checked and described for the OpenAPI document."""

from datetime import datetime
from typing import Any, ClassVar, Final

from rest_framework import serializers

from readmodels.api.serializers import SIDES, Base

_FIELDS_HELP: Final = "Names with commas between them: these only are shown, of every row where there are several"


class PageParameters(Base):
    """How much, from where."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=50)
    cursor = serializers.CharField(required=False, help_text="`next` of the page before")


class OrderedPageParameters(PageParameters):
    """How much, from where, and which end first."""

    order = serializers.ChoiceField(["newest", "oldest"], default="newest", help_text="What comes first")


class OrderParameters(OrderedPageParameters):
    """Which orders."""

    status = serializers.ChoiceField(
        ["open", "closed", "all"], required=False, help_text="`open` unless a client_order_id is asked for, then `all`"
    )
    symbol = serializers.CharField(required=False)
    side = serializers.ChoiceField(SIDES, required=False)
    client_order_id = serializers.CharField(required=False)


class InstantField(serializers.DateTimeField):
    """An instant with its offset from UTC."""

    default_error_messages: ClassVar = {"naive": "an instant has its offset, such as 2026-01-31T09:30:00Z"}

    def enforce_timezone(self, value: datetime) -> datetime:
        """Return the instant; which zone is meant is never guessed."""
        if value.tzinfo is None:
            self.fail("naive")
        return value


class _InstantRange(OrderedPageParameters):
    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = InstantField(required=False, help_text="At or after this instant")
        return {
            **super().get_fields(),
            "from": begin,
            "to": InstantField(required=False, help_text="Before this instant"),
        }


class TradeParameters(_InstantRange):
    """Which trades."""

    symbol = serializers.CharField(required=False)
    side = serializers.ChoiceField(SIDES, required=False)


class ActivityParameters(_InstantRange):
    """Which events."""

    type = serializers.CharField(required=False, help_text="One or several, with commas between them")
    text = serializers.CharField(
        required=False,
        min_length=2,
        max_length=100,
        help_text="In the event's fields, such as a symbol or a reason; any case",
    )


class DayParameters(Base):
    """Which days."""

    limit = serializers.IntegerField(min_value=1, max_value=366, default=366)
    cursor = serializers.DateField(required=False, help_text="`next` of the page before")
    order = serializers.ChoiceField(["newest", "oldest"], default="newest", help_text="What comes first")

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, one of which has a name that Python keeps to itself."""
        begin = serializers.DateField(required=False, help_text="On or after this UTC day")
        return {
            **super().get_fields(),
            "from": begin,
            "to": serializers.DateField(required=False, help_text="Before it"),
        }


class VersionParameter(Base):
    """How fresh."""

    min_version = serializers.IntegerField(
        min_value=0, required=False, help_text="Answer only from data that have this account version; waits up to 2 s"
    )


class FieldsParameter(Base):
    """What of it."""

    def get_fields(self) -> dict[str, Any]:
        """Return the one field, whose name Django REST framework keeps to itself."""
        return {"fields": serializers.CharField(required=False, help_text=_FIELDS_HELP)}


def check(serializer: type[Base], query: Any) -> dict[str, Any]:
    """Return checked query parameters; raises ValidationError, a 400 that names the one that is wrong."""
    checked = serializer(data=query)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)
