"""REST: the base of every view, which declares what it can be asked (`takes`), and is asked nothing else.

A declaration is a serializer of these fields. It is checked before the view's method runs, and is where the OpenAPI
document has the parameters from.

A parameter that is not declared is refused with the names of those that are; one that is given twice, is empty, or is
written in another form than the documented one is refused too. Nothing is guessed, trimmed or left out silently: an
answer to another question than the one asked is worse than none. `BodySerializer` says the same of JSON bodies.
"""

import re
import uuid
from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, ClassVar, Final, TypeAlias

from django.http import QueryDict
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edge.instants import InvalidInstant, parse_day, parse_instant

CHARACTERS_MAX: Final = 200
"""Of a text that has no narrower limit of its own."""
_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Declared: TypeAlias = tuple[type[serializers.Serializer[Any]], ...]


class WholeNumber(serializers.IntegerField):
    """A whole number in plain digits; in JSON, a number or its digits."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, str) and _WHOLE.fullmatch(data):
            return int(data)
        if isinstance(data, int) and not isinstance(data, bool):
            return data
        raise ValidationError(f"a whole number is written in the digits 0 to 9, found {_shown(data)}")


class Text(serializers.CharField):
    """A text as it was sent, not trimmed, without control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "max_length": CHARACTERS_MAX, **options})

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            raise ValidationError(f"it is a text, found {_shown(data)}")
        if _CONTROL.search(data):
            raise ValidationError(f"a text has no control characters, found {_shown(data)}")
        return data


class Choice(serializers.ChoiceField):
    """One of some words."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the word."""
        if isinstance(data, str) and data in self.choices:
            return data
        raise ValidationError(f"there is no {_shown(data)}: there are {', '.join(self.choices)}")


class Flag(serializers.BooleanField):
    """true or false; in JSON, the value itself."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the value."""
        known = {"true": True, "false": False}
        if isinstance(data, bool):
            return data
        if not isinstance(data, str) or data not in known:
            raise ValidationError(f"it is true or false, found {_shown(data)}")
        return known[data]


class Instant(serializers.DateTimeField):
    """An instant with its offset from UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        """Return the instant, in UTC."""
        try:
            return parse_instant(str(value))
        except InvalidInstant as error:
            raise ValidationError(str(error)) from error


class Day(serializers.DateField):
    """A day."""

    def to_internal_value(self, value: Any) -> date:
        """Return the day."""
        try:
            return parse_day(str(value))
        except InvalidInstant as error:
            raise ValidationError(str(error)) from error


class Id(serializers.UUIDField):
    """A UUID in its usual form, in lower case, as every answer shows it."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """Return the id."""
        if isinstance(data, str) and _UUID.fullmatch(data):
            return uuid.UUID(data)
        raise ValidationError(f"an id is a UUID in lower case, found {_shown(data)}")


class BodySerializer(serializers.Serializer[Any]):
    """What a JSON body may hold; a name that is not declared is refused."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked values."""
        if isinstance(data, Mapping):
            for name in data:
                if name not in self.fields:
                    raise ValidationError({str(name)[:40]: _unknown(list(self.fields), "in this body")})
        return super().to_internal_value(data)


class RestView(APIView):
    """A view that knows its parameters; `asked` has their checked values."""

    takes: ClassVar[Declared] = ()
    asked: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, then what is asked."""
        super().initial(request, *args, **kwargs)
        self.asked = check(self.takes, request.query_params)

    def handle_exception(self, exc: Exception) -> Response:
        """Return the problem, as JSON whatever form was asked for."""
        response = super().handle_exception(exc)
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = JSONRenderer.media_type
        return response


class DeclaredSchema(AutoSchema):
    """Describes a view in the OpenAPI document with the parameters that it declares."""

    def get_override_parameters(self) -> list[Any]:
        """Return the declarations."""
        return list(getattr(self.view, "takes", ()))


def check(takes: Declared, given: QueryDict) -> dict[str, Any]:
    """Return the parameters of an address, checked; raises ValidationError, a 400 that names what is wrong."""
    if not given:
        return dict(_defaults(takes))
    known = _names(takes)
    for name, values in given.lists():
        if name not in known:
            raise ValidationError({name[:40]: _unknown(known, "here")})
        if len(values) > 1:
            raise ValidationError({name: f"it is given {len(values)} times: give it once"})
        if values[0] == "":
            raise ValidationError({name: "it is empty: leave it out, or say what"})
        if "\ufffd" in values[0]:
            raise ValidationError({name: "it is not UTF-8: encode it as %XX bytes of UTF-8"})
    return _checked(takes, given.dict())


def _checked(takes: Declared, given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for serializer in takes:
        checked = serializer(data=given)
        checked.is_valid(raise_exception=True)
        found |= checked.validated_data
    return found


@lru_cache
def _defaults(takes: Declared) -> dict[str, Any]:
    """Return what is asked by a request without parameters."""
    return _checked(takes, {})


@lru_cache
def _names(takes: Declared) -> list[str]:
    return sorted(name for serializer in takes for name in serializer().fields)


def _unknown(known: Collection[str], where: str) -> str:
    return f"there is no such parameter {where}: it takes {', '.join(known) or 'none'}"


def _shown(value: Any) -> str:
    return repr(value)[:40]
