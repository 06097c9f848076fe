"""Scalars of the GraphQL schema that hold what GraphQL's own cannot: its Int has 32 bits.

`BigInt` is for versions and counts, `Quantity` for shares. Whether a value is allowed is not said here, but whether it
is one: the domain judges quantities (accounts/domain/values.py), like every other value of a command.
"""

from typing import Any, Final

import graphene
from graphql import GraphQLError, IntValueNode, StringValueNode, ValueNode
from graphql.pyutils import inspect

from accounts.domain.values import format_quantity

INTEGER_DIGITS_MAX: Final = 19
"""Digits of the largest integer of 64 bits."""


class BigInt(graphene.Scalar):
    """A whole number of up to 64 bits, as a JSON number."""

    @staticmethod
    def serialize(value: Any) -> int:
        if type(value) is not int:
            raise GraphQLError(f"a BigInt is a whole number, found {inspect(value)}")
        return value

    @staticmethod
    def parse_value(value: Any) -> int:
        """Take a number of JSON that is whole and has 64 bits."""
        if type(value) is not int or not -(2**63) <= value < 2**63:
            raise GraphQLError(f"a BigInt is a whole number of at most 64 bits, found {inspect(value)}")
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> int:
        """Take it from the query's own text."""
        if not isinstance(node, IntValueNode) or len(node.value) > INTEGER_DIGITS_MAX + 1:
            raise GraphQLError("a BigInt is a whole number of at most 64 bits", node)
        return BigInt.parse_value(int(node.value))


class Quantity(graphene.Scalar):
    """Shares, as a decimal string such as "3000000000": exact in every client. A whole number is taken, too."""

    @staticmethod
    def serialize(value: Any) -> str:
        """Show a quantity, or one that is shown already."""
        return value if isinstance(value, str) else format_quantity(value)

    @staticmethod
    def parse_value(value: Any) -> str | int:
        """Take a text or a whole number, to be judged with the rest of the command."""
        if type(value) not in (str, int):
            raise GraphQLError(
                f'a Quantity is a decimal string such as "2.5" or a whole number, found {inspect(value)}'
            )
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> str | int:
        """Take it from the query's own text."""
        if not isinstance(node, IntValueNode | StringValueNode):
            raise GraphQLError('a Quantity is a decimal string such as "2.5" or a whole number', node)
        return node.value
