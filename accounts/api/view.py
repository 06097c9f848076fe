"""The GraphQL endpoint: one asynchronous view, documents parsed and validated once, limits on size and depth.

Speaks the usual JSON over POST: {"query", "variables", "operationName"} in, {"data", "errors"} out. Every error has a
stable `extensions.code`. It does not authenticate by itself: resolvers ask the context for the principal.
"""

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, Final

import msgspec
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from graphene.validation import DisableIntrospection, depth_limit_validator
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from rest_framework.exceptions import AuthenticationFailed

from accounts.api.errors import ApiError, forbidden
from accounts.authentication import CSRFRefused, bearer_key
from accounts.permissions import Access, access_of, why_no_command
from accounts.recent_access import RecentAccess

log = structlog.get_logger(__name__)

QUERY_DEPTH_MAX: Final = 10
QUERY_CHARACTERS_MAX: Final = 20_000
DOCUMENTS_CACHED: Final = 512

_encode: Final = msgspec.json.Encoder().encode
_recent_access: Final = RecentAccess()


class GraphQLRequest(msgspec.Struct, rename="camel"):
    """The body of a request."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


class Context:
    """What resolvers see of the request: who asks, and what their role on an account is."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

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

    @cached_property
    def _is_mutation(self) -> bool:
        asked = _decode_body(self._request.body)
        operation = get_operation_ast(parse(asked.query), asked.operation_name)
        return operation is None or operation.operation is OperationType.MUTATION

    async def _find_access(self, account_id: str | None) -> Access | None:
        key = bearer_key(self._request.headers.get("Authorization", ""))
        recent = None if key is None else _recent_access.find(key, account_id)
        if recent is not None:
            return recent
        try:
            # One visit to the thread that may ask the database, whatever there is to ask.
            access = await sync_to_async(access_of)(self._request, account_id)
        except AuthenticationFailed as error:
            raise ApiError("UNAUTHENTICATED", str(error.detail)) from error
        except CSRFRefused as error:
            raise forbidden(str(error)) from error
        if key is not None and access is not None and (account_id is None or access.role is not None):
            _recent_access.remember(key, account_id, access)
        return access


def graphql_view(schema: GraphQLSchema) -> Callable[..., Any]:
    """Return the view that serves a schema."""

    @csrf_exempt  # The principal of a session is only had with its CSRF token: accounts/authentication.py.
    async def view(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            response = _answer([_bad_request("send GraphQL as POST with a JSON body")], status=405)
            response["Allow"] = "POST"
            return response
        try:
            asked = _decode_body(request.body)
            document = _document(schema, asked.query)
        except RequestDataTooBig:
            limit = f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,}"
            return _answer([_bad_request(f"a request has at most {limit} bytes: send fewer commands at once")], 413)
        except GraphQLError as error:
            return _answer([error], 400)
        return await _execute(schema, document, asked, request)

    return view


async def _execute(
    schema: GraphQLSchema, document: DocumentNode, asked: GraphQLRequest, request: HttpRequest
) -> HttpResponse:
    result = execute(
        schema,
        document,
        context_value=Context(request),
        variable_values=asked.variables,
        operation_name=asked.operation_name,
    )
    finished = result if isinstance(result, ExecutionResult) else await result
    return _answer([_with_code(error) for error in finished.errors or ()], data=finished.data)


def _decode_body(body: bytes) -> GraphQLRequest:
    try:
        return msgspec.json.decode(body, type=GraphQLRequest)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise _bad_request(f'the body is not a GraphQL request such as {{"query": "..."}} ({error})') from error


@lru_cache(maxsize=DOCUMENTS_CACHED)
def _document(schema: GraphQLSchema, query: str) -> DocumentNode:
    if len(query) > QUERY_CHARACTERS_MAX:
        raise _bad_request(
            f"a query has at most {QUERY_CHARACTERS_MAX:,} characters, found {len(query):,}: put values into variables"
        )
    document = parse(query)
    rules = [*specified_rules, depth_limit_validator(max_depth=QUERY_DEPTH_MAX)]
    if not settings.GRAPHQL_INTROSPECTION:
        rules.append(DisableIntrospection)
    errors = validate(schema, document, rules)
    if errors:
        raise errors[0]
    return document


def _bad_request(message: str) -> ApiError:
    return ApiError("BAD_REQUEST", message)


def _with_code(error: GraphQLError) -> GraphQLError:
    original = error.original_error
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
    return formatted
