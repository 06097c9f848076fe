"""From envelopes to durable events and back to results: the one place where commands meet the event store.

Stateless apart from the group-commit writer that it is given; used by the writer process and by the in-process bus.
"""

from collections.abc import Sequence
from typing import Final

import structlog

from accounts.application.envelope import Booked, BriefResult, Envelope, Executed, NotExecuted, Result
from accounts.application.errors import SystemCode
from accounts.application.limits import OVERLOADED_RETRY_AFTER_MS
from accounts.domain.commands import AccountCommand
from accounts.domain.errors import CommandInvalid
from accounts.domain.events import CommandRefused, OrderPlaced, TradeExecuted
from accounts.domain.state import Account
from eventstore.errors import ConflictLimitReached, EventStoreError, OutcomeUnknown, StoreUnavailable
from eventstore.writer.group_commit import GroupCommit
from eventstore.writer.request import Failed, Outcome, Request

log = structlog.get_logger(__name__)

_INTERNAL_MESSAGE: Final = "the command could not be executed; nothing was written. The writer's log says why"


def execute(writer: GroupCommit[Account, AccountCommand], envelopes: Sequence[Envelope]) -> list[Outcome]:
    """Execute commands in order; return one outcome per envelope, in order."""
    requests = [
        Request(
            aggregate_id=envelope.account_id,
            command_id=envelope.command_id,
            actor=envelope.actor,
            command=envelope.command,
            correlation_id=envelope.correlation_id,
            causation_id=envelope.causation_id,
        )
        for envelope in envelopes
    ]
    return writer.execute(requests)


def result_of(envelope: Envelope, outcome: Outcome) -> Result:
    """Return what a caller is told of a command: what happened, with its events."""
    if isinstance(outcome, Failed):
        return _failure(envelope, outcome.error)
    commit = outcome.commit
    return Executed(
        account_id=commit.aggregate_id,
        command_id=commit.command_id,
        first_version=commit.first_version,
        timestamp=commit.timestamp,
        events=commit.events,
        event_ids=outcome.event_ids,
        is_duplicate=outcome.is_duplicate,
    )


def brief_result_of(envelope: Envelope, outcome: Outcome) -> BriefResult:
    """Return the short form of it, for a caller of thousands."""
    if isinstance(outcome, Failed):
        return _failure(envelope, outcome.error)
    commit = outcome.commit
    first = commit.events[0]
    if type(first) is TradeExecuted:
        return Booked(commit.last_version, outcome.is_duplicate)
    if type(first) is CommandRefused:
        return Booked(commit.last_version, outcome.is_duplicate, first.code, first.limit, first.actual)
    order_id = first.order_id if type(first) is OrderPlaced else None
    return Booked(commit.last_version, outcome.is_duplicate, order_id=order_id)


def _failure(envelope: Envelope, error: Exception) -> NotExecuted:
    retry_after_ms = None
    if isinstance(error, CommandInvalid):
        code, message = error.code.value, error.message
    elif isinstance(error, ConflictLimitReached):
        code, message, retry_after_ms = SystemCode.CONFLICT.value, str(error), OVERLOADED_RETRY_AFTER_MS
    elif isinstance(error, OutcomeUnknown):
        code, message = SystemCode.OUTCOME_UNKNOWN.value, str(error)
    elif isinstance(error, StoreUnavailable):
        code, message, retry_after_ms = SystemCode.STORE_UNAVAILABLE.value, str(error), OVERLOADED_RETRY_AFTER_MS
    else:
        code, message = SystemCode.INTERNAL_ERROR.value, _INTERNAL_MESSAGE
        what = "event store stopped" if isinstance(error, EventStoreError) else "command failed"
        log.error(what, account_id=envelope.account_id, command_id=envelope.command_id, exc_info=error)
    return NotExecuted(envelope.account_id, envelope.command_id, code, message, retry_after_ms)
