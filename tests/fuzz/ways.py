"""The ways in by their names: each sends one case, made from random numbers of its own, to be sent again alone."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.documents import Documents
from tests.fuzz.graphql import GraphQLWays
from tests.fuzz.http import HttpWays
from tests.fuzz.rest import RestWays
from tests.fuzz.sockets import SocketWays
from tests.fuzz.target import Target


def ways_in(
    target: Target, documents: Documents, document: dict[str, Any], admin_paths: list[str]
) -> dict[str, Callable[[Random], None]]:
    """Return every way into a target; `document` is its OpenAPI document."""
    graphql, rest = GraphQLWays(target, documents), RestWays(target, document)
    http, sockets = HttpWays(target, admin_paths), SocketWays(target)
    return {
        "graphql-document": graphql.document,
        "graphql-variables": graphql.variables,
        "graphql-body": graphql.body,
        "bulk": graphql.bulk,
        "rest-parameters": rest.parameters,
        "rest-body": rest.body,
        "headers": http.headers,
        "http-bytes": http.raw,
        "pages": http.pages,
        "admin": http.admin,
        "websocket": sockets.frames,
    }
