"""What an application may say about its events, so that they take less room: what follows from what, and shapes.

Many fields of fat events follow from others, always or nearly always. A `Declaration` says so for one type, and the
journal keeps the difference, which then is nothing. It is never wrong to say something: what is read is exactly what
was written, only longer where less was true. A declaration that was used once is kept for ever; another one for the
same type has another number.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from eventstore.columns.cells import Values
from eventstore.errors import UnknownEventType
from eventstore.kernels import formulas, payloads
from eventstore.kernels.compiling import Integers, Table

VERSION: Final = "@version"
"""A source beside the fields: the event's version."""
TIMESTAMP: Final = "@timestamp"
"""The event's timestamp, in UTC microseconds."""

_PARTS_MAX: Final = 15
_UNDECLARED: Final = 0
_encode = msgspec.msgpack.Encoder().encode


class Where(NamedTuple):
    """Only for events whose field has this value: a text, a truth value or nothing, no integer."""

    field: str
    value: str | bool | None


class Term(NamedTuple):
    """`factor` times a field, as a part of what is expected of another one. Whoever is no integer counts as 0."""

    source: str
    factor: int = 1
    where: Where | None = None


class Product(NamedTuple):
    """Two fields multiplied, divided by a number above 0 and rounded half to even."""

    first: str
    second: str
    divisor: int
    where: Where | None = None


class Quotient(NamedTuple):
    """A field divided by a number above 0, rounded down."""

    source: str
    divisor: int
    where: Where | None = None


Part = Term | Product | Quotient


class Declaration(NamedTuple):
    """What is known of one type, given the tag of its events.

    `expected` says of fields what they are about the sum of; a field may follow from any that `expected` does not name,
    and from those named before it. `shape` has the keys, in order, that the values of the field `shaped` usually have,
    each value in it a scalar; `shaped.key` is a source then, and a field of `expected`. `fields` are the type's own.
    """

    tag: str
    number: int
    fields: Sequence[str]
    expected: Mapping[str, Sequence[Part]]
    shaped: str | None = None
    shape: Sequence[str] = ()


class Plan(NamedTuple):
    """Declarations of the types of one payload, or of several, as kernels take them (see kernels/payloads.py)."""

    prefix: bytes
    """What a payload of all of these types begins with."""
    places: Mapping[bytes, Integers]
    """By the prefix of each payload that is read so, the place of each of its types in this plan."""
    tags: Sequence[str]
    field_counts: Integers
    tag_values: Values
    columns: Sequence[int]
    """How many columns of each type are stored."""
    shapes: NDArray[np.bool_]
    """Whether a type has a shape."""
    scratch: int
    """The most columns that a type has."""
    types: Integers
    steps: Integers
    instructions: Integers
    conditions: Table
    keys: Table


class _Stored(NamedTuple):
    tag: str
    field_count: int
    number: int


_decode_prefix = msgspec.msgpack.Decoder(list[_Stored]).decode
_FIELDS_MAX: Final = 1_000
_PLANS_MAX: Final = 1_000
_Key = TypeVar("_Key")


class Formulas:
    """The declarations of a store's events; any number of threads may use them at once."""

    def __init__(self, declarations: Iterable[Declaration] = ()) -> None:
        """The last declaration of a tag is the one that is written with; raises ValueError for one that cannot be."""
        self._declarations = {(each.tag, each.number): _checked(each) for each in declarations}
        self._current = dict(iter(self._declarations))
        self._plans: dict[tuple[tuple[str, int], ...], Plan] = {}
        self._plans_read: dict[tuple[bytes, ...], Plan] = {}

    def plan_for(self, types: tuple[tuple[str, int], ...]) -> Plan:
        """Return how to write events of these types, given their tags and how many fields they have."""
        plan = self._plans.get(types)
        if plan is None:
            plan = self._plan([_Stored(*each, self._number(*each)) for each in types])
            self._plans = _kept(self._plans, types, plan)
        return plan

    def plan_of(self, prefixes: tuple[bytes, ...]) -> Plan:
        """Return how to read what follows some prefixes, each of them named once.

        Raises UnknownEventType for a later declaration, ValueError for what cannot be read.
        """
        plan = self._plans_read.get(prefixes)
        if plan is None:
            by_prefix = {prefix: self._stored(prefix) for prefix in prefixes}
            together = list(dict.fromkeys(each for stored in by_prefix.values() for each in stored))
            places = {prefix: _places(stored, together) for prefix, stored in by_prefix.items()}
            plan = self._plan(together)._replace(places=places)
            self._plans_read = _kept(self._plans_read, prefixes, plan)
        return plan

    def _stored(self, prefix: bytes) -> "list[_Stored]":
        """Return the types that a prefix names."""
        try:
            stored = _decode_prefix(prefix)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise ValueError(f"the types of the events cannot be read ({error})") from error
        if _encode(stored) != prefix:
            raise ValueError("the types of the events are not as they were written")
        if len(set(stored)) < len(stored):
            raise ValueError("a type of events is named twice")
        return stored

    def _number(self, tag: str, field_count: int) -> int:
        number = self._current.get(tag, _UNDECLARED)
        if number != _UNDECLARED and len(self._declarations[tag, number].fields) != field_count:
            return _UNDECLARED
        return number

    def _plan(self, stored: Sequence[_Stored]) -> Plan:
        types: list[list[int]] = []
        steps: list[list[int]] = []
        instructions: list[list[int]] = []
        conditions: list[bytes] = []
        keys: list[bytes] = []
        for tag, field_count, number in stored:
            if not 0 <= field_count <= _FIELDS_MAX:
                raise ValueError(f"a {tag} has {field_count} fields")
            declaration = self._declarations.get((tag, number))
            if declaration is None and number != _UNDECLARED:
                raise UnknownEventType(
                    f"events {tag!r} were stored by declaration {number}, which this process does not know: "
                    "run the release that wrote them, or a later one"
                )
            if declaration is not None and len(declaration.fields) != field_count:
                raise ValueError(f"a {tag} has {field_count} fields, and {len(declaration.fields)} are declared")
            parts = list(declaration.shape) if declaration is not None else []
            shaped = (
                -1
                if declaration is None or declaration.shaped is None
                else (list(declaration.fields).index(declaration.shaped))
            )
            types.append([field_count, len(parts), shaped, len(steps), len(keys)])
            keys += _keys(parts)
            if declaration is None:
                steps += [[column, 0, 0] for column in range(field_count)]
                continue
            names = _names(declaration)
            steps += [
                [column, 0, 0] for name, column in names.items() if name not in declaration.expected and name[0] != "@"
            ]
            for name, sum_of in declaration.expected.items():
                begin = len(instructions)
                instructions += [_instruction(part, names, conditions) for part in sum_of]
                steps.append([names[name], begin, len(instructions)])
        plan = np.array(types, np.int64).reshape(-1, payloads.PLAN_CELLS)
        columns = [fields + parts for fields, parts, _, _, _ in types]
        return Plan(
            prefix=_encode(stored),
            places={},
            tags=[each.tag for each in stored],
            field_counts=plan[:, payloads.FIELDS].copy(),
            tag_values=Values.listing([_encode(each.tag) for each in stored]),
            columns=columns,
            shapes=plan[:, payloads.SHAPED_FIELD] >= 0,
            scratch=max(columns, default=0),
            types=plan,
            steps=np.array(steps, np.int64).reshape(-1, payloads.STEP_CELLS),
            instructions=np.array(instructions, np.int64).reshape(-1, formulas.INSTRUCTION_CELLS),
            conditions=Values.listing(conditions).table,
            keys=Values.listing(keys).table,
        )


def _kept(plans: dict[_Key, Plan], key: _Key, plan: Plan) -> dict[_Key, Plan]:
    """Return plans with one more, or it alone when there are too many."""
    return {**(plans if len(plans) < _PLANS_MAX else {}), key: plan}


def _places(stored: Sequence[_Stored], together: Sequence[_Stored]) -> Integers:
    return np.array([together.index(each) for each in stored], np.int64)


def _checked(declaration: Declaration) -> Declaration:
    """Return a declaration that can be followed; raises ValueError for another one."""
    names = _names(declaration)
    if declaration.number <= _UNDECLARED or len(declaration.shape) > _PARTS_MAX:
        raise ValueError(f"a declaration has a number above 0 and at most {_PARTS_MAX} keys, found {declaration}")
    if len(names) != len(declaration.fields) + len(declaration.shape) + payloads.CONTEXT_COLUMNS:
        raise ValueError(f"a declaration names a field twice: {declaration}")
    known = {name for name in names if name not in declaration.expected}
    for name, sum_of in declaration.expected.items():
        if name not in names or name in known:
            raise ValueError(f"a {declaration.tag} has no field {name!r} to be expected")
        for part in sum_of:
            sources = [part.first, part.second] if isinstance(part, Product) else [part.source]
            sources += [] if part.where is None else [part.where.field]
            if not known.issuperset(sources):
                raise ValueError(f"{name!r} of a {declaration.tag} can follow only from what is known: {sources}")
            if not isinstance(part, Term) and part.divisor < 1:
                raise ValueError(f"a divisor is above 0, found {part}")
        known.add(name)
    return declaration


def _names(declaration: Declaration) -> dict[str, int]:
    """Return the column of each source."""
    parts = [f"{declaration.shaped}.{key}" for key in declaration.shape]
    return {name: column for column, name in enumerate([*declaration.fields, *parts, VERSION, TIMESTAMP])}


def _instruction(part: Part, names: Mapping[str, int], conditions: list[bytes]) -> list[int]:
    where = [-1, 0]
    if part.where is not None:
        where = [names[part.where.field], len(conditions)]
        conditions.append(_encode(part.where.value))
    if isinstance(part, Term):
        return [formulas.ADD, names[part.source], 0, part.factor, *where]
    if isinstance(part, Quotient):
        return [formulas.QUOTIENT, names[part.source], 0, part.divisor, *where]
    return [formulas.PRODUCT, names[part.first], names[part.second], part.divisor, *where]


def _keys(shape: Sequence[str]) -> list[bytes]:
    """Return what stands before each value of a map with these keys."""
    encoded = [_encode(key) for key in shape]
    return [bytes([0x80 | len(shape)]) + encoded[0], *encoded[1:]] if shape else []
