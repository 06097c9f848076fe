"""The OpenAPI document says of every error what problems.py makes of it: application/problem+json, of one shape."""

from typing import Any, Final

from edge.problems import PROBLEM_TYPE

_PROBLEM: Final = {"schema": {"$ref": "#/components/schemas/Problem"}}


def describe_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every response that is an error the type and the shape of a problem (a hook of drf-spectacular)."""
    for path in result["paths"].values():
        for operation in path.values():
            for status, response in operation.get("responses", {}).items():
                if int(status) >= 400:
                    response["content"] = {PROBLEM_TYPE: _PROBLEM}
                    response["description"] = response.get("description") or "A problem, by its `code`"
    return result
