"""What a query may ask for, at most: how it is written (`check_form`, before it is validated, since validating a badly
made one is itself what costs) and what it asks for (`check_content`, `check_cost`, after).

Cost: each field is 1, what is below a list is multiplied by the list's size: `first` of its connection, its default
where it is not given, LIST_SIZE_ASSUMED for a list without. It is counted before anything runs, so what is refused
cost nothing. Introspection is not counted; its depth is limited, and it has no aliases.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from accounts.api.graphql.errors import ApiError, bad_request

QUERY_DEPTH_MAX: Final = 10
INTROSPECTION_DEPTH_MAX: Final = 16
"""The usual introspection query has 15 levels."""
QUERY_COST_MAX: Final = 10_000
LIST_SIZE_ASSUMED: Final = 10
ALIASES_MAX: Final = 50
ROOT_FIELDS_MAX: Final = 50
SELECTIONS_MAX: Final = 1_000
FRAGMENTS_MAX: Final = 20
REPEATED_FIELD_MAX: Final = 5
"""How often one selection may name the same field; every pair of them is compared when the query is validated."""

_INTROSPECTION: Final = ("__schema", "__type")


class Asked(NamedTuple):
    """An operation that keeps the limits; its cost has to be counted again when it depends on variables."""

    operation: OperationDefinitionNode
    is_cost_variable: bool


def check_form(document: DocumentNode) -> None:
    """Refuse a document that is written so that looking at it would be work; raises ApiError."""
    fragments = sum(isinstance(definition, FragmentDefinitionNode) for definition in document.definitions)
    _limit("QUERY_TOO_LARGE", "fragments", fragments, FRAGMENTS_MAX)
    selections = aliases = 0
    for selection_set in _selection_sets(document):
        names: dict[str, int] = {}
        for node in selection_set.selections:
            selections += 1
            if isinstance(node, FieldNode):
                aliases += node.alias is not None
                name = (node.alias or node.name).value
                names[name] = names.get(name, 0) + 1
        repeated = max(names.values(), default=0)
        _limit("QUERY_TOO_LARGE", "fields of one name beside one another", repeated, REPEATED_FIELD_MAX)
    _limit("TOO_MANY_ALIASES", "aliases", aliases, ALIASES_MAX, ": send many orders at once with `submitOrders`")
    _limit("QUERY_TOO_LARGE", "selections", selections, SELECTIONS_MAX)


def check_content(schema: GraphQLSchema, document: DocumentNode) -> dict[str, Asked]:
    """Refuse a valid document that asks for too much whatever its variables are; return its operations by name."""
    fragments = _fragments(document)
    asked = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            _check_levels(definition, fragments)
            _limit("TOO_MANY_ROOT_FIELDS", "fields at its root", _root_fields(definition, fragments), ROOT_FIELDS_MAX)
            cost = _Cost(schema, fragments, definition, {})
            cost.check()
            name = definition.name.value if definition.name else ""
            asked[name] = Asked(definition, cost.is_variable)
    return asked


def check_cost(schema: GraphQLSchema, document: DocumentNode, asked: Asked, variables: dict[str, Any] | None) -> None:
    """Refuse an operation that its variables make too costly; raises QUERY_TOO_COSTLY."""
    if asked.is_cost_variable:
        _Cost(schema, _fragments(document), asked.operation, variables or {}).check()


class _Cost:
    """Counts one operation, each fragment once for each page size that it is spread under."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        operation: OperationDefinitionNode,
        variables: dict[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._operation = operation
        defaults = {
            definition.variable.name.value: int(definition.default_value.value)
            for definition in operation.variable_definitions
            if isinstance(definition.default_value, IntValueNode)
        }
        self._variables = {**defaults, **variables}
        self._known: dict[tuple[str, int | None], int] = {}
        self.is_variable = False

    def check(self) -> None:
        """Refuse what is above the limit."""
        root = self._schema.get_root_type(self._operation.operation)
        if root is None:
            raise bad_request(f"the schema has no {self._operation.operation.value}: live changes come over WebSockets")
        cost = self._of(self._operation.selection_set, root, None)
        if cost > QUERY_COST_MAX:
            raise ApiError(
                "QUERY_TOO_COSTLY",
                f"the query costs {cost:,}, at most {QUERY_COST_MAX:,} are allowed: ask for fewer fields, or for "
                "smaller pages with `first`",
                cost=cost,
                limit=QUERY_COST_MAX,
            )

    def _of(self, selections: SelectionSetNode, parent: GraphQLNamedType, page_size: int | None) -> int:
        cost = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                cost += self._of_field(node, parent, page_size)
            elif isinstance(node, InlineFragmentNode):
                cost += self._of(node.selection_set, self._narrowed(node, parent), page_size)
            elif isinstance(node, FragmentSpreadNode):
                key = (node.name.value, page_size)
                if key not in self._known:
                    fragment = self._fragments[node.name.value]
                    self._known[key] = self._of(fragment.selection_set, self._narrowed(fragment, parent), page_size)
                cost += self._known[key]
        return cost

    def _of_field(self, node: FieldNode, parent: Any, page_size: int | None) -> int:
        if node.name.value.startswith("__"):
            return 0
        field = parent.fields[node.name.value]
        if node.selection_set is None:
            return 1
        size = 1
        if is_list_type(get_nullable_type(field.type)):
            size = LIST_SIZE_ASSUMED if page_size is None else page_size
        below = self._page_size(node, field.args["first"].default_value) if "first" in field.args else None
        return 1 + size * self._of(node.selection_set, get_named_type(field.type), below)

    def _page_size(self, node: FieldNode, default: Any) -> int:
        given: Any = None
        for argument in node.arguments:
            if argument.name.value == "first" and isinstance(argument.value, IntValueNode):
                given = int(argument.value.value)
            elif argument.name.value == "first" and isinstance(argument.value, VariableNode):
                self.is_variable = True
                given = self._variables.get(argument.value.name.value)
        if isinstance(given, int):
            return max(1, given)
        return default if isinstance(default, int) else LIST_SIZE_ASSUMED

    def _narrowed(
        self, node: InlineFragmentNode | FragmentDefinitionNode, parent: GraphQLNamedType
    ) -> GraphQLNamedType:
        condition = node.type_condition
        found = None if condition is None else self._schema.get_type(condition.name.value)
        return parent if found is None else found


def _selection_sets(document: DocumentNode) -> Iterator[SelectionSetNode]:
    waiting: list[Node] = list(document.definitions)
    while waiting:
        found = getattr(waiting.pop(), "selection_set", None)
        if found is not None:
            yield found
            waiting.extend(found.selections)


def _check_levels(operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]) -> None:
    """Walk level by level; a fragment is entered once on each level, so there is no growth however they are nested."""
    level, depth = [(operation.selection_set, False)], 0
    while level:
        depth += 1
        below, seen = [], set()
        while level:
            selections, is_introspection = level.pop()
            for node in selections.selections:
                if isinstance(node, FragmentSpreadNode):
                    if (node.name.value, is_introspection) not in seen:
                        seen.add((node.name.value, is_introspection))
                        level.append((fragments[node.name.value].selection_set, is_introspection))
                elif isinstance(node, InlineFragmentNode):
                    level.append((node.selection_set, is_introspection))
                elif isinstance(node, FieldNode):
                    is_inside = is_introspection or node.name.value in _INTROSPECTION
                    _check_field(node, depth, is_inside)
                    if node.selection_set is not None:
                        below.append((node.selection_set, is_inside))
        level = below


def _check_field(node: FieldNode, depth: int, is_introspection: bool) -> None:
    limit = INTROSPECTION_DEPTH_MAX if is_introspection else QUERY_DEPTH_MAX
    _limit("QUERY_TOO_DEEP", "levels", depth, limit)
    if is_introspection and node.alias is not None:
        raise ApiError("TOO_MANY_ALIASES", "introspection has no aliases: ask for each field once")


def _root_fields(operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]) -> int:
    names, seen, waiting = set(), set(), [operation.selection_set]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                names.add((node.alias or node.name).value)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                waiting.append(fragments[node.name.value].selection_set)
    return len(names)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _limit(code: str, what: str, found: int, limit: int, advice: str = ": split it up") -> None:
    if found > limit:
        raise ApiError(code, f"a query has at most {limit:,} {what}, found {found:,}{advice}", found=found, limit=limit)
