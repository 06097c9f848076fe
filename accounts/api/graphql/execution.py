"""How a document is executed: mutations one after the other, long lists in turns with everything else that the process
does, and nothing of it outlives its answer.

graphql-core calls the resolvers of all mutations at once and awaits what they return in order. After one that fails it
awaits no other: what was called is thrown away, and Python complains in the log, with a traceback. Of a query whose
field fails, it answers at once and lets the fields beside it run on: they would ask the database for nobody, on a
thread and a connection of a request that is over. And it resolves what waits for nothing in one go: ten thousand
fields, as a query may have, would keep everybody else waiting.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

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
    execute,
)
from graphql.pyutils import AwaitableOrValue, Path, Undefined

from accounts.api.graphql.database_outage import AWAY

log = structlog.get_logger(__name__)

TURN_SECONDS: Final = 0.002
"""How long the items of a list are completed before others of the event loop get their turn."""


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

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_nodes: list[FieldNode],
        info: GraphQLResolveInfo,
        path: Path,
        result: Any,
    ) -> AwaitableOrValue[list[Any]]:
        if not isinstance(result, list) or len(result) < 2:
            return super().complete_list_value(return_type, field_nodes, info, path, result)
        asked = _List(return_type, field_nodes, info, path, result)
        completed: list[Any] = []
        self._complete(asked, completed)
        if len(completed) < len(result):
            return self._complete_in_turns(asked, completed)
        return self._awaited(completed) if any(map(self.is_awaitable, completed)) else completed

    async def _complete_in_turns(self, asked: _List, completed: list[Any]) -> list[Any]:
        while len(completed) < len(asked.items):
            await asyncio.sleep(0)
            self._complete(asked, completed)
        return await self._awaited(completed)

    def _complete(self, asked: _List, completed: list[Any]) -> None:
        """Complete the next items, until the turn is over; those that have to be awaited become tasks.

        Such items are begun together whatever it takes: what they ask for is looked up by one statement for all.
        """
        ends_at = time.perf_counter() + TURN_SECONDS
        for place in range(len(completed), len(asked.items)):
            path = _PathOfItem(*asked.path)
            path.place = place
            item: Any = super().complete_list_value(asked.of_type, asked.nodes, asked.info, path, [asked.items[place]])
            if self.is_awaitable(item):
                completed.append(self._task(item))
            else:
                completed.append(item[0])
                if time.perf_counter() > ends_at:
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
