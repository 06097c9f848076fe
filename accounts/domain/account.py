"""The trading account: how its state follows from its events, and how its events follow from commands.

`decide(account, command, now)` is pure: it reads the state, the command and the time it is given, and returns events. A
refusal by a rule is an event as well (CommandRefused). `evolve(account, event)` applies what happened; it never raises
and never judges. Between them they are the whole behaviour of an account; nothing else in the platform changes one.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec.structs import asdict

from accounts.domain import commands as c
from accounts.domain import corporate_actions, order_groups, orders, risk, stops, trades
from accounts.domain import events as e
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.fees import FeeSchedule
from accounts.domain.order_groups import with_what_follows
from accounts.domain.reserves import freed_by_fill
from accounts.domain.state import MICROSECONDS_PER_DAY, Account
from accounts.domain.values import DEFAULT_PRICE_BAND_BP, VALUE_MAX

Events: TypeAlias = tuple[e.AccountEvent, ...]


# What an account is: its state, event by event.


def evolve(account: Account, event: e.AccountEvent) -> Account:
    """Apply an event to the account in place, and return it."""
    _EVOLVE[type(event)](account, event)
    return account


def _opened(account: Account, event: e.AccountOpened) -> None:
    account.status = "ACTIVE"
    account.currency = event.currency
    _limits_changed(account, event)


def _deposited(account: Account, event: e.CashDeposited) -> None:
    account.cash = event.cash_after
    account.deposited = event.deposited_total


def _withdrawn(account: Account, event: e.CashWithdrawn) -> None:
    account.cash = event.cash_after
    account.withdrawn = event.withdrawn_total


def _frozen(account: Account, _: e.AccountFrozen) -> None:
    account.status = "FROZEN"


def _unfrozen(account: Account, _: e.AccountUnfrozen) -> None:
    account.status = "ACTIVE"


def _limits_changed(account: Account, event: e.RiskLimitsChanged | e.AccountOpened) -> None:
    account.max_position_bp = event.max_position_bp
    account.max_daily_value = event.max_daily_value
    account.max_trade_value = event.max_trade_value
    account.price_band_bp = event.price_band_bp


def _fees_changed(account: Account, event: e.FeeScheduleChanged) -> None:
    account.fee_schedule = FeeSchedule(event.fee_per_order, event.fee_per_share, event.fee_bp, event.fee_minimum)


def _closed(account: Account, _: e.AccountClosed) -> None:
    account.status = "CLOSED"


def _refused(_: Account, __: e.CommandRefused) -> None:
    """A refusal changes nothing but the version."""


_EVOLVE: Final[dict[type, Callable[[Account, Any], None]]] = {
    e.AccountOpened: _opened,
    e.CashDeposited: _deposited,
    e.CashWithdrawn: _withdrawn,
    e.TradeExecuted: trades.traded,
    e.CommandRefused: _refused,
    e.AccountFrozen: _frozen,
    e.AccountUnfrozen: _unfrozen,
    e.RiskLimitsChanged: _limits_changed,
    e.FeeScheduleChanged: _fees_changed,
    e.SharesSplit: corporate_actions.split,
    e.DividendPaid: corporate_actions.dividend_paid,
    e.SymbolChanged: corporate_actions.symbol_changed,
    e.PositionsMarked: corporate_actions.marked,
    e.AccountClosed: _closed,
    **orders.EVOLVE,
}


# What an account does: its decisions, command by command.


def decide(account: Account, command: c.AccountCommand, now: int) -> Events:
    """Return the events that a command leads to at `now` (UTC microseconds).

    Raises CommandInvalid, and nothing is recorded, with ACCOUNT_NOT_FOUND when the account does not exist, with
    MARKET_UNAVAILABLE for a market order that there is no price to reckon by, and for whatever is to be declined.
    """
    if account.status != "ACTIVE":
        blocked = _blocked(account, command)
        if blocked is not None:
            return blocked
    return _DECIDE[type(command)](account, command, now)


def _blocked(account: Account, command: c.AccountCommand) -> Events | None:
    """Return the refusal of a command that an account in this status does not take, None for one that it does."""
    if account.status == "NONE" and type(command) is not c.OpenAccount:
        raise CommandInvalid(Code.ACCOUNT_NOT_FOUND, "there is no such account: open it first")
    if type(command) in _OF_ANY_STATUS:
        return None
    if account.status == "CLOSED":
        return refusal(command, Code.ACCOUNT_CLOSED)
    if account.status == "FROZEN" and type(command) not in _ALLOWED_WHEN_FROZEN:
        return refusal(command, Code.ACCOUNT_NOT_ACTIVE)
    return None


def _open(account: Account, command: c.OpenAccount, _: int) -> Events:
    if account.status != "NONE":
        return refusal(command, Code.ACCOUNT_ALREADY_OPEN)
    opened = e.AccountOpened(
        owner=command.owner,
        name=command.name,
        currency=command.currency,
        max_position_bp=risk.DEFAULT_MAX_POSITION_BP,
        max_daily_value=risk.DEFAULT_MAX_DAILY_VALUE,
        max_trade_value=risk.DEFAULT_MAX_TRADE_VALUE,
        price_band_bp=DEFAULT_PRICE_BAND_BP,
    )
    return (opened,)


def _deposit(account: Account, command: c.DepositCash, _: int) -> Events:
    highest = max(account.portfolio_value, account.deposited) + command.amount
    if highest > VALUE_MAX:
        return refusal(command, Code.VALUE_LIMIT_EXCEEDED, limit=VALUE_MAX, actual=highest)
    deposited = e.CashDeposited(
        amount=command.amount,
        reference=command.reference,
        cash_after=account.cash + command.amount,
        portfolio_value=account.portfolio_value + command.amount,
        deposited_total=account.deposited + command.amount,
    )
    return (deposited,)


def _withdraw(account: Account, command: c.WithdrawCash, _: int) -> Events:
    available = account.cash - account.reserved_cash
    if command.amount > available:
        return refusal(command, Code.INSUFFICIENT_FUNDS, limit=available, actual=command.amount)
    withdrawn = e.CashWithdrawn(
        amount=command.amount,
        reference=command.reference,
        cash_after=account.cash - command.amount,
        portfolio_value=account.portfolio_value - command.amount,
        withdrawn_total=account.withdrawn + command.amount,
    )
    return (withdrawn,)


def _decline(_: Account, command: c.Decline, __: int) -> Events:
    raise CommandInvalid(Code(command.code), command.message)


def _trade(account: Account, command: c.ExecuteTrade, now: int) -> Events:
    day = now // MICROSECONDS_PER_DAY
    order_id = command.order_id
    if order_id is None:
        breach = risk.trade_breach(account, command, day, None)
        return _refused_by(command, breach) if breach is not None else (trades.executed(account, command, day, None),)
    order = account.orders.get(order_id)
    breach = orders.fill_breach(order, command)
    if breach is None and order is not None:
        freed = freed_by_fill(account, order_id, order, command.quantity)
        breach = risk.trade_breach(account, command, day, order, freed)
    if breach is not None:
        return _refused_by(command, breach)
    assert order is not None, "a trade of no working order breaks a rule"
    events = trades.executed(account, command, day, order), *orders.fill(account, order_id, order, command)
    return with_what_follows(account, order_id, order, events, day)


def _place(account: Account, command: c.PlaceOrder, now: int) -> Events:
    _check_market(command, command.order_type in ("MARKET", "TRAILING_STOP"))
    breach = orders.place_breach(account, command, now)
    return orders.place(account, command, now) if breach is None else _refused_by(command, breach)


def _place_bracket(account: Account, command: c.PlaceBracket, now: int) -> Events:
    _check_market(command, command.order_type in ("MARKET", "TRAILING_STOP"))
    return _events_or_refusal(command, order_groups.place_bracket(account, command, now))


def _place_oco(account: Account, command: c.PlaceOco, now: int) -> Events:
    _check_market(command, command.stop_loss_stop_price is None)
    return _events_or_refusal(command, order_groups.place_oco(account, command, now))


def _check_market(command: c.PlaceOrder | c.PlaceBracket | c.PlaceOco, is_reckoned_by_it: bool) -> None:
    if is_reckoned_by_it and command.reference_price == 0:
        raise CommandInvalid(
            Code.MARKET_UNAVAILABLE,
            f"the market gives no price for {command.symbol} now, and market orders and trailing stops are reckoned by "
            "it: place a LIMIT order, or try again when GET /api/market shows prices",
        )


def _replace(account: Account, command: c.ReplaceOrder, now: int) -> Events:
    return _events_or_refusal(command, orders.replace(account, command, now))


def _trigger(account: Account, command: c.TriggerOrder, _: int) -> Events:
    return _events_or_refusal(command, stops.trigger(account, command))


def _trail(account: Account, command: c.TrailOrder, _: int) -> Events:
    return _events_or_refusal(command, stops.trail(account, command))


def _end(account: Account, command: c.CancelOrder | c.ExpireOrder | c.RejectOrder, now: int) -> Events:
    order, decided = account.orders.get(command.order_id), orders.end(account, command)
    if order is None or isinstance(decided, risk.Breach):
        return _events_or_refusal(command, decided)
    return with_what_follows(account, command.order_id, order, decided, now // MICROSECONDS_PER_DAY)


def _freeze(_: Account, command: c.FreezeAccount, __: int) -> Events:
    return (e.AccountFrozen(reason=command.reason),)


def _unfreeze(account: Account, command: c.UnfreezeAccount, _: int) -> Events:
    if account.status != "FROZEN":
        return refusal(command, Code.ACCOUNT_NOT_FROZEN)
    return (e.AccountUnfrozen(reason=command.reason),)


def _change_limits(_: Account, command: c.ChangeRiskLimits, __: int) -> Events:
    changed = e.RiskLimitsChanged(
        max_position_bp=command.max_position_bp,
        max_daily_value=command.max_daily_value,
        max_trade_value=command.max_trade_value,
        price_band_bp=command.price_band_bp,
    )
    return (changed,)


def _change_fees(_: Account, command: c.ChangeFeeSchedule, __: int) -> Events:
    changed = e.FeeScheduleChanged(
        fee_per_order=command.fee_per_order,
        fee_per_share=command.fee_per_share,
        fee_bp=command.fee_bp,
        fee_minimum=command.fee_minimum,
    )
    return (changed,)


def _split(account: Account, command: c.ApplySplit, now: int) -> Events:
    return corporate_actions.apply_split(account, command, now // MICROSECONDS_PER_DAY)


def _pay_dividend(account: Account, command: c.PayDividend, now: int) -> Events:
    return corporate_actions.pay_dividend(account, command, now // MICROSECONDS_PER_DAY)


def _change_symbol(account: Account, command: c.ChangeSymbol, _: int) -> Events:
    return corporate_actions.change_symbol(account, command)


def _mark_positions(account: Account, command: c.MarkPositions, _: int) -> Events:
    return corporate_actions.mark_positions(account, command)


def _close(account: Account, command: c.CloseAccount, _: int) -> Events:
    held = sum(position.quantity > 0 for position in account.positions.values())
    if account.orders:
        return refusal(command, Code.ACCOUNT_HAS_ORDERS, limit=0, actual=len(account.orders))
    if held:
        return refusal(command, Code.ACCOUNT_HAS_POSITIONS, limit=0, actual=held)
    if account.cash:
        return refusal(command, Code.ACCOUNT_HAS_CASH, limit=0, actual=account.cash)
    return (e.AccountClosed(reason=command.reason),)


_DECIDE: Final[dict[type, Callable[[Account, Any, int], Events]]] = {
    c.OpenAccount: _open,
    c.DepositCash: _deposit,
    c.WithdrawCash: _withdraw,
    c.ExecuteTrade: _trade,
    c.PlaceOrder: _place,
    c.PlaceBracket: _place_bracket,
    c.PlaceOco: _place_oco,
    c.ReplaceOrder: _replace,
    c.CancelOrder: _end,
    c.ExpireOrder: _end,
    c.RejectOrder: _end,
    c.TriggerOrder: _trigger,
    c.TrailOrder: _trail,
    c.FreezeAccount: _freeze,
    c.UnfreezeAccount: _unfreeze,
    c.ChangeRiskLimits: _change_limits,
    c.ChangeFeeSchedule: _change_fees,
    c.ApplySplit: _split,
    c.PayDividend: _pay_dividend,
    c.ChangeSymbol: _change_symbol,
    c.MarkPositions: _mark_positions,
    c.CloseAccount: _close,
    c.Decline: _decline,
}
_ALLOWED_WHEN_FROZEN: Final = frozenset(
    {
        *(c.OpenAccount, c.UnfreezeAccount, c.ChangeRiskLimits, c.ChangeFeeSchedule),
        *(c.CancelOrder, c.ExpireOrder, c.RejectOrder),
    }
)
"""A frozen account takes on nothing new; what it has promised may still end."""
_OF_ANY_STATUS: Final = frozenset({c.Decline, c.ApplySplit, c.PayDividend, c.ChangeSymbol, c.MarkPositions})
"""What a company does to its shares is done to all of them. A closed account has none."""


def _events_or_refusal(command: c.AccountCommand, decided: risk.Breach | Events) -> Events:
    return _refused_by(command, decided) if isinstance(decided, risk.Breach) else decided


def _refused_by(command: c.AccountCommand, breach: risk.Breach) -> Events:
    return refusal(command, breach.code, breach.limit, breach.actual)


def refusal(
    command: c.AccountCommand, code: Code, limit: int | None = None, actual: int | None = None
) -> tuple[e.CommandRefused]:
    """Return the event that records a refusal: which command, with which arguments, and the figures behind it."""
    arguments = asdict(command)
    for name in _optional_arguments(type(command)):
        if arguments[name] is None:
            del arguments[name]
    return (e.CommandRefused(type(command).__name__, code._value_, e.figure(limit), e.figure(actual), arguments),)


@lru_cache
def _optional_arguments(kind: type[c.AccountCommand]) -> tuple[str, ...]:
    """Return the arguments that a command may do without: they are recorded where they are given."""
    defaults = kind.__struct_defaults__
    names = kind.__struct_fields__[len(kind.__struct_fields__) - len(defaults) :]
    return tuple(name for name, default in zip(names, defaults, strict=True) if default is None)
