"""What every query of the past does: check access, ask the event store on a thread, give errors their codes."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from graphql import GraphQLResolveInfo

from accounts.api.errors import ApiError
from accounts.api.submission import access_from
from accounts.application import factories
from accounts.domain.errors import CommandInvalid
from edge.request_thread import on_another_thread
from temporal.errors import TemporalError


async def require_access(info: GraphQLResolveInfo, account_id: str) -> None:
    """Raise NOT_FOUND when the asking user has no access, as if there were no such account."""
    try:
        checked = factories.account_id(account_id)
    except CommandInvalid:
        await access_from(info)
        raise _not_found(account_id) from None
    if (await access_from(info, checked)).role is None:
        raise _not_found(account_id)


def _not_found(account_id: str) -> ApiError:
    return ApiError("NOT_FOUND", f"there is no account {account_id[:40]} that you may see")


async def answer(ask: Callable[[datetime], dict[str, Any]]) -> dict[str, Any]:
    """Ask the event store on a thread, and return this app's errors with their codes."""
    try:
        return await on_another_thread(partial(ask, datetime.now(UTC)))
    except TemporalError as error:
        raise ApiError(error.code, str(error)) from error
