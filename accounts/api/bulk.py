"""Batches: thousands of commands in one request, for any mix of accounts, each with an outcome of its own, in order.

A list of typed inputs would cost more in GraphQL than the commands themselves (about 25 us an entry), so a batch is a
scalar whose entries are checked here, one by one. What is malformed, or not the asking user's to do, is answered and
not sent; the rest goes over the bus together.
"""

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

from graphql import GraphQLResolveInfo

from accounts.api.database_outage import ask_database
from accounts.api.errors import ApiError, forbidden
from accounts.api.refusals import REFUSAL_MESSAGES
from accounts.api.submission import access_from
from accounts.application.batches import Entry, checked_batch
from accounts.application.envelope import BriefResult, Envelope, NotExecuted
from accounts.application.provider import get_bus
from accounts.domain.errors import CommandInvalid
from accounts.domain.events import COUNTED_CODES
from accounts.domain.values import format_amount
from accounts.permissions import Access, Action, roles_on_accounts, why_no_command, why_not
from accounts.recent_access import RecentRoles

Outcome = dict[str, Any]

ENTRIES_AT_A_TIME: Final = 200
"""Entries that are checked before others get their turn: about a millisecond of them."""

_recent_roles: Final = RecentRoles()


async def submit_batch(
    info: GraphQLResolveInfo, items: object, *, parse: Callable[[object], Entry], action: Action
) -> list[Outcome]:
    """Send a batch on behalf of the asking user; return an outcome for each item, in order."""
    access = await access_from(info)
    reason = why_no_command(access)
    if reason is not None:
        raise forbidden(reason)
    try:
        checked = checked_batch(items)
    except ValueError as error:
        raise ApiError("BAD_REQUEST", str(error)) from error
    outcomes: list[Outcome] = []
    parsed: list[tuple[int, Entry]] = []
    for place, item in enumerate(checked):
        if place % ENTRIES_AT_A_TIME == 0:
            await asyncio.sleep(0)  # Other requests of this process are answered in between.
        try:
            parsed.append((place, parse(item)))
            outcomes.append({})
        except CommandInvalid as error:
            outcomes.append({"code": error.code.value, "message": error.message})
    roles = await _roles(access, {entry.account_id for _, entry in parsed})
    sent: list[tuple[int, Envelope]] = []
    for place, (account_id, command_id, command) in parsed:
        if place % ENTRIES_AT_A_TIME == 0:
            await asyncio.sleep(0)
        refused = why_not(access._replace(role=roles.get(account_id)), account_id, action)
        if refused is None:
            sent.append((place, Envelope(account_id, command_id, access.principal.actor, command)))
        else:
            outcomes[place] = {"code": "FORBIDDEN", "message": refused}
    results = await get_bus().asubmit_briefly([envelope for _, envelope in sent]) if sent else []
    for (place, _), result in zip(sent, results, strict=True):
        outcomes[place] = _outcome(result)
    return outcomes


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
            _recent_roles.remember(user.pk, found)
        known |= found
    return known


def _outcome(result: BriefResult) -> Outcome:
    if isinstance(result, NotExecuted):
        outcome: Outcome = {"code": result.code, "message": result.message}
        if result.retry_after_ms is not None:
            outcome["retryAfterMs"] = result.retry_after_ms
        return outcome
    outcome = {"version": result.version}
    if result.is_duplicate:
        outcome["duplicate"] = True
    if result.order_id is not None:
        outcome["orderId"] = result.order_id
    if result.code is not None:
        shown = str if result.code in COUNTED_CODES else format_amount
        outcome |= {"code": result.code, "message": REFUSAL_MESSAGES.get(result.code, result.code)}
        if result.limit is not None and result.actual is not None:
            outcome |= {"limit": shown(result.limit), "actual": shown(result.actual)}
    return outcome
