"""GraphQL documents: text in, a parsed and checked document out. Done once for each text, kept while it is used."""

from functools import lru_cache
from typing import Final, NamedTuple

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    parse,
    specified_rules,
    validate,
)

from accounts.api.graphql.errors import ApiError, bad_request
from accounts.api.graphql.query_limits import Asked, check_content, check_form
from accounts.api.graphql.texts import refuse_nul_in_literals

QUERY_CHARACTERS_MAX: Final = 20_000
DOCUMENTS_CACHED: Final = 512


class Document(NamedTuple):
    """A document that is valid and keeps every limit that does not depend on variables; its operations by name."""

    node: DocumentNode
    operations: dict[str, Asked]

    def operation(self, name: str | None) -> Asked:
        """Return the operation that is asked for; raises OPERATION_NAME_REQUIRED or OPERATION_NOT_FOUND."""
        if name is None or name == "":
            if len(self.operations) > 1:
                known = ", ".join(sorted(self.operations))
                raise ApiError("OPERATION_NAME_REQUIRED", f"say with `operationName` which of {known} to run")
            return next(iter(self.operations.values()))
        if name not in self.operations:
            known = ", ".join(sorted(filter(None, self.operations))) or "only one without a name"
            raise ApiError("OPERATION_NOT_FOUND", f"the query has no operation {name[:40]!r}: there is {known}")
        return self.operations[name]


@lru_cache(maxsize=DOCUMENTS_CACHED)
def checked_document(schema: GraphQLSchema, query: str, *, is_introspection_allowed: bool) -> Document:
    """Return the document of a query; raises GraphQLError that says what is wrong with it."""
    if len(query) > QUERY_CHARACTERS_MAX:
        raise ApiError(
            "QUERY_TOO_LARGE",
            f"a query has at most {QUERY_CHARACTERS_MAX:,} characters, found {len(query):,}: put values into variables",
            found=len(query),
            limit=QUERY_CHARACTERS_MAX,
        )
    try:
        return _checked(schema, query, is_introspection_allowed=is_introspection_allowed)
    except RecursionError:  # Without its cause: a traceback of a thousand frames says nothing.
        raise ApiError("QUERY_TOO_DEEP", "the query is nested too deeply: split it up") from None


def _checked(schema: GraphQLSchema, query: str, *, is_introspection_allowed: bool) -> Document:
    node = parse(query)
    check_form(node)
    if "\\u" in query:  # The only way to write it there.
        refuse_nul_in_literals(node)
    if not is_introspection_allowed:
        _require(schema, node, NoSchemaIntrospectionCustomRule, "INTROSPECTION_DISABLED")
    errors = validate(schema, node, specified_rules)
    if errors:
        raise errors[0]
    operations = check_content(schema, node)
    if not operations:
        raise bad_request("the query has fragments only, and no operation to run")
    return Document(node, operations)


def _require(schema: GraphQLSchema, node: DocumentNode, rule: type, code: str) -> None:
    errors: list[GraphQLError] = validate(schema, node, [rule])
    if errors:
        raise ApiError(code, "the schema is not shown here: read tradingplatform/schema.graphql of the project")
