"""The types that command mutations answer with. Money and prices are decimal strings with four decimals."""

from datetime import UTC, datetime
from typing import Any

import graphene

from accounts.application.envelope import Executed
from accounts.domain import events as e
from accounts.domain.values import format_amount


class Outcome(graphene.Interface):
    """What every answer to a command carries, success or refusal."""

    account_id = graphene.ID(required=True)
    command_id = graphene.String(required=True, description="Send the same one again to retry safely.")
    version = graphene.Int(description="The account's version after the command; null when nothing was recorded.")


class CommandRefused(graphene.ObjectType):
    """The command was understood and refused; nothing but the refusal itself happened."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    code = graphene.String(required=True, description="Stable code, such as INSUFFICIENT_FUNDS.")
    message = graphene.String(required=True)
    limit = graphene.String(description="The limit that applied, where there is one.")
    actual = graphene.String(description="What the command would have made of it.")


class AccountOpened(graphene.ObjectType):
    """The account exists."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    name = graphene.String(required=True)
    currency = graphene.String(required=True)


class CashDeposited(graphene.ObjectType):
    """Money came in."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    amount = graphene.String(required=True)
    cash_after = graphene.String(required=True)


class CashWithdrawn(graphene.ObjectType):
    """Money went out."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    amount = graphene.String(required=True)
    cash_after = graphene.String(required=True)


class TradeExecuted(graphene.ObjectType):
    """The trade is booked."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    trade_id = graphene.ID(required=True, description="The id of the event, derived from its hash.")
    symbol = graphene.String(required=True)
    side = graphene.String(required=True)
    quantity = graphene.Int(required=True)
    price = graphene.String(required=True)
    value = graphene.String(required=True)
    realized_pnl = graphene.String(required=True)
    cash_after = graphene.String(required=True)
    position_quantity = graphene.Int(required=True)
    executed_at = graphene.String(required=True, description="RFC 3339, UTC, microseconds.")


class AccountFrozen(graphene.ObjectType):
    """The account accepts nothing more until it is unfrozen."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    reason = graphene.String(required=True)


class AccountUnfrozen(graphene.ObjectType):
    """The account may trade again."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    reason = graphene.String(required=True)


class RiskLimitsChanged(graphene.ObjectType):
    """The limits that apply from here on."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    max_position_percent = graphene.String(required=True)
    max_daily_value = graphene.String(required=True)
    max_trade_value = graphene.String(required=True)


def _refused(event: e.CommandRefused, executed: Executed) -> dict[str, Any]:
    shown = str if event.code == "INSUFFICIENT_POSITION" else format_amount
    return {
        "code": event.code,
        "message": _REFUSAL_MESSAGES.get(event.code, "the rules of the account forbid it"),
        "limit": None if event.limit is None else shown(event.limit),
        "actual": None if event.actual is None else shown(event.actual),
    }


def _traded(event: e.TradeExecuted, executed: Executed) -> dict[str, Any]:
    return {
        "trade_id": executed.event_ids[0],
        "symbol": event.symbol,
        "side": event.side,
        "quantity": event.quantity,
        "price": format_amount(event.price),
        "value": format_amount(event.quantity * event.price),
        "realized_pnl": format_amount(event.realized_pnl),
        "cash_after": format_amount(event.cash_after),
        "position_quantity": event.position_quantity,
        "executed_at": _instant(executed.timestamp),
    }


def _cash(event: e.CashDeposited | e.CashWithdrawn, _: Executed) -> dict[str, Any]:
    return {"amount": format_amount(event.amount), "cash_after": format_amount(event.cash_after)}


def _limits(event: e.RiskLimitsChanged, _: Executed) -> dict[str, Any]:
    return {
        "max_position_percent": f"{event.max_position_bp // 100}.{event.max_position_bp % 100:02d}",
        "max_daily_value": format_amount(event.max_daily_value),
        "max_trade_value": format_amount(event.max_trade_value),
    }


_TYPES: dict[type, tuple[type[graphene.ObjectType], Any]] = {
    e.AccountOpened: (AccountOpened, lambda event, _: {"name": event.name, "currency": event.currency}),
    e.CashDeposited: (CashDeposited, _cash),
    e.CashWithdrawn: (CashWithdrawn, _cash),
    e.TradeExecuted: (TradeExecuted, _traded),
    e.CommandRefused: (CommandRefused, _refused),
    e.AccountFrozen: (AccountFrozen, lambda event, _: {"reason": event.reason}),
    e.AccountUnfrozen: (AccountUnfrozen, lambda event, _: {"reason": event.reason}),
    e.RiskLimitsChanged: (RiskLimitsChanged, _limits),
}

_REFUSAL_MESSAGES = {
    "ACCOUNT_ALREADY_OPEN": "the account is open already",
    "ACCOUNT_NOT_ACTIVE": "the account is frozen: ask compliance to unfreeze it",
    "ACCOUNT_NOT_FROZEN": "the account is not frozen",
    "DAILY_LIMIT_EXCEEDED": "the value traded today would exceed the account's daily limit",
    "INSUFFICIENT_FUNDS": "the account has less cash than this needs",
    "INSUFFICIENT_POSITION": "the account holds fewer shares than this sells",
    "POSITION_LIMIT_EXCEEDED": "the position would be a larger part of the portfolio than the account may hold",
    "VALUE_LIMIT_EXCEEDED": "the account would be worth more than the platform can hold",
    "TRADE_LIMIT_EXCEEDED": "the trade's value exceeds the account's limit for one trade",
}


def answer_of(executed: Executed) -> Outcome:
    """Return the GraphQL object of an executed command: what its (first) event says."""
    event = executed.events[0]
    object_type, fields = _TYPES[type(event)]
    answer: Outcome = object_type(
        account_id=executed.account_id,
        command_id=executed.command_id,
        version=executed.version,
        **fields(event, executed),
    )
    return answer


def _instant(timestamp: int) -> str:
    seconds, microseconds = divmod(timestamp, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{microseconds:06d}Z"
