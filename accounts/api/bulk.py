"""Batches: thousands of commands in one request, for any mix of accounts, each with an outcome of its own, in order.

A list of typed inputs would cost more in GraphQL than the commands themselves (about 25 us an entry), so a batch is a
scalar. What is malformed, or not the asking user's to do, is answered and not sent; the rest goes over the bus
together, as columns. The outcomes come back as columns, and become JSON at once.
"""

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import Final, NamedTuple

import msgspec
import numpy as np
from graphql import GraphQLResolveInfo

from accounts.api.answers import REFUSAL_MESSAGES
from accounts.api.graphql.database_outage import ask_database
from accounts.api.graphql.errors import ApiError, forbidden
from accounts.api.parsing.batches import (
    ParsedBatch,
    Refusal,
    ScannedBatch,
    checked_batch,
    joined,
    parsed,
    parsed_scanned,
)
from accounts.api.submission import access_from
from accounts.domain.errors import Code
from accounts.domain.events import COUNTED_CODES, QUANTITY_CODES, format_refusal_figure
from accounts.kernels.answers import DONE, OUTCOME, SAID_ELSEWHERE, CodeTable, Unit, answer_json
from accounts.kernels.trades import NOT_ORDER
from accounts.writer.bus.ports import get_bus
from accounts.writer.envelope import Booked, BriefResult, Envelope, NotExecuted
from accounts.writer.outcomes import BatchResults, said_elsewhere
from identity.permissions import Access, Action, aroles_on_accounts, may_on_every_account, why_no_command, why_not
from identity.recent_access import RecentRoles

ParseEntry = Callable[[object, str], Envelope]
"""From an entry and who sends it to a command with its address; raises CommandInvalid."""

ENTRIES_AT_A_TIME: Final = 500
"""Entries that are judged one by one before others get their turn: a few milliseconds of them."""

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


class BatchAnswer(NamedTuple):
    """How many entries did what they ask for, and how many did not; and the outcome of each, in order, as JSON."""

    accepted: int
    refused: int
    outcomes: msgspec.Raw


async def submit_batch(info: GraphQLResolveInfo, items: object, *, parse: ParseEntry, action: Action) -> BatchAnswer:
    """Send a batch on behalf of the asking user."""
    access = await access_from(info)
    reason = why_no_command(access)
    if reason is not None:
        raise forbidden(reason)
    try:
        checked = checked_batch(items)
    except ValueError as error:
        raise ApiError("BAD_REQUEST", str(error)) from error
    batch = await _parsed(checked, parse, access.principal.actor)
    if not may_on_every_account(access, action):
        batch = await _permitted(batch, access, action)
    results = await get_bus().asubmit_batch(batch.commands) if len(batch.commands) else said_elsewhere([])
    return answer_to(batch, results)


def answer_to(batch: ParsedBatch, results: BatchResults) -> BatchAnswer:
    """Return the answer to a batch, given what became of its commands."""
    places = batch.places
    rows = np.zeros(len(places) + len(batch.refused), OUTCOME)
    rows["code"] = SAID_ELSEWHERE
    rows[places] = results.rows
    told = {place: BatchOutcome(code=refusal.code, message=refusal.message) for place, refusal in batch.refused.items()}
    told |= {int(places[place]): _outcome(result) for place, result in results.others.items()}
    accepted = int(np.count_nonzero(rows["code"] == DONE)) + sum(outcome.code is None for outcome in told.values())
    others = {place: msgspec.json.encode(outcome) for place, outcome in told.items()}
    order_of = np.full(len(rows), NOT_ORDER, np.int64)
    order_of[places] = batch.commands.bodies["order"]
    outcomes = answer_json(rows, _CODES, others, (order_of, batch.commands.orders["order_id"]))
    return BatchAnswer(accepted, len(rows) - accepted, msgspec.Raw(outcomes))


async def _permitted(batch: ParsedBatch, access: Access, action: Action) -> ParsedBatch:
    """Return a batch with only those commands that the asking user may send."""
    commands, places = batch.commands, batch.places
    account_ids, accounts_of = np.unique(commands.aggregate_ids.view("S64").ravel(), return_inverse=True)
    names = [account_id.decode() for account_id in account_ids.tolist()]
    refusals = await _refusals(access, names, action)
    is_refused = np.array([refusals[name] is not None for name in names], np.bool_)[accounts_of]
    refused = dict(batch.refused)
    for index in np.flatnonzero(is_refused).tolist():
        refused[int(places[index])] = Refusal("FORBIDDEN", refusals[names[accounts_of[index]]] or "")
    return ParsedBatch(commands.take(np.flatnonzero(~is_refused)), places[~is_refused], refused)


async def _parsed(items: list[object] | ScannedBatch, parse: ParseEntry, actor: str) -> ParsedBatch:
    """Return the commands of the entries that are well formed, and what is wrong with the others."""
    if isinstance(items, ScannedBatch):
        return parsed_scanned(items, actor, parse)
    parts: list[ParsedBatch] = []
    for start in range(0, len(items), ENTRIES_AT_A_TIME):
        await asyncio.sleep(0)  # Other requests of this process are answered in between.
        some = items[start : start + ENTRIES_AT_A_TIME]
        parts.append(parsed(some, actor, parse, places=range(start, start + len(some))))
    return joined(parts)


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
        found = await ask_database(partial(aroles_on_accounts, access, unknown), remembered=remembered)
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


def _unit_of(code: str) -> Unit:
    if code in COUNTED_CODES:
        return Unit.COUNT
    return Unit.SHARES if code in QUANTITY_CODES else Unit.MONEY


_CODES: Final = CodeTable({code.value: (REFUSAL_MESSAGES.get(code, code.value), _unit_of(code)) for code in Code})
