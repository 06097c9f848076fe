"""Errors of the GraphQL endpoint that are not refusals of a rule: each has a stable `extensions.code`."""

from typing import Any

from graphql import GraphQLError


class ApiError(GraphQLError):
    """An error with a stable code, and figures beside it where there are any."""

    def __init__(self, code: str, message: str, **figures: Any) -> None:
        super().__init__(message, extensions={"code": code, **figures})


def unauthenticated() -> ApiError:
    """Nobody is logged in."""
    return ApiError("UNAUTHENTICATED", "log in, or send an API key as `Authorization: Bearer <key>`")


def forbidden(message: str) -> ApiError:
    """Somebody is, and may not do this."""
    return ApiError("FORBIDDEN", message)


def not_found(account_id: str) -> ApiError:
    """There is no such account, or it is not theirs to see."""
    return ApiError("NOT_FOUND", f"there is no account {account_id} that you may see")


def bad_request(message: str) -> ApiError:
    """The request itself is not understood."""
    return ApiError("BAD_REQUEST", message)
