"""An optional input that is null is as if it were left out: said once, for every argument and input of the schema.

GraphQL tells the two apart, and a resolver that has a default for what is left out is handed None for what is null.
Nothing here means anything by null, and programs that write every field of a form do not either.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLArgument, GraphQLInputField, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema
from graphql.pyutils import Undefined

Inputs = Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField]


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
