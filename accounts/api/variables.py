"""The variables of a GraphQL operation: values of JSON, but a batch of thousands is decoded by its own type at once."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from graphql import NamedTypeNode, NonNullTypeNode, OperationDefinitionNode

from accounts.api.errors import bad_request
from accounts.application.batches import decode_trades
from edge.json import InvalidJson, refusing_invalid_json

Variables = dict[str, Any]

_DECODERS: Final[Mapping[str, Callable[[msgspec.Raw], object]]] = {"TradeBatch": decode_trades}
"""By the name of the scalar (batch_types.py)."""


def decode_variables(raw: dict[str, msgspec.Raw] | None, operation: OperationDefinitionNode) -> Variables | None:
    """Return the values of the variables, the known scalars by their own decoders; raises BAD_REQUEST."""
    if raw is None:
        return None
    scalars = {
        definition.variable.name.value: _type_name(definition.type) for definition in operation.variable_definitions
    }
    try:
        with refusing_invalid_json():  # Texts are looked at here for the first time.
            decoders = {name: _DECODERS.get(scalars.get(name, ""), msgspec.json.decode) for name in raw}
            return {name: decoders[name](value) for name, value in raw.items()}
    except InvalidJson as error:
        raise bad_request(f"the variables are not JSON ({error})") from None


def _type_name(node: Any) -> str:
    """Return the name of a scalar's type; nothing for a list."""
    named = node.type if isinstance(node, NonNullTypeNode) else node
    return named.name.value if isinstance(named, NamedTypeNode) else ""
