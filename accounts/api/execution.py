"""Mutations one after the other, as GraphQL says: the next command begins when the one before has been answered.

graphql-core calls the resolvers of all of them at once and awaits what they return in order. After one that fails it
awaits no other: what was called is thrown away, and Python complains in the log, with a traceback.
"""

from typing import Any

from graphql import ExecutionContext, FieldNode, GraphQLObjectType
from graphql.pyutils import Path, Undefined


class SerialMutations(ExecutionContext):
    """Executes a document."""

    async def execute_fields_serially(
        self, parent_type: GraphQLObjectType, source_value: Any, path: Path | None, fields: dict[str, list[FieldNode]]
    ) -> dict[str, Any]:
        """Return the results of the fields at the root by their names; raises GraphQLError of the first that fails."""
        results: dict[str, Any] = {}
        for name, nodes in fields.items():
            result: Any = self.execute_field(parent_type, source_value, nodes, Path(path, name, parent_type.name))
            if self.is_awaitable(result):
                result = await result
            if result is not Undefined:
                results[name] = result
        return results
