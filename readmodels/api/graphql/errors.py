"""Errors of queries, each with a stable `extensions.code`; docs/graphql.md has the table of all of them."""

from typing import Any, Final

from graphql import GraphQLError

from readmodels.queries.account_queries import VersionNotAvailable
from readmodels.queries.version_waits import TooManyWaits

RETRY_AFTER_MS: Final = 1_000


class QueryError(GraphQLError):
    """A query that cannot be answered, with the stable code that says why."""

    def __init__(self, code: str, message: str, **figures: Any) -> None:
        super().__init__(message, extensions={"code": code, **figures})


def unauthenticated() -> QueryError:
    """Nobody is logged in."""
    return QueryError("UNAUTHENTICATED", "log in, or send an API key as `Authorization: Bearer <key>`")


def not_found(account_id: str) -> QueryError:
    """There is no such account for who asks, whether it exists or not."""
    return QueryError("NOT_FOUND", f"there is no account {account_id[:40]} that you may see")


def order_not_found(account_id: str, order_id: str) -> QueryError:
    """The account has no such order."""
    return QueryError("NOT_FOUND", f"account {account_id} has no order {order_id[:40]}")


def bad_argument(message: str) -> QueryError:
    """An argument makes no sense."""
    return QueryError("BAD_REQUEST", message)


def version_not_available(error: VersionNotAvailable) -> QueryError:
    """The projection has not come to the version that was asked for."""
    message = str(error).replace("min_version", "minVersion")
    return QueryError("VERSION_NOT_AVAILABLE", message, retry_after_ms=RETRY_AFTER_MS)


def too_many_waits(error: TooManyWaits) -> QueryError:
    """Whoever asks waits for too many versions already."""
    return QueryError("TOO_MANY_WAITS", str(error), retry_after_ms=RETRY_AFTER_MS)


def query_timeout(seconds: float) -> QueryError:
    """The database did not find what was asked for in time."""
    return QueryError(
        "QUERY_TIMEOUT", f"nothing was found within {seconds:g} s: ask for fewer accounts, or give `from` and `to`"
    )
