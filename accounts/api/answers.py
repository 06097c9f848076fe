"""What a command is answered with: the shape of its (first) event, or of its refusal. Its GraphQL type is made of that.

Money and prices are decimal strings with four decimals.
"""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar, Final, NamedTuple

import graphene

from accounts.domain import events as e
from accounts.shapes import (
    Count,
    Each,
    Flag,
    Id,
    Inline,
    Instant,
    Money,
    ObjectShape,
    One,
    Percent,
    Shape,
    Shares,
    Source,
    Text,
)
from accounts.writer.envelope import Executed
from eventstore.record import instant_of

REFUSAL_MESSAGES: Final = {
    "ACCOUNT_ALREADY_OPEN": "the account is open already",
    "ACCOUNT_CLOSED": "the account is closed, for ever: open another one",
    "ACCOUNT_HAS_CASH": "an account is closed when it is empty, and this one has cash: withdraw it first",
    "ACCOUNT_HAS_ORDERS": "an account is closed when it is empty, and this one has working orders: cancel them first",
    "ACCOUNT_HAS_POSITIONS": "an account is closed when it is empty, and this one holds shares: sell them first",
    "ACCOUNT_NOT_ACTIVE": "the account is frozen: ask compliance to unfreeze it",
    "ACCOUNT_NOT_FROZEN": "the account is not frozen",
    "COMMAND_ID_EXPIRED": "the command id is older than what is remembered: look what became of it, or give a new id",
    "COMMAND_ID_REUSED": "you have sent another command to this account with this id: a new command needs a new id",
    "DAILY_LIMIT_EXCEEDED": "the value traded today would exceed the account's daily limit",
    "DUPLICATE_CLIENT_ORDER_ID": "a working order of the account has this client order id: give another one",
    "DUPLICATE_ORDER_ID": "a working order of the account has this order id",
    "FILL_NOT_COMPLETE": "the order is fill or kill: a trade fills all that is left of it, or it is cancelled",
    "FILL_NOT_OF_ORDER": "the order is of another symbol or side than the trade",
    "INSUFFICIENT_FUNDS": "the account has less unreserved cash than this needs",
    "INSUFFICIENT_POSITION": "the account holds fewer unreserved shares than this sells",
    "INVALID_EXPIRES_AT": "expiresAt belongs to GTD orders, and only to them",
    "INVALID_LIMIT_PRICE": "a limit price belongs to LIMIT and STOP_LIMIT orders, and only to them",
    "INVALID_STOP_LIMIT": "a stop-limit buy has its limit at the stop or above, a sell at the stop or below",
    "INVALID_STOP_PRICE": "a stop price belongs to STOP and STOP_LIMIT orders, and only to them",
    "INVALID_TIME_IN_FORCE": "an order that waits for its stop is DAY, GTC or GTD",
    "INVALID_TRAIL": "the trail leads to a stop of 0 or less: give a smaller trail",
    "ORDER_COUNT_EXCEEDED": "the account has as many working orders as it may have: cancel some first",
    "ORDER_HELD": "the order waits until another one is filled: it does not work yet",
    "ORDER_IN_GROUP": "the order belongs to others, which would not go with this change: only prices of exits change",
    "ORDER_NOT_EXPIRING": "the order is good till cancelled: it does not expire",
    "ORDER_NOT_OPEN": "the account has no such working order: it was filled or replaced, has ended, or never was",
    "ORDER_NOT_TRAILING": "the order's stop does not trail the market",
    "ORDER_NOT_TRIGGERED": "the order waits for its stop: it is first filled at the stop or beyond it",
    "ORDER_QUANTITY_EXCEEDED": "the trade is for more shares than are left of the order",
    "ORDER_QUANTITY_FILLED": "so many shares of the order are filled already: its new quantity has to be above that",
    "ORDER_TRIGGERED": "the order's stop was reached, so it cannot be changed: cancel the order and place another",
    "ORDER_UNCHANGED": "the new order would be like the old one: give what is to change",
    "POSITION_LIMIT_EXCEEDED": "the position would be a larger part of the portfolio than the account may hold",
    "PRICE_BEYOND_BAND": "the price is farther from the market's than the account's band allows",
    "PRICE_BEYOND_LIMIT": "the trade's price is worse than the order's limit",
    "QUANTITY_LIMIT_EXCEEDED": "the position would be of more shares than the platform can hold",
    "STOP_NOT_IMPROVED": "a trailing stop moves in the direction alone that is better for its order",
    "TRADE_LIMIT_EXCEEDED": "the trade's value exceeds the account's limit for one trade",
    "VALUE_LIMIT_EXCEEDED": "the account would be worth more than the platform can hold",
    "VALUE_TOO_SMALL": "so small a part of a share is worth less than the smallest amount of money",
}
"""Why the rules of an account refused a command; the figures stand beside it."""


def _of_event(name: str) -> Callable[[Executed], Any]:
    read = attrgetter(name)
    return lambda executed: read(executed.events[0])


class EventShape(Shape):
    """The base of shapes of what was executed: a field is of an attribute of its first event, or a function of all."""

    @classmethod
    def _reader(cls, of: Source) -> Callable[[Any], Any]:
        return _of_event(of) if isinstance(of, str) else of


class Answer(EventShape):
    """What every answer to a command carries, success or refusal."""

    interfaces: ClassVar[tuple[type[graphene.Interface], ...]] = ()

    account_id = Id(of=attrgetter("account_id"))
    command_id = Text("Send the same one again to retry safely", of=attrgetter("command_id"))
    version = Count(
        "The account's version after the command; null when nothing was recorded", null=True, of=attrgetter("version")
    )
    duplicate = Flag(
        "Whether this is the first result of a command that was sent before", of=attrgetter("is_duplicate")
    )

    @classmethod
    def object_type(cls) -> type[graphene.ObjectType]:
        """Return the GraphQL type of this answer, which has its name: an outcome."""
        if "_object_type" not in vars(cls):
            meta = type("Meta", (), {"interfaces": (Outcome, *cls.interfaces)})
            content = {"__doc__": cls.__doc__, "Meta": meta}
            cls._object_type = type(cls.__name__, (cls.graphql(), graphene.ObjectType), content)
        return cls._object_type


Outcome: Final = type("Outcome", (Answer.graphql(), graphene.Interface), {"__doc__": Answer.__doc__})


class CommandRefused(Answer):
    """The command was understood and refused; nothing but the refusal itself happened."""

    code = Text("Stable code, such as INSUFFICIENT_FUNDS")
    message = Text(of=lambda executed: REFUSAL_MESSAGES.get(executed.events[0].code, executed.events[0].code))
    limit = Text("The limit that applied, where there is one", null=True, of=lambda done: _figure(done, "limit"))
    actual = Text("What the command would have made of it", null=True, of=lambda done: _figure(done, "actual"))


class AccountOpened(Answer):
    """The account exists."""

    name = Text()
    currency = Text()


class CashDeposited(Answer):
    """Money came in."""

    amount = Money()
    cash_after = Money()


class CashWithdrawn(Answer):
    """Money went out."""

    amount = Money()
    cash_after = Money()


class TradeExecuted(Answer):
    """The trade is booked."""

    trade_id = Id("The id of the event, derived from its hash", of=lambda executed: executed.event_ids[0])
    symbol = Text()
    side = Text()
    quantity = Shares()
    price = Money()
    value = Money("Quantity x price, rounded half to even")
    fee = Money()
    realized_pnl = Money()
    cash_after = Money()
    position_quantity = Shares()
    executed_at = Instant("RFC 3339, UTC, microseconds", of=lambda executed: _at(executed))
    order_id = Id("The order that the trade filled, if any", null=True)
    order_status = Text(
        "PARTIALLY_FILLED, FILLED, or EXPIRED: an IOC order with a rest",
        null=True,
        of=lambda executed: _order_status(executed),
    )
    order_filled_quantity = Shares(
        "How many of that order's shares are filled now",
        null=True,
        of=lambda executed: None if (fill := _fill(executed)) is None else fill.filled_quantity,
    )


class AccountFrozen(Answer):
    """The account accepts nothing more until it is unfrozen."""

    reason = Text()


class AccountUnfrozen(Answer):
    """The account may trade again."""

    reason = Text()


class RiskLimitsChanged(Answer):
    """The limits that apply from here on."""

    max_position_percent = Percent(of="max_position_bp")
    max_daily_value = Money()
    max_trade_value = Money()
    price_band_percent = Percent(of="price_band_bp")


class FeeScheduleChanged(Answer):
    """What orders cost from here on."""

    per_order = Money(of="fee_per_order")
    per_share = Money(of="fee_per_share")
    percent = Percent(of="fee_bp")
    minimum = Money(of="fee_minimum")


class AccountClosed(Answer):
    """The account is over."""

    reason = Text()


class _Placement(NamedTuple):
    """What placed an order, and when."""

    event: e.OrderPlaced
    at: datetime


class PlacedOrder(ObjectShape):
    """An order as it begins to work, or to wait for another one."""

    order_id = Id(of="event.order_id")
    client_order_id = Text("Yours, or made by the server", of="event.client_order_id")
    symbol = Text(of="event.symbol")
    side = Text(of="event.side")
    quantity = Shares("In all, what was filled of a replaced order included", of="event.quantity")
    type = Text(of="event.order_type")
    time_in_force = Text(of="event.time_in_force")
    limit_price = Money(of="event.limit_price", null=True)
    stop_price = Money("Of a trailing stop, where its stop is now", of="event.stop_price", null=True)
    trail_amount = Money(of="event.trail_amount", null=True)
    trail_percent = Percent(of="event.trail_bp", null=True)
    expires_at = Instant(
        of=lambda placed: None if placed.event.expires_at is None else instant_of(placed.event.expires_at), null=True
    )
    order_class = Text("SIMPLE, BRACKET, OCO or OTO", of="event.order_class")
    status = Text(
        "PENDING; HELD while it waits for another order's fill; PARTIALLY_FILLED when it replaces such an order",
        of=lambda placed: _status(placed.event),
    )
    filled_quantity = Shares(of="event.filled_quantity")
    replaces = Id("The order whose place it takes, if any", of="event.replaces", null=True)
    placed_at = Instant("RFC 3339, UTC, microseconds", of="at")


class OrderPlaced(Answer):
    """The order works."""

    order = One(PlacedOrder, of=lambda executed: _placements(executed)[0])
    legs = Each(
        PlacedOrder, "The exits that belong to it, in the order of placing", of=lambda done: _placements(done)[1:]
    )
    reserved_cash = Money(
        "What all working orders of the account reserve now", of=lambda executed: executed.events[-1].reserved_cash
    )


class OrderReplaced(Answer):
    """A new order works in the place of the old one."""

    order_id = Id("The order that works no more")
    order = One(PlacedOrder, "The one in its place", of=lambda executed: _placements(executed)[0])
    reserved_cash = Money(
        "What all working orders of the account reserve now", of=lambda executed: executed.events[-1].reserved_cash
    )


class EndedOrder(EventShape):
    """What is not filled of an order will not be, and what it reserved is free."""

    order_id = Id()
    quantity = Shares()
    filled_quantity = Shares()
    reason = Text()
    reserved_cash = Money("What all working orders of the account reserve now")


OrderEnded: Final = type("OrderEnded", (EndedOrder.graphql(), graphene.Interface), {"__doc__": EndedOrder.__doc__})


class OrderCancelled(Answer):
    """The order was taken back."""

    interfaces = (OrderEnded,)
    order = Inline(EndedOrder)


class OrderExpired(Answer):
    """The time of the order is over."""

    interfaces = (OrderEnded,)
    order = Inline(EndedOrder)


class OrderRejected(Answer):
    """The venue does not take the order."""

    interfaces = (OrderEnded,)
    order = Inline(EndedOrder)


_ANSWERS: Final[dict[type, type[Answer]]] = {
    e.AccountOpened: AccountOpened,
    e.CashDeposited: CashDeposited,
    e.CashWithdrawn: CashWithdrawn,
    e.TradeExecuted: TradeExecuted,
    e.CommandRefused: CommandRefused,
    e.AccountFrozen: AccountFrozen,
    e.AccountUnfrozen: AccountUnfrozen,
    e.RiskLimitsChanged: RiskLimitsChanged,
    e.FeeScheduleChanged: FeeScheduleChanged,
    e.AccountClosed: AccountClosed,
    e.OrderPlaced: OrderPlaced,
    e.OrderReplaced: OrderReplaced,
    e.OrderCancelled: OrderCancelled,
    e.OrderExpired: OrderExpired,
    e.OrderRejected: OrderRejected,
}

OUTCOME_TYPES: Final = tuple(answer.object_type() for answer in _ANSWERS.values())
"""Every type that a command can be answered with; the schema names them, since an interface does not."""


def answer_of(executed: Executed) -> graphene.ObjectType:
    """Return the GraphQL object of an executed command: what its (first) event says."""
    answer = _ANSWERS[type(executed.events[0])]
    return answer.object_type()(**answer.show(executed))


def refusal(*, code: str, message: str, account_id: str, command_id: str) -> graphene.ObjectType:
    """Return the GraphQL object of a command that was refused and not recorded."""
    return CommandRefused.object_type()(
        account_id=account_id, command_id=command_id, version=None, duplicate=False, code=code, message=message
    )


def _figure(executed: Executed, name: str) -> str | None:
    event = executed.events[0]
    assert isinstance(event, e.CommandRefused), "only a refusal has such figures"
    return e.format_refusal_figure(event.code, getattr(event, name))


def _fill(executed: Executed) -> e.OrderFilled | None:
    """Return what a trade made of the order that it filled, None for a trade on its own."""
    event = executed.events[1] if len(executed.events) > 1 else None
    return event if isinstance(event, e.OrderFilled) else None


def _order_status(executed: Executed) -> str | None:
    fill = _fill(executed)
    if fill is None:
        return None
    return "EXPIRED" if isinstance(executed.events[-1], e.OrderExpired) else fill.status


def _placements(executed: Executed) -> list[_Placement]:
    at = _at(executed)
    return [_Placement(event, at) for event in executed.events if isinstance(event, e.OrderPlaced)]


def _status(placed: e.OrderPlaced) -> str:
    if placed.waits_for is not None:
        return "HELD"
    return "PARTIALLY_FILLED" if placed.filled_quantity else "PENDING"


def _at(executed: Executed) -> datetime:
    return instant_of(executed.timestamp)
