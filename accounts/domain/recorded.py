"""Commands by their events: each commit is the result of one command, and its events say which.

Deciding a reconstructed command again, on the state and at the time of then, gives exactly the recorded events (tests
hold it to that). So whether a command that is sent again asks for the same needs nothing but what was recorded.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, get_args

from msgspec.structs import replace

from accounts.domain import commands as c
from accounts.domain import events as e
from accounts.domain.order_terms import market_price_of, market_price_of_trail

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
    if isinstance(command, c.PlaceBracket | c.PlaceOco):
        return replace(command, reference_price=0, **_without_ids(command))
    if isinstance(command, c.ExecuteTrade):
        return replace(command, market_price=0)
    if isinstance(command, c.ReplaceOrder):
        return replace(command, new_order_id="")
    if isinstance(command, c.MarkPositions):
        return replace(command, marked_at=0, prices={})
    return command


def _without_ids(command: c.PlaceBracket | c.PlaceOco) -> dict[str, str | None]:
    """Return an order's id as empty, and which exits there are."""
    ids = {name: getattr(command, name) for name in ("take_profit_order_id", "stop_loss_order_id")}
    if isinstance(command, c.PlaceBracket):
        ids["order_id"] = command.order_id
    return {name: None if order_id is None else "" for name, order_id in ids.items()}


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


def _placed(events: tuple[Any, ...]) -> c.PlaceOrder | c.PlaceBracket | c.PlaceOco:
    first, *others = events
    if not others:
        return c.PlaceOrder(**_entry(first))
    exits = {event.order_type == "LIMIT": event for event in (events if first.order_class == "OCO" else others)}
    take_profit, stop_loss = exits.get(True), exits.get(False)
    given: dict[str, Any] = {
        "take_profit_order_id": take_profit and take_profit.order_id,
        "take_profit_limit_price": take_profit and take_profit.limit_price,
        "stop_loss_order_id": stop_loss and stop_loss.order_id,
        "stop_loss_stop_price": stop_loss and _given_stop(stop_loss),
        "stop_loss_limit_price": stop_loss and stop_loss.limit_price,
        "stop_loss_trail_amount": stop_loss and stop_loss.trail_amount,
        "stop_loss_trail_bp": stop_loss and stop_loss.trail_bp,
    }
    if first.order_class != "OCO":
        return c.PlaceBracket(**_entry(first), **given)
    return c.PlaceOco(
        client_order_id=first.client_order_id,
        symbol=first.symbol,
        side=first.side,
        quantity=first.quantity,
        time_in_force=first.time_in_force,
        expires_at=first.expires_at,
        reference_price=0 if stop_loss is None else _reference_price(stop_loss),
        **given,
    )


def _entry(event: e.OrderPlaced) -> dict[str, Any]:
    """Return the arguments of a placement."""
    names = c.PlaceOrder.__struct_fields__
    known = {name: getattr(event, name) for name in names if name not in ("stop_price", "reference_price")}
    return {**known, "stop_price": _given_stop(event), "reference_price": _reference_price(event)}


def _given_stop(event: e.OrderPlaced) -> int | None:
    return None if event.order_type == "TRAILING_STOP" else event.stop_price


def _reference_price(event: e.OrderPlaced) -> int:
    if event.order_type == "MARKET":
        return market_price_of(event.side == "BUY", event.reserve_price)
    if event.order_type == "TRAILING_STOP" and event.stop_price is not None:
        return market_price_of_trail(event.side, event.stop_price, event.trail_amount, event.trail_bp)
    return 0


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
    """Return how to make a command whose arguments are all in its first event, under these names."""

    def made(events: tuple[Any, ...]) -> c.AccountCommand:
        return kind(*(getattr(events[0], name) for name in names))

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
    e.OrderTriggered: _with(c.TriggerOrder, "order_id", "trigger_price"),
    e.OrderTrailed: _with(c.TrailOrder, "order_id", "market_price"),
}
