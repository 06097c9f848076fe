"""The trading account: how its state follows from its events, and how its events follow from commands.

`decide(account, command, now)` is pure: it reads the state, the command and the time it is given, and returns events. A
refusal by a rule is an event as well (CommandRefused). `evolve(account, event)` applies what happened; it never raises
and never judges. Between them they are the whole behaviour of an account; nothing else in the platform changes one.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain import risk
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.state import NO_POSITION, Account, Position
from accounts.domain.values import VALUE_MAX, cost_removed

MICROSECONDS_PER_DAY: Final = 86_400 * 1_000_000


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


def _traded(account: Account, event: e.TradeExecuted) -> None:
    account.positions[event.symbol] = Position(
        event.position_quantity, event.position_cost, event.price, event.position_realized_pnl
    )
    account.cash = event.cash_after
    account.positions_cost = event.positions_cost
    account.positions_value = event.portfolio_value - event.cash_after
    account.realized_pnl = event.total_realized_pnl
    account.trade_count = event.trade_count
    account.day = event.day
    account.day_volume = event.day_volume
    account.day_trades = event.day_trades
    account.day_realized_pnl = event.day_realized_pnl


TRADE_COLUMNS: Final = (
    "symbol",
    "position_quantity",
    "position_cost",
    "price",
    "position_realized_pnl",
    "cash_after",
    "positions_cost",
    "portfolio_value",
    "total_realized_pnl",
    "trade_count",
    "day",
    "day_volume",
    "day_trades",
    "day_realized_pnl",
)


def evolve_trades(accounts: Sequence[Account], columns: Sequence[Sequence[Any]]) -> None:
    """Apply many trades at once, the fields TRADE_COLUMNS of them side by side: trade i happened to account i.

    The same as `_traded` one by one. Events are fat, so of the account's own figures only its last trade counts.
    """
    symbols, *of_position = columns[:5]
    for account, symbol, position in zip(accounts, symbols, map(Position, *of_position), strict=True):
        account.positions[symbol] = position
    last_trades = dict(zip(map(id, accounts), range(len(accounts)), strict=True))
    _, _, _, _, _, cash, positions_cost, portfolio_value, realized_pnl, trade_count, *day = columns
    for trade in last_trades.values():
        account = accounts[trade]
        account.cash = cash[trade]
        account.positions_cost = positions_cost[trade]
        account.positions_value = portfolio_value[trade] - cash[trade]
        account.realized_pnl = realized_pnl[trade]
        account.trade_count = trade_count[trade]
        account.day, account.day_volume, account.day_trades, account.day_realized_pnl = [of[trade] for of in day]


def _frozen(account: Account, _: e.AccountFrozen) -> None:
    account.status = "FROZEN"


def _unfrozen(account: Account, _: e.AccountUnfrozen) -> None:
    account.status = "ACTIVE"


def _limits_changed(account: Account, event: e.RiskLimitsChanged | e.AccountOpened) -> None:
    account.max_position_bp = event.max_position_bp
    account.max_daily_value = event.max_daily_value
    account.max_trade_value = event.max_trade_value


def _refused(_: Account, __: e.CommandRefused) -> None:
    """A refusal changes nothing but the version."""


_EVOLVE: Final[dict[type, Callable[[Account, Any], None]]] = {
    e.AccountOpened: _opened,
    e.CashDeposited: _deposited,
    e.CashWithdrawn: _withdrawn,
    e.TradeExecuted: _traded,
    e.CommandRefused: _refused,
    e.AccountFrozen: _frozen,
    e.AccountUnfrozen: _unfrozen,
    e.RiskLimitsChanged: _limits_changed,
}


# What an account does: its decisions, command by command.


def decide(account: Account, command: c.AccountCommand, now: int) -> tuple[e.AccountEvent, ...]:
    """Return the events that a command leads to at `now` (UTC microseconds).

    Raises CommandInvalid with ACCOUNT_NOT_FOUND when the account does not exist: nothing is recorded then.
    """
    if account.status == "NONE" and type(command) is not c.OpenAccount:
        raise CommandInvalid(Code.ACCOUNT_NOT_FOUND, "there is no such account: open it first")
    if account.status == "FROZEN" and type(command) not in _ALLOWED_WHEN_FROZEN:
        return (refusal(command, Code.ACCOUNT_NOT_ACTIVE),)
    return (_DECIDE[type(command)](account, command, now),)


def _open(account: Account, command: c.OpenAccount, _: int) -> e.AccountEvent:
    if account.status != "NONE":
        return refusal(command, Code.ACCOUNT_ALREADY_OPEN)
    return e.AccountOpened(
        owner=command.owner,
        name=command.name,
        currency=command.currency,
        max_position_bp=risk.DEFAULT_MAX_POSITION_BP,
        max_daily_value=risk.DEFAULT_MAX_DAILY_VALUE,
        max_trade_value=risk.DEFAULT_MAX_TRADE_VALUE,
    )


def _deposit(account: Account, command: c.DepositCash, _: int) -> e.AccountEvent:
    highest = max(account.portfolio_value, account.deposited) + command.amount
    if highest > VALUE_MAX:
        return refusal(command, Code.VALUE_LIMIT_EXCEEDED, limit=VALUE_MAX, actual=highest)
    return e.CashDeposited(
        amount=command.amount,
        reference=command.reference,
        cash_after=account.cash + command.amount,
        portfolio_value=account.portfolio_value + command.amount,
        deposited_total=account.deposited + command.amount,
    )


def _withdraw(account: Account, command: c.WithdrawCash, _: int) -> e.AccountEvent:
    if command.amount > account.cash:
        return refusal(command, Code.INSUFFICIENT_FUNDS, limit=account.cash, actual=command.amount)
    return e.CashWithdrawn(
        amount=command.amount,
        reference=command.reference,
        cash_after=account.cash - command.amount,
        portfolio_value=account.portfolio_value - command.amount,
        withdrawn_total=account.withdrawn + command.amount,
    )


def _trade(account: Account, command: c.ExecuteTrade, now: int) -> e.AccountEvent:
    day = now // MICROSECONDS_PER_DAY
    breach = risk.trade_breach(account, command, day)
    if breach is not None:
        return refusal(command, breach.code, limit=breach.limit, actual=breach.actual)
    return _executed(account, command, day)


def _executed(account: Account, trade: c.ExecuteTrade, day: int) -> e.TradeExecuted:
    """Return the event of a trade that passed every rule: average cost, realized P&L and the day's figures."""
    quantity, price = trade.quantity, trade.price
    held, cost, mark, position_realized = account.positions.get(trade.symbol, NO_POSITION)
    value = quantity * price
    if trade.side == "BUY":
        quantity_after = held + quantity
        cost_change, cash_change, realized = value, -value, 0
    else:
        quantity_after = held - quantity
        removed = cost_removed(cost=cost, quantity=held, sold=quantity)
        cost_change, cash_change, realized = -removed, value, value - removed
    is_same_day = account.day == day
    cash_after = account.cash + cash_change
    return e.TradeExecuted(
        symbol=trade.symbol,
        side=trade.side,
        quantity=quantity,
        price=price,
        order_id=trade.order_id,
        cash_after=cash_after,
        position_quantity=quantity_after,
        position_cost=cost + cost_change,
        position_realized_pnl=position_realized + realized,
        realized_pnl=realized,
        total_realized_pnl=account.realized_pnl + realized,
        positions_cost=account.positions_cost + cost_change,
        portfolio_value=cash_after + account.positions_value - held * mark + quantity_after * price,
        trade_count=account.trade_count + 1,
        day=day,
        day_volume=(account.day_volume if is_same_day else 0) + value,
        day_trades=(account.day_trades if is_same_day else 0) + 1,
        day_realized_pnl=(account.day_realized_pnl if is_same_day else 0) + realized,
    )


def _freeze(_: Account, command: c.FreezeAccount, __: int) -> e.AccountEvent:
    return e.AccountFrozen(reason=command.reason)


def _unfreeze(account: Account, command: c.UnfreezeAccount, _: int) -> e.AccountEvent:
    if account.status != "FROZEN":
        return refusal(command, Code.ACCOUNT_NOT_FROZEN)
    return e.AccountUnfrozen(reason=command.reason)


def _change_limits(_: Account, command: c.ChangeRiskLimits, __: int) -> e.AccountEvent:
    return e.RiskLimitsChanged(
        max_position_bp=command.max_position_bp,
        max_daily_value=command.max_daily_value,
        max_trade_value=command.max_trade_value,
    )


_DECIDE: Final[dict[type, Callable[[Account, Any, int], e.AccountEvent]]] = {
    c.OpenAccount: _open,
    c.DepositCash: _deposit,
    c.WithdrawCash: _withdraw,
    c.ExecuteTrade: _trade,
    c.FreezeAccount: _freeze,
    c.UnfreezeAccount: _unfreeze,
    c.ChangeRiskLimits: _change_limits,
}
_ALLOWED_WHEN_FROZEN: Final = frozenset({c.OpenAccount, c.UnfreezeAccount, c.ChangeRiskLimits})


def refusal(
    command: c.AccountCommand, code: Code, *, limit: int | None = None, actual: int | None = None
) -> e.CommandRefused:
    """Return the event that records a refusal: which command, with which arguments, and the figures behind it."""
    arguments = {name: getattr(command, name) for name in command.__struct_fields__}
    return e.CommandRefused(
        command=type(command).__name__, code=code.value, limit=limit, actual=actual, arguments=arguments
    )
