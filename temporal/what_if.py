"""What if an account had had other risk limits: its recorded commands, decided again. Writes nothing.

Every command of the range is decided at its own time on the state that the ones before it would have led to. What
people would have done differently is not known: a trade that is refused now is not tried again in a smaller size, and
an order that was refused then and is accepted now is never filled, for no fill of it was ever sent. What the market
said is known of trades that were refused, and of no other: a trade that was booked is within any band. What a company
did happens to the shares that the account would have had; its orders in the symbol are cancelled first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from accounts.api.parsing.factories import change_risk_limits
from accounts.domain import events as e
from accounts.domain.account import decide, evolve
from accounts.domain.commands import AccountCommand, ApplySplit, CancelOrder, ChangeSymbol
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.events import AccountOpened, CommandRefused, RiskLimitsChanged
from accounts.domain.recorded import command_of
from accounts.domain.state import Account
from accounts.writer.machine import AccountDecider
from eventstore.errors import UnknownAggregate
from eventstore.record import instant_of, microseconds
from eventstore.store import EventStore, get_store
from eventstore.streams import StateAt
from temporal.as_of.as_of import translated
from temporal.errors import InvalidLimits, InvalidMoment, TooManyEvents

EVENTS_MAX: Final = 1_000_000
"""Events of one question on the command line: some tens of seconds."""
EVENTS_OVER_REST_MAX: Final = 100_000
"""Events of one question over REST: a few seconds of a web process, which others wait for."""
DIFFERENCES_MAX: Final = 1_000
"""Commands that end differently and are listed; all of them are counted."""
PROGRESS_COMMANDS: Final = 1_000

_EVOLVER: Final = AccountDecider()


class Limits(NamedTuple):
    """Other limits; None leaves the account's own, with their changes. Basis points, and money in ten-thousandths."""

    max_position_bp: int | None = None
    max_daily_value: int | None = None
    max_trade_value: int | None = None
    price_band_bp: int | None = None

    def impose(self, account: Account) -> None:
        """Put them in the place of the account's own."""
        if self.max_position_bp is not None:
            account.max_position_bp = self.max_position_bp
        if self.max_daily_value is not None:
            account.max_daily_value = self.max_daily_value
        if self.max_trade_value is not None:
            account.max_trade_value = self.max_trade_value
        if self.price_band_bp is not None:
            account.price_band_bp = self.price_band_bp

    def codes(self) -> frozenset[str]:
        """Return the refusals that they themselves lead to; any other one follows from those."""
        of_limits = (
            *(Code.POSITION_LIMIT_EXCEEDED, Code.DAILY_LIMIT_EXCEEDED, Code.TRADE_LIMIT_EXCEEDED),
            Code.PRICE_BEYOND_BAND,
        )
        return frozenset(code for code, limit in zip(of_limits, self, strict=True) if limit is not None)


class Difference(NamedTuple):
    """A command that ends differently: `refusal` is now's when `is_refused_now`, else then's.

    A knock-on is refused or accepted for what the other commands led to, not by a limit that was asked for.
    """

    version: int
    recorded_at: datetime
    command_id: str
    command: AccountCommand
    is_refused_now: bool
    is_knock_on: bool
    refusal: CommandRefused


class RecordedCommand(NamedTuple):
    """A commit: its events, the first of them at `version`, recorded at `timestamp` (UTC microseconds)."""

    version: int
    timestamp: int
    command_id: str
    events: tuple[e.AccountEvent, ...]


@dataclass(slots=True)
class WhatIf:
    """The answer: what ends differently, and the account beside what it is. `differences` are the first ones."""

    account_id: str
    limits: Limits
    from_version: int
    to_version: int
    real: Account
    imagined: Account
    command_count: int = 0
    refused_now_count: int = 0
    accepted_now_count: int = 0
    knock_on_count: int = 0
    refused_for_another_reason_count: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every difference is listed."""
        return len(self.differences) == self.refused_now_count + self.accepted_now_count


def limits_of(
    *,
    max_position_percent: str | None = None,
    max_daily_value: str | None = None,
    max_trade_value: str | None = None,
    price_band_percent: str | None = None,
) -> Limits:
    """Return the limits that texts name, checked as those of an account are; raises InvalidLimits."""
    try:
        checked = change_risk_limits(
            max_position_percent="1" if max_position_percent is None else max_position_percent,
            max_daily_value="1" if max_daily_value is None else max_daily_value,
            max_trade_value="1" if max_trade_value is None else max_trade_value,
            price_band_percent="1" if price_band_percent is None else price_band_percent,
        )
    except CommandInvalid as error:
        raise InvalidLimits(error.message) from error
    return Limits(
        max_position_bp=None if max_position_percent is None else checked.max_position_bp,
        max_daily_value=None if max_daily_value is None else checked.max_daily_value,
        max_trade_value=None if max_trade_value is None else checked.max_trade_value,
        price_band_bp=None if price_band_percent is None else checked.price_band_bp,
    )


def what_if(
    account_id: str,
    *,
    limits: Limits,
    start: datetime | None = None,
    end: datetime | None = None,
    events_max: int = EVENTS_MAX,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> WhatIf:
    """Decide again what was recorded after `start` and up to `end` (default: everything), under other limits.

    `progress` is told how many events are done, of how many. Raises InvalidLimits when none is given, TooManyEvents,
    UnknownAccount, HistoryDamaged.
    """
    if limits == Limits():
        raise InvalidLimits(
            "give at least one of max_position_percent, max_daily_value, max_trade_value and price_band_percent"
        )
    store = get_store()
    with translated(account_id):
        before, real = _ends(store, account_id, start, end)
        total = max(real.version - before.version, 0)
        if total > events_max:
            raise TooManyEvents(
                f"{total:,} events would have to be decided again, and at most {events_max:,} are here: ask for a "
                f"shorter time (from, to)" + (", or use `manage.py what_if`" if events_max < EVENTS_MAX else "")
            )
        answer = WhatIf(account_id, limits, before.version, real.version, real=real.state, imagined=before.state)
        limits.impose(answer.imagined)
        for recorded in recorded_commands(store, account_id, after_version=before.version):
            if recorded.version > real.version:
                break
            _decide_again(answer, recorded)
            if answer.command_count % PROGRESS_COMMANDS == 0:
                progress(recorded.version - before.version, total)
        progress(total, total)
    return answer


def _ends(
    store: EventStore, account_id: str, start: datetime | None, end: datetime | None
) -> tuple[StateAt[Account], StateAt[Account]]:
    """Return the account before the first command of the range and after its last."""
    if start is not None and end is not None and microseconds(end) < microseconds(start):
        raise InvalidMoment(f"a range ends where it begins or later: found {start.isoformat()} to {end.isoformat()}")
    real = store.state(_EVOLVER, account_id, at=end)
    nothing: StateAt[Account] = StateAt(Account(), 0, 0, None)
    if start is None:
        return nothing, real
    try:
        return store.state(_EVOLVER, account_id, at=start), real
    except UnknownAggregate:
        return nothing, real


def _decide_again(answer: WhatIf, recorded: RecordedCommand) -> None:
    command = command_of(recorded.events)
    answer.command_count += 1
    decided = _decided(answer.imagined, command, recorded.timestamp)
    if not decided:
        return
    for event in decided:
        evolve(answer.imagined, event)
        if type(event) in (AccountOpened, RiskLimitsChanged):
            answer.limits.impose(answer.imagined)
    then, now = recorded.events[0], decided[0]
    is_refused = isinstance(now, CommandRefused)
    if isinstance(then, CommandRefused) and isinstance(now, CommandRefused):
        answer.refused_for_another_reason_count += then.code != now.code
        return
    refusal = now if isinstance(now, CommandRefused) else then
    if not isinstance(refusal, CommandRefused):
        return
    is_knock_on = refusal.code not in answer.limits.codes()
    answer.knock_on_count += is_knock_on
    answer.refused_now_count += is_refused
    answer.accepted_now_count += not is_refused
    if len(answer.differences) < DIFFERENCES_MAX:
        answer.differences.append(
            Difference(
                version=recorded.version,
                recorded_at=instant_of(recorded.timestamp),
                command_id=recorded.command_id,
                command=command,
                is_refused_now=is_refused,
                is_knock_on=is_knock_on,
                refusal=refusal,
            )
        )


def _decided(imagined: Account, command: AccountCommand, timestamp: int) -> tuple[e.AccountEvent, ...]:
    """Return what a command leads to; nothing for what a company did to shares that the account would not have had."""
    try:
        return decide(imagined, command, timestamp)
    except CommandInvalid as error:
        if error.code == Code.POSITION_NOT_HELD:
            return ()
        if error.code != Code.SYMBOL_HAS_ORDERS:
            raise
    assert isinstance(command, ApplySplit | ChangeSymbol), "these alone wait for orders to end"
    ends = [CancelOrder(order_id, "") for order_id, order in imagined.orders.items() if order.symbol == command.symbol]
    for end in ends:
        for event in decide(imagined, end, timestamp):
            evolve(imagined, event)
    return decide(imagined, command, timestamp)


def recorded_commands(store: EventStore, account_id: str, *, after_version: int = 0) -> Iterator[RecordedCommand]:
    """Yield an account's commits past a version, in order; none when it has no events."""
    for columns in store.columns(account_id, after_version=after_version):
        for commit in store.commits(columns):
            if commit.first_version > after_version:
                yield RecordedCommand(commit.first_version, commit.timestamp, commit.command_id, commit.events)
