"""Applies a corporate action to every holder: exactly once, from wherever it was left.

The instrument is halted for it, by the platform itself, and resumed afterwards unless a person halted it before or
meanwhile. Once the halt is known everywhere, the symbol's working orders are cancelled, prices become those of the new
shares, and holders are served until a look that began after the tables had everything finds none that is left.

Exactly once is held by the command's id, which is made of the action, the account and the time at which it was first
asked. That time is written down before the command is sent, so whoever goes on after a crash sends the same id and is
given the first answer. A writer that does not remember so far back refuses the id by its time: then the account's own
events say whether it was done, and only if they do not is another id made.

What an account refuses is its own affair: it is recorded, the others are served, trading goes on, and it is asked again
now and then: it alone, because whoever buys from then on buys the new shares. What passes (a writer that is away, an
order that could not be cancelled in time) is waited for, with the halt, because whoever trades meanwhile would trade
the shares of before.
"""

import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Q, Sum
from redis.exceptions import RedisError

from accounts.domain.commands import AccountCommand, ApplySplit, ChangeSymbol, PayDividend
from accounts.domain.errors import Code
from accounts.domain.events import CommandRefused, DividendPaid, SharesSplit, SymbolChanged
from accounts.writer.bus.ports import Bus
from accounts.writer.envelope import Envelope, NotExecuted, Result
from eventstore.store import EventStore
from identity.actors import platform_actor
from market.corporate_actions.definition import Kind, State, format_terms
from market.feeds.pushed import forget_pushed
from market.instruments.changes import recorded_as, save_instruments, stored_definitions
from market.models import REASON_LENGTH_MAX, CorporateAction, InstrumentChange
from market.quote_board import valkey_client
from market.quotes import QuoteSheet
from readmodels.queries.queries import OrderScope
from tradingplatform.corporate_actions.holders import (
    Holder,
    accounts_with_dead_letters,
    new_share_price,
    unserved_holders,
    wait_for_tables,
)
from tradingplatform.kill_switch.cancelling import PASSING_CODES, cancel_working_orders
from tradingplatform.models import CorporateActionHolder

log = structlog.get_logger(__name__)

CORPORATE_ACTIONS: Final = platform_actor("corporate actions")
"""Whose commands and changes these are: no user can spend their ids."""
HALT_KNOWN_SECONDS: Final = 3.0
"""A halt, and another price, count in every process within about a second."""
CANCEL_SECONDS_MAX: Final = 10.0
HOLDERS_AT_ONCE_MAX: Final = 200
LOOKS_MAX: Final = 3
"""How often what an account refuses is asked of it again at once."""
POLL_SECONDS: Final = 0.2
BEHIND_SECONDS_MAX: Final = 20.0
"""How long a look waits for the tables before it says so, and lets others go first."""
DONE: Final = "DONE"
NOTHING_TO_DO: Final = frozenset({Code.POSITION_NOT_HELD.value, Code.ACCOUNT_NOT_FOUND.value})
_OVER: Final = Q(code=DONE) | Q(code__in=NOTHING_TO_DO)
_WAITED_FOR: Final = PASSING_CODES | {Code.SYMBOL_HAS_ORDERS.value}
"""Answers that another look can change; orders are cancelled again before it."""
_TAKE_DOWN: Final = """
    UPDATE tradingplatform_corporateactionholder AS holder
    SET code = told.code, quantity = told.quantity, amount = told.amount, asked_at_us = told.asked_at_us
    FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS told (account_id, code, quantity, amount, asked_at_us)
    WHERE holder.action_id = %s AND holder.account_id = told.account_id
"""
_APPLIED_EVENTS: Final = (SharesSplit, DividendPaid, SymbolChanged)


class Waiting(Exception):
    """An action that cannot go on now; the message says why. It is tried again."""


class Progress(NamedTuple):
    """How far an action is: accounts that were asked, those that are served, those that refused by why, and the cash
    that they were paid, in ten-thousandths.
    """

    asked: int
    served: int
    failures: dict[str, int]
    cash_paid: int


def progress_of(action: CorporateAction) -> Progress:
    """Return how far an action is now."""
    rows = CorporateActionHolder.objects.filter(action=action)
    codes = Counter(rows.exclude(code=DONE).values_list("code", flat=True))
    served = rows.filter(code=DONE)
    cash_paid = served.aggregate(total=Sum("amount"))["total"] or 0
    failures = {code: count for code, count in sorted(codes.items()) if code and code not in NOTHING_TO_DO}
    count = served.count()
    return Progress(count + codes[""] + sum(failures.values()), count, failures, int(cash_paid))


def obstacle_of(action: CorporateAction) -> str | None:
    """Return what keeps an announced action from ever beginning, as long as nobody does something about it."""
    symbol = action.symbol
    if action.state != State.ANNOUNCED or stored_definitions([symbol])[symbol].is_tradable:
        return None
    renamed = CorporateAction.objects.filter(
        kind=Kind.SYMBOL_CHANGE, symbol=symbol, state__in=(State.APPLIED, State.FAILED)
    ).first()
    if renamed is None:
        return f"{symbol} is not traded any more: withdraw this action, or let {symbol} be traded again"
    return (
        f"{symbol} is not traded any more: it became {renamed.new_symbol} by corporate action {renamed.pk}; withdraw "
        f"this action, and announce it for {renamed.new_symbol}"
    )


class Applier:
    """Applies actions, one after the other; to be used by one process at a time (`alone`)."""

    def __init__(
        self,
        *,
        bus: Bus,
        store: EventStore,
        sheet: Callable[[], QuoteSheet],
        say: Callable[[CorporateAction, str], None] = lambda action, text: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """`sheet` reads the market's latest quotes; `say` is told what goes on."""
        self._bus = bus
        self._store = store
        self._sheet = sheet
        self._say = say
        self._is_stopped = is_stopped

    def apply(self, action: CorporateAction) -> None:
        """Apply an action that is due, or go on with it; raises Waiting when it has to be tried again."""
        if action.state == State.ANNOUNCED:
            self._begin(action)
        if action.state == State.APPLYING:
            self._wait_until(action, _seconds_of(action.began_at) + HALT_KNOWN_SECONDS)
        self._serve_all(action)
        self._end(action)

    def _begin(self, action: CorporateAction) -> None:
        """Halt the instrument, and settle what the terms leave open; from here on the action is not withdrawn."""
        reason = _reason(action)
        with recorded_as(actor=CORPORATE_ACTIONS, reason=reason):
            locked = CorporateAction.objects.select_for_update().get(pk=action.pk)
            if locked.state != State.ANNOUNCED:
                raise Waiting(f"it is {locked.state} meanwhile")
            if (obstacle := obstacle_of(action)) is not None:
                raise Waiting(obstacle)
            definitions = stored_definitions([action.symbol, action.new_symbol or action.symbol])
            instrument = definitions[action.symbol]
            action.state, action.began_at = State.APPLYING, datetime.now(UTC)
            action.was_halted = instrument.is_halted
            if action.kind == Kind.SPLIT:
                action.lot_size = action.lot_size or instrument.lot_size
                action.fraction_price = action.fraction_price or self._fraction_price(action)
            action.save(update_fields=["state", "began_at", "was_halted", "lot_size", "fraction_price"])
            changes: list[dict[str, Any]] = [{"symbol": action.symbol, "is_halted": True}]
            if action.new_symbol is not None and action.new_symbol not in definitions:
                changes.append(
                    {
                        **{name: getattr(instrument, name) for name in instrument.__slots__},
                        "symbol": action.new_symbol,
                        "name": action.new_name or instrument.name,
                        "is_halted": True,
                    }
                )
            save_instruments(changes, actor=CORPORATE_ACTIONS, reason=reason, is_action=True)
        log.info("corporate action begins", action_id=action.pk, what=reason)
        self._say(action, "trading is halted")

    def _fraction_price(self, action: CorporateAction) -> int:
        price = next((quote.price for quote in self._sheet().quotes if quote.symbol == action.symbol), None)
        if price is None:
            raise Waiting(
                f"there is no price of {action.symbol} to pay fractions at: withdraw it and announce it with a "
                "fraction_price, or let the market say a price"
            )
        return new_share_price(price, action.numerator or 1, action.denominator or 1)

    def _serve_all(self, action: CorporateAction) -> None:
        """Serve holders until a look finds nobody new, and only those are left who refuse."""
        for _look in range(LOOKS_MAX):
            self._cancel_orders(action)
            self._reprice(action)
            self._wait_for_tables()
            while self._serve_those_found(action):
                self._wait_for_tables()
            left = progress_of(action)
            if left.asked == left.served:
                return
        passing = {code: count for code, count in left.failures.items() if code in _WAITED_FOR}
        unknown = left.asked - left.served - sum(left.failures.values())
        if passing or unknown:
            count = sum(passing.values()) + unknown
            raise Waiting(f"{count:,} holders were not served yet: {', '.join(passing) or 'no answer'}")

    def _cancel_orders(self, action: CorporateAction) -> None:
        """Cancel every order of the symbol; once it is traded again, those of accounts that are left only."""
        scope = OrderScope(symbol=action.symbol)
        if action.state == State.FAILED:
            scope = OrderScope(tuple(str(each.account_id) for each in self._others(action)), symbol=action.symbol)
        until = time.monotonic() + CANCEL_SECONDS_MAX
        cancelled = cancel_working_orders(
            self._bus, scope=scope, actor=CORPORATE_ACTIONS, reason=_reason(action), until=until
        ).cancelled
        if cancelled:
            self._say(action, f"{cancelled:,} orders are cancelled")

    def _reprice(self, action: CorporateAction) -> None:
        """Let prices be those of the new shares: no order works, and nobody trades."""
        if action.kind == Kind.DIVIDEND or action.repriced_at is not None:
            return
        try:  # A price that was pushed is of the old shares; whoever pushes says the new one.
            forget_pushed(valkey_client(settings.REDIS_URL), [action.symbol])
        except RedisError as error:
            raise Waiting(f"Redis does not answer, which has prices of the old shares: {error}") from error
        with recorded_as(actor=CORPORATE_ACTIONS, reason=_reason(action)):
            action.repriced_at = datetime.now(UTC)
            action.save(update_fields=["repriced_at"])

    def _wait_for_tables(self) -> None:
        """Return once the read models have all that is in the journal now."""
        if not wait_for_tables(self._store, seconds=BEHIND_SECONDS_MAX, is_stopped=self._is_stopped):
            raise Waiting("the read models are behind the journal: see projection_status")

    def _serve_those_found(self, action: CorporateAction) -> int:
        """Ask whoever is to be asked and was not served; return how many were served."""
        served = 0
        asked: set[uuid.UUID] = set()
        found = chain(self._holders(action), (each for each in self._others(action) if each.account_id not in asked))
        while page := list(islice(found, HOLDERS_AT_ONCE_MAX)):
            if self._is_stopped():
                raise Waiting("it is stopped, and goes on when it is started again")
            asked.update(each.account_id for each in page)
            served += self._serve(action, page)
            self._say(action, f"{served:,} of {len(asked):,} holders are served")
        return served

    def _holders(self, action: CorporateAction) -> Iterator[Holder]:
        """Yield holders that the tables show; once the symbol is traded again they may have bought the new shares."""
        if action.state == State.FAILED:
            return
        after = None
        while page := unserved_holders(action, after=after, limit=HOLDERS_AT_ONCE_MAX):
            after = page[-1].account_id
            yield from page

    def _others(self, action: CorporateAction) -> Iterator[Holder]:
        """Yield accounts that have to be asked whatever the tables show: they refused before, or, while nobody trades,
        it is not known what they hold.
        """
        rows = CorporateActionHolder.objects.filter(action=action)
        left = set(rows.exclude(_OVER).values_list("account_id", flat=True))
        if action.state != State.FAILED:
            left |= accounts_with_dead_letters() - set(rows.filter(_OVER).values_list("account_id", flat=True))
        yield from (Holder(each, 0) for each in sorted(left))

    def _serve(self, action: CorporateAction, holders: Sequence[Holder]) -> int:
        """Ask these accounts, writing down before that they are asked; return how many were served."""
        now_us = time.time_ns() // 1_000
        CorporateActionHolder.objects.bulk_create(
            [
                CorporateActionHolder(
                    action=action, account_id=each.account_id, asked_at_us=now_us, quantity=each.quantity
                )
                for each in holders
            ],
            ignore_conflicts=True,
        )
        ids = [each.account_id for each in holders]
        rows = list(CorporateActionHolder.objects.filter(action=action, account_id__in=ids).exclude(code=DONE))
        if not rows:
            return 0
        envelopes = [_envelope(action, row) for row in rows]
        for row, result in zip(rows, self._bus.submit(envelopes), strict=True):
            self._take(action, row, result)
        told = [(row.account_id, row.code, row.quantity, row.amount, row.asked_at_us) for row in rows]
        columns = zip(*told, strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_TAKE_DOWN, [*map(list, columns), action.pk])
        return sum(row.code == DONE for row in rows)

    def _take(self, action: CorporateAction, row: CorporateActionHolder, result: Result) -> None:
        """Note an answer in the row."""
        if isinstance(result, NotExecuted):
            row.code = result.code
            if result.code == Code.COMMAND_ID_EXPIRED:
                self._look_into_events(action, row)
            return
        event = result.events[0]
        if isinstance(event, CommandRefused):
            row.code = event.code
        else:
            _note(row, event)

    def _look_into_events(self, action: CorporateAction, row: CorporateActionHolder) -> None:
        """Note what the account's own events say of an action that was asked for longer ago than writers remember."""
        for event in self._store.events(str(row.account_id)):
            if isinstance(event.data, _APPLIED_EVENTS) and event.data.action_id == str(action.pk):
                _note(row, event.data)
                return
        row.code, row.asked_at_us = "", time.time_ns() // 1_000

    def _end(self, action: CorporateAction) -> None:
        """Write down what became of it, and let the instrument be traded again."""
        done = progress_of(action)
        state = State.FAILED if done.failures else State.APPLIED
        if action.repriced_at is not None:
            self._wait_until(action, _seconds_of(action.repriced_at) + HALT_KNOWN_SECONDS)
        reason = _reason(action)
        with recorded_as(actor=CORPORATE_ACTIONS, reason=reason):
            before = CorporateAction.objects.select_for_update().get(pk=action.pk)
            action.state, action.holders, action.cash_paid = state, done.served, done.cash_paid
            action.ended_at, action.keeps_halted = datetime.now(UTC), before.keeps_halted
            action.save(update_fields=["state", "holders", "cash_paid", "ended_at"])
            if before.state == State.APPLYING:
                save_instruments(_released(action), actor=CORPORATE_ACTIONS, reason=reason, is_action=True)
        log.info("corporate action", action_id=action.pk, what=reason, state=str(state), **done._asdict())
        self._say(action, f"{state}: {done.served:,} holders, {sum(done.failures.values()):,} refused")

    def _wait_until(self, action: CorporateAction, instant: float) -> None:
        while (left := instant - time.time()) > 0:
            if self._is_stopped():
                raise Waiting("it is stopped, and goes on when it is started again")
            time.sleep(min(left, POLL_SECONDS))


def command_of(action: CorporateAction) -> AccountCommand:
    """Return what an action asks of each account."""
    action_id, symbol = str(action.pk), action.symbol
    if action.kind == Kind.SPLIT:
        terms = (action.numerator, action.denominator, action.lot_size, action.fraction_price)
        return ApplySplit(action_id, symbol, *(term or 0 for term in terms))  # All are there since it began.
    if action.kind == Kind.DIVIDEND:
        assert action.amount_per_share is not None
        return PayDividend(action_id, symbol, action.amount_per_share)
    assert action.new_symbol is not None
    return ChangeSymbol(action_id, symbol, action.new_symbol)


def command_id_of(action_id: int, account_id: uuid.UUID, *, asked_at_us: int) -> str:
    """Return the id of an action's command for an account: a UUIDv7 of the time at which it was first asked, whose
    other bits are made of both.
    """
    digest = hashlib.sha256(f"corporate action {action_id} of {account_id}".encode()).digest()
    bits = int.from_bytes(digest[:10], "big") & ~(0xF << 76) & ~(0b11 << 62)
    return str(uuid.UUID(int=(asked_at_us // 1_000) << 80 | 0x7 << 76 | bits | 0b10 << 62))


def _envelope(action: CorporateAction, row: CorporateActionHolder) -> Envelope:
    command_id = command_id_of(action.pk, row.account_id, asked_at_us=row.asked_at_us)
    return Envelope(str(row.account_id), command_id, CORPORATE_ACTIONS, command_of(action))


def _note(row: CorporateActionHolder, event: Any) -> None:
    row.code, row.quantity, row.amount = DONE, event.quantity, getattr(event, "amount", 0)


def _released(action: CorporateAction) -> list[dict[str, Any]]:
    """Return what the instruments become when an action is over."""
    stays_halted = action.was_halted or action.keeps_halted
    if action.new_symbol is None:
        return [{"symbol": action.symbol, "is_halted": stays_halted}]
    released: list[dict[str, Any]] = [{"symbol": action.symbol, "is_halted": False, "is_tradable": False}]
    added = InstrumentChange.objects.filter(
        symbol=action.new_symbol, before__isnull=True, actor=CORPORATE_ACTIONS, reason=_reason(action)
    )
    if added.exists():  # One that there was already goes on as it is.
        released.append({"symbol": action.new_symbol, "is_halted": stays_halted})
    return released


def _reason(action: CorporateAction) -> str:
    return f"corporate action {action.pk}: {action.kind} of {action.symbol}, {format_terms(action)}"[:REASON_LENGTH_MAX]


def _seconds_of(instant: datetime | None) -> float:
    return 0.0 if instant is None else instant.timestamp()
