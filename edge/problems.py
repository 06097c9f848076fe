"""How an error is written before any view has been found: a problem (RFC 9457), or at /graphql an error of GraphQL."""

import json
from http import HTTPStatus
from typing import Any, Final, NamedTuple

GRAPHQL_PATH: Final = "/graphql"
PROBLEM_TYPE: Final = "application/problem+json"


class Problem(NamedTuple):
    """What is answered instead of what was asked for; `figures` are further members, such as `retry_after_ms`."""

    status: int
    code: str
    detail: str
    figures: dict[str, Any] = {}

    def body(self, path: str) -> tuple[bytes, str]:
        """Return the body and its content type, in the form that callers of this path expect."""
        if path == GRAPHQL_PATH:
            error = {"message": self.detail, "extensions": {"code": self.code, **self.figures}}
            return json.dumps({"errors": [error]}).encode(), "application/json"
        return json.dumps(self.members()).encode(), PROBLEM_TYPE

    def members(self) -> dict[str, Any]:
        """Return the members of the problem."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
