"""How a document is executed: mutations one after the other, and nothing of it outlives its answer.

graphql-core calls the resolvers of all mutations at once and awaits what they return in order. After one that fails it
awaits no other: what was called is thrown away, and Python complains in the log, with a traceback. Of a query whose
field fails, it answers at once and lets the fields beside it run on: they would ask the database for nobody, on a
thread and a connection of a request that is over.
"""

import asyncio
from typing import Any, Protocol

from graphql import (
    DocumentNode,
    ExecutionContext,
    ExecutionResult,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    execute,
)
from graphql.pyutils import AwaitableOrValue, Path, Undefined


class Context(Protocol):
    """What resolvers see of a request."""

    fields: list[asyncio.Future[Any]]
    """What is awaited for it, or was."""


async def executed(
    schema: GraphQLSchema,
    document: DocumentNode,
    *,
    context: Context,
    variables: dict[str, Any] | None,
    operation_name: str | None,
) -> ExecutionResult:
    """Return the result of an operation once everything that it began has ended."""
    result = execute(
        schema,
        document,
        context_value=context,
        variable_values=variables,
        operation_name=operation_name,
        execution_context_class=_Execution,
    )
    finished = result if isinstance(result, ExecutionResult) else await result
    while left := [field for field in context.fields if not field.done()]:
        await asyncio.wait(left)
    return finished


class _Execution(ExecutionContext):
    """Executes a document; each field that is resolved by a coroutine is a task of its own, which the context keeps."""

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_nodes: list[FieldNode], path: Path
    ) -> AwaitableOrValue[Any]:
        result = super().execute_field(parent_type, source, field_nodes, path)
        if not self.is_awaitable(result):
            return result
        field = asyncio.ensure_future(result)
        self.context_value.fields.append(field)
        return field

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
