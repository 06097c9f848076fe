"""The variables of a GraphQL operation: values of JSON, but a batch of thousands is decoded by its own type at once."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from graphql import NamedTypeNode, NonNullTypeNode, OperationDefinitionNode

from accounts.api.graphql.errors import bad_request
from accounts.api.graphql.texts import refuse_nul
from accounts.api.parsing.batches import decode_anything, decode_trades
from edge.json import InvalidJson, refusing_invalid_json

Variables = dict[str, Any]

_BATCHES: Final[Mapping[str, Callable[[msgspec.Raw], object]]] = {
    "TradeBatch": decode_trades,
    "OrderBatch": decode_anything,
}
"""By the name of the scalar (batch_types.py). Their entries are judged one by one, texts included."""


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
