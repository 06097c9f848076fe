"""Commands by their events: each commit is the result of one command, and its events say which.

Deciding a reconstructed command again, on the state and at the time of then, gives exactly the recorded events (tests
hold it to that). So whether a command that is sent again asks for the same needs nothing but what was recorded.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, get_args

from msgspec.structs import replace

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.order_terms import market_price_of

_COMMANDS: Final[dict[str, type[c.AccountCommand]]] = {kind.__name__: kind for kind in get_args(c.AccountCommand)}


def asks_the_same(command: c.AccountCommand, events: Sequence[e.AccountEvent]) -> bool:
    """Tell whether a command asks for what the one did that led to the events of a commit.

    What the platform adds to a command differs each time that it is sent, and counts for nothing: the id of a new order
    and the market's prices.
    """
    return _as_asked(command) == _as_asked(command_of(tuple(events)))


def _as_asked(command: c.AccountCommand) -> c.AccountCommand:
    if isinstance(command, c.Decline):
        return _as_asked(command.command)
    if isinstance(command, c.PlaceOrder):
        return replace(command, order_id="", reference_price=0)
    if isinstance(command, c.ExecuteTrade):
        return replace(command, market_price=0)
    if isinstance(command, c.ReplaceOrder):
        return replace(command, new_order_id="")
    if isinstance(command, c.MarkPositions):
        return replace(command, marked_at=0, prices={})
    return command


def command_of(events: tuple[e.AccountEvent, ...]) -> c.AccountCommand:
    """Return the command that led to the events of one commit."""
    return _COMMAND_OF[type(events[0])](events)


def _opened(events: tuple[Any, ...]) -> c.OpenAccount:
    (event,) = events
    return c.OpenAccount(owner=event.owner, name=event.name, currency=event.currency)


def _traded(events: tuple[Any, ...]) -> c.ExecuteTrade:
    event = events[0]
    return c.ExecuteTrade(event.symbol, event.side, event.quantity, event.price, event.order_id)


def _refused(events: tuple[Any, ...]) -> c.AccountCommand:
    (event,) = events
    return _COMMANDS[event.command](**event.arguments)


def _placed(events: tuple[Any, ...]) -> c.PlaceOrder:
    (event,) = events
    return c.PlaceOrder(
        order_id=event.order_id,
        client_order_id=event.client_order_id,
        symbol=event.symbol,
        side=event.side,
        quantity=event.quantity,
        order_type=event.order_type,
        time_in_force=event.time_in_force,
        limit_price=event.limit_price,
        stop_price=event.stop_price,
        reference_price=market_price_of(event.side == "BUY", event.reserve_price)
        if event.order_type == "MARKET"
        else 0,
    )


def _replaced(events: tuple[Any, ...]) -> c.ReplaceOrder:
    replaced, placed = events
    terms = replaced.terms.split(",")
    return c.ReplaceOrder(
        order_id=placed.replaces,
        new_order_id=placed.order_id,
        client_order_id=placed.client_order_id,
        **{term: getattr(placed, term) if term in terms else None for term in e.REPLACEABLE_TERMS},
    )


def _with(kind: type[c.AccountCommand], *names: str) -> Callable[[tuple[Any, ...]], c.AccountCommand]:
    """Return how to make a command whose arguments are all in its only event, under these names."""

    def made(events: tuple[Any, ...]) -> c.AccountCommand:
        (event,) = events
        return kind(*(getattr(event, name) for name in names))

    return made


_COMMAND_OF: Final[dict[type, Callable[[tuple[Any, ...]], c.AccountCommand]]] = {
    e.AccountOpened: _opened,
    e.CashDeposited: _with(c.DepositCash, "amount", "reference"),
    e.CashWithdrawn: _with(c.WithdrawCash, "amount", "reference"),
    e.TradeExecuted: _traded,
    e.CommandRefused: _refused,
    e.AccountFrozen: _with(c.FreezeAccount, "reason"),
    e.AccountUnfrozen: _with(c.UnfreezeAccount, "reason"),
    e.RiskLimitsChanged: _with(c.ChangeRiskLimits, *c.ChangeRiskLimits.__struct_fields__),
    e.FeeScheduleChanged: _with(c.ChangeFeeSchedule, *c.ChangeFeeSchedule.__struct_fields__),
    e.SharesSplit: _with(c.ApplySplit, *c.ApplySplit.__struct_fields__),
    e.DividendPaid: _with(c.PayDividend, *c.PayDividend.__struct_fields__),
    e.SymbolChanged: _with(c.ChangeSymbol, *c.ChangeSymbol.__struct_fields__),
    e.PositionsMarked: _with(c.MarkPositions, *c.MarkPositions.__struct_fields__),
    e.AccountClosed: _with(c.CloseAccount, "reason"),
    e.OrderPlaced: _placed,
    e.OrderReplaced: _replaced,
    e.OrderCancelled: _with(c.CancelOrder, "order_id", "reason"),
    e.OrderExpired: _with(c.ExpireOrder, "order_id", "reason"),
    e.OrderRejected: _with(c.RejectOrder, "order_id", "reason"),
}
