"""How a document is executed: mutations one after the other, long lists in turns with everything else that the process
does, and nothing of it outlives its answer.

graphql-core calls the resolvers of all mutations at once and awaits what they return in order. After one that fails it
awaits no other: what was called is thrown away, and Python complains in the log, with a traceback. Of a query whose
field fails, it answers at once and lets the fields beside it run on: they would ask the database for nobody, on a
thread and a connection of a request that is over. And it resolves what waits for nothing in one go: ten thousand
fields, as a query may have, would keep everybody else waiting.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import structlog
from graphql import (
    DocumentNode,
    ExecutionContext,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLList,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
)
from graphql.pyutils import AwaitableOrValue, Path, Undefined

from accounts.api.graphql.database_outage import AWAY
from edge.turns import TurnClock, turn_clock

log = structlog.get_logger(__name__)


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
    _say_what_failed(context.fields, finished)
    return finished


def _say_what_failed(fields: Sequence[asyncio.Future[Any]], result: ExecutionResult) -> None:
    """Log once each failure of ours that the answer does not have: of a field beside one that failed before."""
    told = {id(error.original_error) for error in result.errors or ()}
    for field in fields:
        error = None if field.cancelled() else field.exception()
        cause = error.original_error if isinstance(error, GraphQLError) else error
        if cause is not None and not isinstance(cause, (GraphQLError, *AWAY)) and id(cause) not in told:
            told.add(id(cause))  # It went through every field around it.
            log.error("resolver failed beside another", exc_info=cause)


class _List(NamedTuple):
    """A list that is to be completed: its type, where in the document and in the answer it is, and its items."""

    of_type: GraphQLList[Any]
    nodes: list[FieldNode]
    info: GraphQLResolveInfo
    path: Path
    items: Sequence[Any]


class _PathOfItem(Path):
    """The path of a list, seen by one item of it that is completed as a list of its own."""

    place = 0

    def add_key(self, key: str | int, typename: str | None = None) -> Path:
        return Path(self, self.place, typename)


class _Execution(ExecutionContext):
    """Executes a document; each field that is resolved by a coroutine is a task of its own, which the context keeps."""

    lists_put_off = 0
    """How many lists were left to a later turn, the whole or a part."""

    def execute_operation(self, operation: OperationDefinitionNode, root_value: Any) -> AwaitableOrValue[Any] | None:
        if operation.operation is OperationType.QUERY:  # What a mutation answers with is one object.
            turn_clock()  # One for all that it begins.
        return super().execute_operation(operation, root_value)

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_nodes: list[FieldNode],
        info: GraphQLResolveInfo,
        path: Path,
        result: Any,
    ) -> AwaitableOrValue[list[Any]]:
        if not isinstance(result, list):
            return super().complete_list_value(return_type, field_nodes, info, path, result)
        asked, clock = _List(return_type, field_nodes, info, path, result), turn_clock()
        completed: list[Any] = []
        if not clock.is_over():
            self._complete(asked, completed, clock)
        if len(completed) < len(result):
            self.lists_put_off += 1
            return self._complete_in_turns(asked, completed, clock)
        return self._awaited(completed) if any(map(self.is_awaitable, completed)) else completed

    async def _complete_in_turns(self, asked: _List, completed: list[Any], clock: TurnClock) -> list[Any]:
        while len(completed) < len(asked.items):
            await clock.wait()
            self._complete(asked, completed, clock)
        return await self._awaited(completed)

    def _complete(self, asked: _List, completed: list[Any], clock: TurnClock) -> None:
        """Complete the next items, one at least, until the turn is over; those that have to be awaited become tasks.

        Items that wait for something else than a turn are begun together whatever it takes: what they ask for is looked
        up by one statement for all.
        """
        for place in range(len(completed), len(asked.items)):
            path = _PathOfItem(*asked.path)
            path.place = place
            put_off = self.lists_put_off
            item: Any = super().complete_list_value(asked.of_type, asked.nodes, asked.info, path, [asked.items[place]])
            is_awaited = self.is_awaitable(item)
            completed.append(self._task(item) if is_awaited else item[0])
            if (not is_awaited or self.lists_put_off > put_off) and clock.is_over():
                return

    async def _awaited(self, completed: list[Any]) -> list[Any]:
        """Return the items, once every one that is a task has ended."""
        ended = iter(await asyncio.gather(*filter(self.is_awaitable, completed)))
        return [next(ended)[0] if self.is_awaitable(item) else item for item in completed]

    def _task(self, awaitable: Any) -> asyncio.Future[Any]:
        task = asyncio.ensure_future(awaitable)
        self.context_value.fields.append(task)
        return task

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_nodes: list[FieldNode], path: Path
    ) -> AwaitableOrValue[Any]:
        result = super().execute_field(parent_type, source, field_nodes, path)
        return self._task(result) if self.is_awaitable(result) else result

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
