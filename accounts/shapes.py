"""What the APIs show, declared once: a shape is a class of fields, and everybody who shows it uses that one.

`Position.show(row)` makes JSON of a row or an object: REST and WebSockets send it as it is, GraphQL takes its fields.
`Position.serializer()` is its schema in the OpenAPI document, from which the types of the front end are generated.
`Position.object_type()` is its GraphQL type. Money is a decimal string with four decimals, shares one with
as many as they need, an instant RFC 3339 in UTC with microseconds, a count a whole number of up to 64 bits.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

import graphene
from graphene.types.generic import GenericScalar
from rest_framework import serializers

from accounts.domain.values import format_amount, format_quantity
from accounts.scalars import BigInt, Quantity
from edge.turns import turn_clock

Source: TypeAlias = str | Callable[[Any], Any]


class Field:
    """One field: what it means, where its value is from, and how each API shows it.

    `of` is the name of a column or the path of an attribute, its own name by default, or a function of the row or
    object. `null` says that it may be null; what is `optional` is left out where there is none.
    """

    def __init__(
        self, meaning: str = "", *, of: Source | None = None, null: bool = False, optional: bool = False
    ) -> None:
        self.meaning = meaning
        self.of = of
        self.is_nullable = null or optional
        self.is_optional = optional

    def shown(self, value: Any) -> Any:
        """Return a value as JSON has it; it is not None."""
        return value

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        """Return the field of a serializer, for the OpenAPI document."""
        raise NotImplementedError

    def graphql(self) -> Any:
        """Return the field of a GraphQL type."""
        raise NotImplementedError

    def typescript(self) -> str:
        """Return its type in TypeScript, null aside."""
        return "string"

    def described(self, note: str = "") -> str:
        """Return what OpenAPI says of it."""
        return "; ".join(each for each in (self.meaning, note) if each)

    def _options(self, note: str = "") -> dict[str, Any]:
        options: dict[str, Any] = {"allow_null": self.is_nullable and not self.is_optional}
        if self.is_optional:
            options["required"] = False
        if text := self.described(note):
            options["help_text"] = text
        return options

    def _graphql_options(self) -> dict[str, Any]:
        return {"required": not self.is_nullable, "description": f"{self.meaning}." if self.meaning else None}


class Text(Field):
    """A text."""

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        """Return the field of a serializer."""
        return serializers.CharField(**self._options())

    def graphql(self) -> Any:
        return graphene.String(**self._graphql_options())


class Choice(Text):
    """One of some words."""

    def __init__(self, choices: Sequence[str], meaning: str = "", **options: Any) -> None:
        super().__init__(meaning, **options)
        self.choices = list(choices)

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.ChoiceField(self.choices, **self._options())

    def graphql(self) -> Any:
        words = f"{', '.join(self.choices[:-1])} or {self.choices[-1]}"
        meaning = f"{self.meaning}: {words}." if self.meaning else f"{words}."
        return graphene.String(**{**self._graphql_options(), "description": meaning})

    def typescript(self) -> str:
        """Return its type in TypeScript."""
        return " | ".join(f'"{choice}"' for choice in self.choices)


class Id(Text):
    """A UUID."""

    def shown(self, value: Any) -> str:
        """Return its canonical form."""
        return str(value)

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.UUIDField(**self._options())

    def graphql(self) -> Any:
        return graphene.ID(**self._graphql_options())


class Money(Text):
    """An amount or a price, given in ten-thousandths."""

    def shown(self, value: int) -> str:
        """Return a decimal string with four decimals."""
        return format_amount(int(value))

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.CharField(**self._options("decimal string with four decimals"))

    def typescript(self) -> str:
        return "Decimal"


class Shares(Field):
    """A quantity, given in millionths of a share."""

    def shown(self, value: int) -> str:
        """Return a decimal string with up to six decimals."""
        return format_quantity(int(value))

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.CharField(**self._options("decimal string with up to six decimals"))

    def graphql(self) -> Any:
        return Quantity(**self._graphql_options())

    def typescript(self) -> str:
        return "Quantity"


class Percent(Text):
    """A share of something, given in basis points."""

    def shown(self, value: int) -> str:
        """Return a decimal string with two decimals."""
        return percent_text(value)

    def typescript(self) -> str:
        return "Decimal"


class Ratio(Text):
    """A share of something, given in millionths, 1 being the whole."""

    def shown(self, value: int) -> str:
        """Return a decimal string with six decimals."""
        return ratio_text(value)

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.CharField(**self._options("decimal string with six decimals, 0.010000 for 1 %"))

    def typescript(self) -> str:
        return "Decimal"


class Count(Field):
    """A whole number: a version, or how many."""

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.IntegerField(**self._options())

    def graphql(self) -> Any:
        return BigInt(**self._graphql_options())

    def typescript(self) -> str:
        return "number"


class Flag(Field):
    """Yes or no."""

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.BooleanField(**self._options())

    def graphql(self) -> Any:
        return graphene.Boolean(**self._graphql_options())

    def typescript(self) -> str:
        return "boolean"


class Instant(Text):
    """An instant, given as a datetime in UTC."""

    def shown(self, value: datetime) -> str:
        """Return it in RFC 3339 with microseconds."""
        return instant_text(value)

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.DateTimeField(**self._options())

    def typescript(self) -> str:
        return "Instant"


class Day(Text):
    """A day, given as a date."""

    def shown(self, value: date) -> str:
        """Return YYYY-MM-DD."""
        return value.isoformat()

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.DateField(**self._options())


class Texts(Field):
    """Some texts."""

    def shown(self, value: Sequence[str]) -> list[str]:
        """Return a list of them."""
        return list(value)

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.ListField(child=serializers.CharField(), **self._options())

    def graphql(self) -> Any:
        return graphene.List(graphene.NonNull(graphene.String), **self._graphql_options())

    def typescript(self) -> str:
        return "string[]"


class Anything(Field):
    """A figure or a text of any kind, or null."""

    def __init__(self, meaning: str = "", **options: Any) -> None:
        super().__init__(meaning, **{"null": True, **options})

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.JSONField(**self._options())

    def graphql(self) -> Any:
        return GenericScalar(**self._graphql_options())

    def typescript(self) -> str:
        return "unknown"


class Object(Field):
    """An object of JSON whose members differ."""

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return serializers.DictField(**self._options())

    def graphql(self) -> Any:
        return GenericScalar(**self._graphql_options())

    def typescript(self) -> str:
        return "Record<string, unknown>"


class One(Field):
    """Another shape inside, by default made of the same row or object."""

    def __init__(self, shape: "type[Shape]", meaning: str = "", **options: Any) -> None:
        super().__init__(meaning, **{"of": _itself, **options})
        self.shape = shape

    def shown(self, value: Any) -> dict[str, Any]:
        """Return the shape of what is inside."""
        return self.shape.show(value)

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return self.shape.serializer()(**self._options())

    def graphql(self) -> Any:
        return graphene.Field(self.shape.object_type(), **self._graphql_options())

    def typescript(self) -> str:
        return self.shape.__name__


class Each(Field):
    """Other shapes inside, in order."""

    def __init__(self, shape: "type[Shape]", meaning: str = "", **options: Any) -> None:
        super().__init__(meaning, **options)
        self.shape = shape

    def shown(self, value: Any) -> list[dict[str, Any]]:
        """Return the shapes of what is inside."""
        return [self.shape.show(each) for each in value]

    def schema(self) -> serializers.Field[Any, Any, Any, Any]:
        return self.shape.serializer()(many=True, **self._options())

    def graphql(self) -> Any:
        return graphene.List(graphene.NonNull(self.shape.object_type()), **self._graphql_options())

    def typescript(self) -> str:
        return f"{self.shape.__name__}[]"


class Inline:
    """The fields of another shape, shown among those of this one."""

    def __init__(self, shape: "type[Shape]", *, of: Source | None = None) -> None:
        self.shape = shape
        self.of = of


class _Step(NamedTuple):
    """How one field is shown."""

    name: str
    read: Callable[[Any], Any]
    shown: Callable[[Any], Any]
    is_optional: bool


class Shape:
    """The base of shapes; their fields stand in the order in which they are shown. Rows are mappings by column."""

    fields: ClassVar[Mapping[str, Field]] = {}
    _steps: ClassVar[Sequence[_Step]] = ()
    _serializer: ClassVar[type[serializers.Serializer[Any]]]
    _object_type: ClassVar[type[graphene.ObjectType]]

    def __init_subclass__(cls) -> None:
        """Collect the fields, those of the bases first."""
        fields, steps = dict(cls.fields), list(cls._steps)
        for name, field in vars(cls).items():
            if isinstance(field, Field):
                fields[name] = field
                steps.append(_Step(name, cls._reader(field.of or name), field.shown, field.is_optional))
            elif isinstance(field, Inline):
                fields |= field.shape.fields
                outer = None if field.of is None else cls._reader(field.of)
                steps += [step if outer is None else _within(outer, step) for step in field.shape._steps]
        cls.fields, cls._steps = fields, steps

    @classmethod
    def show(cls, source: Any) -> dict[str, Any]:
        """Return what JSON shows of a row or an object."""
        found = {}
        for name, read, shown, is_optional in cls._steps:
            value = read(source)
            if value is not None:
                found[name] = shown(value)
            elif not is_optional:
                found[name] = None
        return found

    @classmethod
    def serializer(cls) -> type[serializers.Serializer[Any]]:
        """Return what describes this shape to the OpenAPI document, where it has this name."""
        if "_serializer" not in vars(cls):
            fields = {name: field.schema() for name, field in cls.fields.items()}
            names = {"__doc__": cls.__doc__, "__module__": cls.__module__, **fields}
            cls._serializer = type(f"{cls.__name__}Serializer", (serializers.Serializer,), names)
        return cls._serializer

    @classmethod
    def object_type(cls) -> type[graphene.ObjectType]:
        """Return the GraphQL type of this shape, which has its name."""
        if "_object_type" not in vars(cls):
            cls._object_type = type(cls.__name__, (cls.graphql(), graphene.ObjectType), {"__doc__": cls.__doc__})
        return cls._object_type

    @classmethod
    def graphql(cls) -> type[Any]:
        """Return a base for a GraphQL type that has more than the fields of this shape."""
        return type(f"{cls.__name__}Fields", (), {name: field.graphql() for name, field in cls.fields.items()})

    @classmethod
    def _reader(cls, of: Source) -> Callable[[Any], Any]:
        return operator.itemgetter(of) if isinstance(of, str) else of


class ObjectShape(Shape):
    """The base of shapes of objects: what a field is of is the path of an attribute, such as "state.cash"."""

    @classmethod
    def _reader(cls, of: Source) -> Callable[[Any], Any]:
        return operator.attrgetter(of) if isinstance(of, str) else of


async def show_each(show: Callable[[Any], dict[str, Any]], rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return what JSON shows of many rows, on an event loop that has its turn in between: what one caller asks much of
    keeps nobody else waiting.
    """
    clock, shown = turn_clock(), []
    for row in rows:
        if clock.is_over():
            await clock.wait()
        shown.append(show(row))
    return shown


MILLION: Final = 1_000_000
_INSTANT_CHARACTERS: Final = len("2026-11-29T00:00:00.000000")


def ratio_text(millionths: int) -> str:
    """Show millionths as a decimal string with six decimals: -12500 becomes "-0.012500"."""
    whole, fraction = divmod(abs(millionths), MILLION)
    return f"{'-' if millionths < 0 else ''}{whole}.{fraction:06d}"


def percent_text(basis_points: int) -> str:
    """Show basis points as percent with two decimals."""
    return f"{basis_points // 100}.{basis_points % 100:02d}"


def instant_text(at: datetime) -> str:
    """Return an instant in RFC 3339, UTC, with microseconds."""
    return f"{at.isoformat(timespec='microseconds')[:_INSTANT_CHARACTERS]}Z"


def _itself(source: Any) -> Any:
    return source


def _within(outer: Callable[[Any], Any], step: _Step) -> _Step:
    read = step.read
    return step._replace(read=lambda source: read(outer(source)))
