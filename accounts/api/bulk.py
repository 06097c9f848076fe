"""Batches: thousands of commands in one request, for any mix of accounts, each with an outcome of its own, in order.

A list of typed inputs would cost more in GraphQL than the commands themselves (about 25 us an entry), so a batch is a
scalar whose entries are checked here, one by one. What is malformed, or not the asking user's to do, is answered and
not sent; the rest goes over the bus together.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

import msgspec
from graphql import GraphQLResolveInfo

from accounts.api.database_outage import ask_database
from accounts.api.errors import ApiError, forbidden
from accounts.api.refusals import REFUSAL_MESSAGES
from accounts.api.submission import access_from
from accounts.application.batches import checked_batch
from accounts.application.envelope import Booked, BriefResult, Envelope, NotExecuted
from accounts.application.provider import get_bus
from accounts.domain.errors import CommandInvalid
from accounts.domain.events import format_refusal_figure
from accounts.permissions import Access, Action, may_on_every_account, roles_on_accounts, why_no_command, why_not
from accounts.recent_access import RecentRoles

Parse = Callable[[Sequence[object], str], Sequence[Envelope | CommandInvalid]]
"""From items and who sends them to a command with its address for each, or what is wrong with it."""

ENTRIES_AT_A_TIME: Final = 500
"""Entries that are checked before others get their turn: about a millisecond of them."""

_recent_roles: Final = RecentRoles()


class BatchOutcome(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """What became of one entry, as it is shown; see BatchOutcomes."""

    version: int | None = None
    duplicate: bool = False
    order_id: str | None = None
    code: str | None = None
    message: str | None = None
    limit: str | None = None
    actual: str | None = None
    retry_after_ms: int | None = None


async def submit_batch(info: GraphQLResolveInfo, items: object, *, parse: Parse, action: Action) -> list[BatchOutcome]:
    """Send a batch on behalf of the asking user; return an outcome for each item, in order."""
    access = await access_from(info)
    reason = why_no_command(access)
    if reason is not None:
        raise forbidden(reason)
    try:
        checked = checked_batch(items)
    except ValueError as error:
        raise ApiError("BAD_REQUEST", str(error)) from error
    outcomes: list[BatchOutcome | None] = [None] * len(checked)
    parsed = await _parsed(checked, parse, access.principal.actor, outcomes)
    if not may_on_every_account(access, action):
        refusals = await _refusals(access, {envelope.account_id for _, envelope in parsed}, action)
        for place, envelope in parsed:
            refused = refusals[envelope.account_id]
            if refused is not None:
                outcomes[place] = BatchOutcome(code="FORBIDDEN", message=refused)
    sent = [envelope for place, envelope in parsed if outcomes[place] is None]
    results = iter(await get_bus().asubmit_briefly(sent) if sent else [])
    for place, outcome in enumerate(outcomes):
        if place % ENTRIES_AT_A_TIME == 0:
            await asyncio.sleep(0)
        if outcome is None:
            outcomes[place] = _outcome(next(results))
    return outcomes  # type: ignore[return-value]


async def _parsed(
    items: Sequence[object], parse: Parse, actor: str, outcomes: list[BatchOutcome | None]
) -> list[tuple[int, Envelope]]:
    """Return the commands of the items that are well formed, each with its place; the others get their outcomes."""
    parsed: list[tuple[int, Envelope]] = []
    for start in range(0, len(items), ENTRIES_AT_A_TIME):
        await asyncio.sleep(0)  # Other requests of this process are answered in between.
        for place, found in enumerate(parse(items[start : start + ENTRIES_AT_A_TIME], actor), start):
            if isinstance(found, CommandInvalid):
                outcomes[place] = BatchOutcome(code=found.code.value, message=found.message)
            else:
                parsed.append((place, found))
    return parsed


async def _refusals(access: Access, account_ids: Collection[str], action: Action) -> dict[str, str | None]:
    """Return for each account why the asking user may not do this there, None where they may."""
    roles = await _roles(access, account_ids)
    return {
        account_id: why_not(access._replace(role=roles.get(account_id)), account_id, action)
        for account_id in account_ids
    }


async def _roles(access: Access, account_ids: Collection[str]) -> dict[str, str]:
    """Return the asking user's role on each of these accounts; those known of the last moment are not asked for."""
    user = access.principal.user
    known = _recent_roles.find(user.pk, account_ids)
    unknown = set(account_ids) - known.keys()
    if unknown:
        before = _recent_roles.find_during_outage(user.pk, unknown)
        remembered = before if before.keys() == unknown else None
        found = await ask_database(partial(roles_on_accounts, user, unknown), remembered=remembered)
        if found is not remembered:
            _recent_roles.remember(user.pk, unknown, found)
        known |= found
    return known


def _outcome(result: BriefResult) -> BatchOutcome:
    if type(result) is NotExecuted:
        return BatchOutcome(code=result.code, message=result.message, retry_after_ms=result.retry_after_ms)
    assert type(result) is Booked, "a brief result is one or the other"
    code = result.code
    if code is None:
        return BatchOutcome(result.version, result.is_duplicate, result.order_id)
    outcome = BatchOutcome(result.version, result.is_duplicate, result.order_id, code, REFUSAL_MESSAGES.get(code, code))
    outcome.limit = format_refusal_figure(code, result.limit)
    outcome.actual = format_refusal_figure(code, result.actual)
    return outcome
