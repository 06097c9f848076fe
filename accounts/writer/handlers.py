"""From envelopes to durable events and back to results: the one place where commands meet the event store.

Every way in comes through `CommandHandler.execute`, in the writer process or in any other: here commands are executed
once (idempotency is the event store's), counted, logged when they fail, and the projections told (`notify`).
"""

from functools import cached_property
from typing import Final

import msgspec
import structlog

from accounts.domain import orders
from accounts.domain.commands import AccountCommand
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.events import CommandRefused, OrderPlaced, TradeExecuted
from accounts.domain.state import Account
from accounts.writer.bus.ports import Notifier
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Booked, BriefResult, Executed, NotExecuted, Result, SystemCode
from accounts.writer.limits import OVERLOADED_RETRY_AFTER_MS
from accounts.writer.metrics import CommandMetrics
from accounts.writer.outcomes import BatchResults, batch_results
from eventstore.errors import (
    ClockUntrusted,
    CommandIdExpired,
    CommandIdReused,
    ConflictLimitReached,
    EventStoreError,
    OutcomeUnknown,
    StoreUnavailable,
)
from eventstore.writer.group_commit import GroupCommit
from eventstore.writer.outcomes import Outcomes
from eventstore.writer.request import Committed, Failed, Outcome

log = structlog.get_logger(__name__)

_INTERNAL_MESSAGE: Final = "the command could not be executed; nothing was written. The writer's log says why"
_FAILURES: Final[tuple[tuple[type[Exception], Code | SystemCode, int | None], ...]] = (
    (CommandIdReused, Code.COMMAND_ID_REUSED, None),
    (CommandIdExpired, Code.COMMAND_ID_EXPIRED, None),
    (ConflictLimitReached, SystemCode.CONFLICT, OVERLOADED_RETRY_AFTER_MS),
    (ClockUntrusted, SystemCode.CLOCK_UNTRUSTED, OVERLOADED_RETRY_AFTER_MS),
    (OutcomeUnknown, SystemCode.OUTCOME_UNKNOWN, None),
    (StoreUnavailable, SystemCode.STORE_UNAVAILABLE, OVERLOADED_RETRY_AFTER_MS),
)
"""The code of each error, and when to try again in ms, where that may help."""


class Handled:
    """Commands that were executed together. Each is told to its caller once, in full or in the short form, and counted
    in the form in which it was told: a lone command costs no rows of figures that nobody asks for.
    """

    def __init__(self, commands: AccountCommands, outcomes: Outcomes) -> None:
        self._commands = commands
        self._outcomes = outcomes
        self._in_full: list[tuple[int, list[Result]]] = []
        self._in_short: list[tuple[int, BatchResults]] = []

    def tell_in_full(self, start: int, end: int) -> list[Result]:
        """Return the results of the commands from `start` up to `end`, with their events."""
        results = [self._told(place, outcome) for place, outcome in self._outcomes.records(start, end)]
        self._in_full.append((start, results))
        return results

    def tell_in_short(self, start: int, end: int) -> BatchResults:
        """Return the short form of the results of the commands from `start` up to `end`."""
        others = {place - start: told for place, told in self._batch.others.items() if start <= place < end}
        batch = BatchResults(self._batch.rows[start:end], others)
        self._in_short.append((start, batch))
        return batch

    def count(self, metrics: CommandMetrics) -> None:
        for start, results in self._in_full:
            metrics.count_results(self._commands, start, results)
        for start, batch in self._in_short:
            metrics.count_batch(self._commands, start, batch)

    @cached_property
    def _batch(self) -> BatchResults:
        return batch_results(self._commands, self._outcomes, self._brief)

    def _told(self, place: int, outcome: Outcome) -> Result:
        try:
            return result_of(self._commands, place, outcome)
        except Exception:  # One result that cannot be told must not keep the others from their callers.
            return self._untold(place)

    def _brief(self, place: int, outcome: Outcome) -> BriefResult:
        try:
            return brief_result_of(self._commands, place, outcome)
        except Exception:
            return self._untold(place)

    def _untold(self, place: int) -> NotExecuted:
        account_id, command_id = self._commands.aggregate_id(place), self._commands.command_id(place)
        log.exception("a result cannot be told", account_id=account_id, command_id=command_id)
        return untold(account_id, command_id)


class CommandHandler:
    """Executes commands for one process; to be used from one thread at a time."""

    def __init__(self, group_commit: GroupCommit[Account, AccountCommand], notifier: Notifier) -> None:
        self.metrics = CommandMetrics()
        self._group_commit = group_commit
        self._notifier = notifier

    def execute(self, commands: AccountCommands) -> Handled:
        """Execute commands together, in order; return what became of each, durable."""
        outcomes = self._group_commit.run(commands)
        self._show_as_they_work_now(outcomes)
        self.metrics.count_group(self._group_commit.latest_times)
        return Handled(commands, outcomes)

    def _show_as_they_work_now(self, outcomes: Outcomes) -> None:
        """Let placements that were sent again be answered with their orders of now."""
        for commits in outcomes.durable:
            for place, row in list(commits.repeated.items()):
                repeated = commits.committed(row, is_duplicate=True)
                if type(repeated.events[-1]) is OrderPlaced:
                    outcomes.single[place] = repeated
                    del commits.repeated[place]
        for place, outcome in outcomes.single.items():
            if isinstance(outcome, Committed) and type(outcome.events[-1]) is OrderPlaced:
                outcomes.single[place] = self._placed_before(outcome)

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

    def finish(self, handled: Handled) -> None:
        """Count the commands, tell the projections of them, and let accounts go that nobody asks for: after the
        callers, who wait for their answers.
        """
        handled.count(self.metrics)
        self.notify()
        self._group_commit.let_go()

    def notify(self) -> None:
        """Tell the projections that there may be something for them."""
        self._notifier.committed()


def untold(account_id: str, command_id: str) -> NotExecuted:
    """Return what a caller is told of a command whose result cannot be told."""
    message = "the command was decided, and its result cannot be shown: look at the account for what became of it"
    return NotExecuted(account_id, command_id, SystemCode.OUTCOME_UNKNOWN.value, message)


def result_of(commands: AccountCommands, place: int, outcome: Outcome) -> Result:
    """Return what a caller is told of a command: what happened, with its events."""
    if isinstance(outcome, Failed):
        return _not_executed(commands, place, outcome.error)
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


def brief_result_of(commands: AccountCommands, place: int, outcome: Outcome) -> BriefResult:
    """Return the short form of it, for a caller of thousands."""
    if isinstance(outcome, Failed):
        return _not_executed(commands, place, outcome.error)
    events = outcome.events
    first, version = events[0], outcome.header[1] + len(events) - 1
    if type(first) is TradeExecuted:
        return Booked(version, outcome.is_duplicate)
    if type(first) is CommandRefused:
        return Booked(version, outcome.is_duplicate, first.code, first.limit, first.actual)
    order_id = events[-1].order_id if type(events[-1]) is OrderPlaced else None  # Last of a replacement's.
    return Booked(version, outcome.is_duplicate, order_id=order_id)


def _not_executed(commands: AccountCommands, place: int, error: Exception) -> NotExecuted:
    """Return why a command was not executed; of anything unexpected, the text stays in the log."""
    account_id, command_id = commands.aggregate_id(place), commands.command_id(place)
    if isinstance(error, CommandInvalid):
        return NotExecuted(account_id, command_id, error.code.value, error.message)
    for kind, code, retry_after_ms in _FAILURES:
        if isinstance(error, kind):
            return NotExecuted(account_id, command_id, code.value, str(error), retry_after_ms)
    what = "event store stopped" if isinstance(error, EventStoreError) else "command failed"
    log.error(what, account_id=account_id, command_id=command_id, exc_info=error)
    return NotExecuted(account_id, command_id, SystemCode.INTERNAL_ERROR.value, _INTERNAL_MESSAGE)
