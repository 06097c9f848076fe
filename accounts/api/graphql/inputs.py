"""The inputs of a GraphQL operation: variables as values of JSON, a batch of thousands decoded by its own type at once.

An optional input that is null is as if it were left out. GraphQL tells the two apart, and a resolver that has a default
for what is left out is handed None for what is null; nothing here means anything by null, and programs that write every
field of a form do not either.

Texts with NUL in them are refused before anything else looks at them: PostgreSQL does not store it, and no name, reason
or id has any use for it. JSON can say it (`"\\u0000"`), and so can a query.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from graphql import (
    DocumentNode,
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    StringValueNode,
    Visitor,
    visit,
)
from graphql.pyutils import Undefined

from accounts.api.graphql.errors import bad_request
from accounts.api.parsing.batches import decode_anything, decode_orders, decode_trades
from edge.json import InvalidJson, refusing_invalid_json

Variables = dict[str, Any]
Inputs = Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField]

_BATCHES: Final[Mapping[str, Callable[[msgspec.Raw], object]]] = {
    "TradeBatch": decode_trades,
    "OrderBatch": decode_orders,
    "ReplacementBatch": decode_anything,
    "CancelBatch": decode_anything,
    "QuoteBatch": decode_anything,
}
"""By the name of the scalar (mutations/batches.py). Their entries are judged one by one, texts included."""


def decode_variables(raw: dict[str, msgspec.Raw] | None, operation: OperationDefinitionNode) -> Variables | None:
    """Return the values of the variables, the known scalars by their own decoders; raises BAD_REQUEST."""
    if raw is None:
        return None
    scalars = {
        definition.variable.name.value: _type_name(definition.type) for definition in operation.variable_definitions
    }
    try:
        with refusing_invalid_json():  # Texts are looked at here for the first time.
            return {name: _BATCHES.get(scalars.get(name, ""), _decode)(value) for name, value in raw.items()}
    except InvalidJson as error:
        raise bad_request(f"the variables are not JSON ({error})") from None


def _decode(raw: msgspec.Raw) -> object:
    value = decode_anything(raw)
    refuse_nul(value)
    return value


def _type_name(node: Any) -> str:
    """Return the name of a scalar's type; nothing for a list."""
    named = node.type if isinstance(node, NonNullTypeNode) else node
    return named.name.value if isinstance(named, NamedTypeNode) else ""


def take_nulls_as_left_out(schema: GraphQLSchema) -> None:
    """Change a schema, once it is made: nulls are replaced by what the schema has as default, or left out."""
    for named in schema.type_map.values():
        if isinstance(named, GraphQLInputObjectType):
            named.out_type = _without_nulls(named.out_type, named.fields)  # type: ignore[assignment]
        elif isinstance(named, GraphQLObjectType):
            for field in named.fields.values():
                if field.args and field.resolve is not None:
                    field.resolve = _resolved_without_nulls(field.resolve, field.args)


def _without_nulls(make: Callable[[dict[str, Any]], Any], fields: Inputs) -> Callable[[dict[str, Any]], Any]:
    defaults = _defaults(fields)
    return lambda given: make(_given(given, defaults))


def _resolved_without_nulls(resolve: Callable[..., Any], arguments: Inputs) -> Callable[..., Any]:
    defaults = _defaults(arguments)
    return lambda source, info, **given: resolve(source, info, **_given(given, defaults))


def _given(inputs: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: defaults[name] if value is None else value
        for name, value in inputs.items()
        if value is not None or name in defaults
    }


def _defaults(inputs: Inputs) -> dict[str, Any]:
    return {
        each.out_name or name: each.default_value
        for name, each in inputs.items()
        if each.default_value is not Undefined and each.default_value is not None
    }


def refuse_nul(value: object) -> None:
    """Look through a decoded value of JSON, keys included; raises BAD_REQUEST."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            _check(found)
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, dict):
            waiting += [*found, *found.values()]


def refuse_nul_in_literals(document: DocumentNode) -> None:
    """Look through the texts that stand in a query; raises BAD_REQUEST."""
    visit(document, _Literals())


class _Literals(Visitor):
    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        _check(node.value)


def _check(text: str) -> None:
    if "\0" in text:
        raise bad_request(f"a text has no character NUL in it, found {text[:20]!r}: leave it out")
