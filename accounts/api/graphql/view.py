"""The GraphQL endpoint: one asynchronous view. What a query may be is said in documents.py and query_limits.py.

Speaks the usual JSON over POST: {"query", "variables", "operationName", "extensions"} in, {"data", "errors"} out. Every
error has a stable `extensions.code`; docs/graphql.md has the table. It does not authenticate by itself: resolvers ask
the context for the principal.
"""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from graphql import GraphQLError, GraphQLSchema, OperationType
from rest_framework.exceptions import AuthenticationFailed

from accounts.api.graphql.database_outage import AWAY, ask_database, database_unavailable
from accounts.api.graphql.documents import Document, PersistedDocuments, check_persisted, checked_document
from accounts.api.graphql.errors import ApiError, bad_request, forbidden
from accounts.api.graphql.execution import executed
from accounts.api.graphql.inputs import Variables, decode_variables
from accounts.api.graphql.query_limits import Asked, check_cost
from edge.json import InvalidJson, decode_json
from identity.authentication import CSRFRefused, asker_of
from identity.permissions import Access, access_before_outage, find_access, recent_access, why_no_command

log = structlog.get_logger(__name__)

_STATUS_OF_CODE: Final = {"PERSISTED_QUERY_NOT_FOUND": 200}
"""Clients of the protocol look for this code in an answer, not in a failed request."""

_CONTENT_TYPES: Final = frozenset({"", "application/json", "application/graphql-response+json"})

_SUGGESTION: Final = re.compile(r"\s*Did you mean .*\?$", re.DOTALL)
"""What graphql-core adds to a message when a name is nearly right: the schema, a guess at a time."""

_EXPLORER_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_encode: Final = msgspec.json.Encoder().encode


class PersistedQuery(msgspec.Struct, rename="camel"):
    """A query by its hash."""

    version: int
    sha256_hash: str


class Extensions(msgspec.Struct, rename="camel"):
    """What is asked beyond the specification."""

    persisted_query: PersistedQuery | None = None


class GraphQLRequest(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The body of a request."""

    query: str | None = None
    variables: dict[str, msgspec.Raw] | None = None
    operation_name: str | None = None
    extensions: Extensions | None = None

    @property
    def persisted_query(self) -> PersistedQuery | None:
        """The query's hash, when it is sent by its hash."""
        return None if self.extensions is None else self.extensions.persisted_query


class Context:
    """What resolvers see of the request: who asks, and what their role on an account is."""

    def __init__(self, request: HttpRequest, asked: Asked) -> None:
        self._request = request
        self._is_mutation = asked.operation.operation is OperationType.MUTATION
        self.fields: list[asyncio.Future[Any]] = []

    async def access(self, account_id: str | None = None) -> Access | None:
        """Return who asks and their role on an account, None when nobody is logged in.

        Raises ApiError for a wrong key or a missing CSRF token, and FORBIDDEN when somebody who may send no command at
        all sends a mutation, whichever it is.
        """
        access = await self._find_access(account_id)
        reason = None if access is None else why_no_command(access)
        if reason is not None and self._is_mutation:
            raise forbidden(reason)
        return access

    def asker(self, access: Access) -> str:
        """Return what bounds are counted by, for somebody who asks."""
        return asker_of(self._request, access.principal.user)

    async def _find_access(self, account_id: str | None) -> Access | None:
        access = recent_access(self._request, account_id)
        if access is not None:
            return access
        try:
            return await ask_database(
                partial(find_access, self._request, account_id),
                remembered=access_before_outage(self._request, account_id),
            )
        except AuthenticationFailed as error:
            raise ApiError("UNAUTHENTICATED", str(error.detail)) from error
        except CSRFRefused as error:
            raise forbidden(str(error)) from error


def graphql_view(schema: GraphQLSchema) -> Callable[..., Any]:
    """Return the view that serves a schema, and a page to explore it for people who come with a browser."""
    persisted = PersistedDocuments()

    @csrf_exempt  # The principal of a session is only had with its CSRF token: identity/authentication.py.
    async def view(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            if _is_explorer_asked(request):
                return _explorer_page(request)
            response = _answer([bad_request("send GraphQL as POST with a JSON body")], status=405)
            response["Allow"] = "POST"
            return response
        if request.content_type not in _CONTENT_TYPES:
            message = f"send GraphQL as application/json, found {str(request.content_type)[:40]!r}"
            return _answer([ApiError("UNSUPPORTED_MEDIA_TYPE", message)], 415)
        try:
            asked = _decode_body(request.body)
            query = await _query(asked, persisted)
            document = checked_document(schema, query, is_introspection_allowed=settings.GRAPHQL_INTROSPECTION)
            operation = document.operation(asked.operation_name)
            variables = decode_variables(asked.variables, operation.operation)
            check_cost(schema, document.node, operation, variables)
            context = Context(request, operation)
            await _persist(asked, persisted, context)
        except GraphQLError as error:
            return _answer([error], _STATUS_OF_CODE.get((error.extensions or {}).get("code", ""), 400))
        return await _execute(schema, document, asked, context, variables)

    return view


async def _execute(
    schema: GraphQLSchema, document: Document, asked: GraphQLRequest, context: Context, variables: Variables | None
) -> HttpResponse:
    finished = await executed(
        schema, document.node, context=context, variables=variables, operation_name=asked.operation_name or None
    )
    return _answer([_with_code(error) for error in finished.errors or ()], data=finished.data)


def _decode_body(body: bytes) -> GraphQLRequest:
    try:
        request: GraphQLRequest = decode_json(body, type=GraphQLRequest)
    except InvalidJson as error:
        raise bad_request(f'the body is not a GraphQL request such as {{"query": "..."}} ({error})') from None
    return request


async def _query(asked: GraphQLRequest, persisted: PersistedDocuments) -> str:
    """Return the text of the query: sent, or known by its hash."""
    named = asked.persisted_query
    if named is not None:
        check_persisted(version=named.version, sha256=named.sha256_hash, query=asked.query)
    if asked.query is not None:
        return asked.query
    if named is None:
        raise bad_request('the body has neither a `query` nor `extensions.persistedQuery`: send {"query": "..."}')
    return await persisted.find(named.sha256_hash)


async def _persist(asked: GraphQLRequest, persisted: PersistedDocuments, context: Context) -> None:
    """Keep a query that came with its hash; only for who is logged in, and only one that is valid."""
    named = asked.persisted_query
    if named is None or asked.query is None or persisted.knows(named.sha256_hash):
        return
    try:
        access = await context.access()
    except ApiError:
        return  # The resolvers say so for the fields that it concerns.
    if access is not None:
        await persisted.add(named.sha256_hash, asked.query)


def _with_code(error: GraphQLError) -> GraphQLError:
    original = error.original_error
    if isinstance(original, AWAY):
        log.warning("resolver needs the database", path=error.path, reason=str(original))
        found = database_unavailable()
        return GraphQLError(found.message, path=error.path, extensions=found.extensions)
    if original is not None and not isinstance(original, GraphQLError):
        log.error("resolver failed", path=error.path, exc_info=original)
        return GraphQLError(
            "the platform failed to answer; its log says why", path=error.path, extensions={"code": "INTERNAL_ERROR"}
        )
    return error


def _answer(errors: list[Any], status: int = 200, data: Any = None) -> HttpResponse:
    body: dict[str, Any] = {"data": data} if status == 200 else {}
    if errors:
        body["errors"] = [_formatted(error) for error in errors]
    return HttpResponse(_encode(body), content_type="application/json", status=status)


def _formatted(error: GraphQLError) -> dict[str, Any]:
    formatted = dict(error.formatted)
    formatted.setdefault("extensions", {"code": "BAD_REQUEST"})
    if not settings.GRAPHQL_INTROSPECTION:
        formatted["message"] = _SUGGESTION.sub("", error.message)
    return formatted


def _is_explorer_asked(request: HttpRequest) -> bool:
    """Tell whether a browser asks for a page, and the schema may be shown."""
    return (
        settings.GRAPHQL_INTROSPECTION and request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    )


def _explorer_page(request: HttpRequest) -> HttpResponse:
    """Return the page to explore the schema with: served with everything it needs, allowed nothing from elsewhere.

    It holds no rights of its own: what it sends is sent with the browser's session and its CSRF token, or with an API
    key that is typed in.
    """
    response = render(request, "accounts/explorer.html")
    response["Content-Security-Policy"] = _EXPLORER_CONTENT_SECURITY_POLICY
    response["Cache-Control"] = "no-cache"
    return response
