"""From envelopes to durable events and back to results: the one place where commands meet the event store.

Every way in comes through `CommandHandler.execute`, in the writer process or in any other: here commands are executed
once (idempotency is the event store's), counted, logged when they fail, and the projections told (`notify`).
"""

from collections.abc import Sequence

import msgspec
import structlog

from accounts.application.envelope import Booked, BriefResult, Envelope, Executed, NotExecuted, Result
from accounts.application.errors import SystemCode
from accounts.application.failures import failure_of
from accounts.application.metrics import CommandMetrics
from accounts.application.ports import Notifier
from accounts.domain import orders
from accounts.domain.commands import AccountCommand
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.events import CommandRefused, OrderPlaced, TradeExecuted
from accounts.domain.state import Account
from eventstore.errors import EventStoreError
from eventstore.writer.group_commit import GroupCommit
from eventstore.writer.request import Committed, Failed, Outcome

log = structlog.get_logger(__name__)


class CommandHandler:
    """Executes commands for one process; to be used from one thread at a time."""

    def __init__(self, group_commit: GroupCommit[Account, AccountCommand], notifier: Notifier) -> None:
        self.metrics = CommandMetrics()
        self._group_commit = group_commit
        self._notifier = notifier

    def execute(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Execute commands together, in order; return one outcome per envelope, in order, durable."""
        outcomes = self._group_commit.execute(envelopes)
        self.metrics.count_group(envelopes, outcomes, self._group_commit.latest_times)
        return [
            self._placed_before(outcome)
            if type(outcome) is Committed and outcome.is_duplicate and type(outcome.events[-1]) is OrderPlaced
            else outcome
            for outcome in outcomes
        ]

    def _placed_before(self, outcome: Committed) -> Outcome:
        """Return what a placement that is sent again is answered with: its order as it stands now, or that it ended."""
        try:
            account, _ = self._group_commit.state(outcome.header[0])
        except EventStoreError as error:
            return Failed(error)
        events = orders.as_it_works_now(account, outcome.events)
        if events is not None:
            return msgspec.structs.replace(outcome, events=events)
        return Failed(
            CommandInvalid(
                Code.CLIENT_ORDER_ID_SPENT,
                f"this client order id placed order {outcome.events[-1].order_id}, which has ended: nothing was placed "
                "again. The account's orders say how it ended; a new order needs an id of its own",
            )
        )

    def notify(self) -> None:
        """Tell the projections that there may be something for them: after the callers, who wait for their answers."""
        self._notifier.committed()


def told(envelope: Envelope, outcome: Outcome, *, is_brief: bool) -> Result | Booked:
    """Return what a caller is told of a command, in full or in the short form; never raises."""
    try:
        return brief_result_of(envelope, outcome) if is_brief else result_of(envelope, outcome)
    except Exception:  # One result that cannot be told must not keep the others from their callers.
        log.exception("a result cannot be told", account_id=envelope.account_id, command_id=envelope.command_id)
        return untold(envelope)


def untold(envelope: Envelope) -> NotExecuted:
    """Return what a caller is told of a command whose result cannot be told."""
    message = "the command was decided, and its result cannot be shown: look at the account for what became of it"
    return NotExecuted(envelope.account_id, envelope.command_id, SystemCode.OUTCOME_UNKNOWN.value, message)


def result_of(envelope: Envelope, outcome: Outcome) -> Result:
    """Return what a caller is told of a command: what happened, with its events."""
    if isinstance(outcome, Failed):
        return _not_executed(envelope, outcome.error)
    account_id, first_version, timestamp, command_id, *_ = outcome.header
    return Executed(
        account_id=account_id,
        command_id=command_id,
        first_version=first_version,
        timestamp=timestamp,
        events=outcome.events,
        event_ids=outcome.event_ids,
        is_duplicate=outcome.is_duplicate,
    )


def brief_result_of(envelope: Envelope, outcome: Outcome) -> BriefResult:
    """Return the short form of it, for a caller of thousands."""
    if isinstance(outcome, Failed):
        return _not_executed(envelope, outcome.error)
    events = outcome.events
    first, version = events[0], outcome.header[1] + len(events) - 1
    if type(first) is TradeExecuted:
        return Booked(version, outcome.is_duplicate)
    if type(first) is CommandRefused:
        return Booked(version, outcome.is_duplicate, first.code, first.limit, first.actual)
    order_id = first.order_id if type(first) is OrderPlaced else None
    return Booked(version, outcome.is_duplicate, order_id=order_id)


def _not_executed(envelope: Envelope, error: Exception) -> NotExecuted:
    failure = failure_of(error)
    if failure.code == SystemCode.INTERNAL_ERROR:
        what = "event store stopped" if isinstance(error, EventStoreError) else "command failed"
        log.error(what, account_id=envelope.account_id, command_id=envelope.command_id, exc_info=error)
    return NotExecuted(envelope.account_id, envelope.command_id, *failure)
