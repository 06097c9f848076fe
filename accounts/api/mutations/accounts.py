"""Mutations of an account: open and close it, bring money in and take it out, book trades, supervise it."""

from typing import Any, Final

import graphene

from accounts.api.answers import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    CashDeposited,
    CashWithdrawn,
    FeeScheduleChanged,
    RiskLimitsChanged,
    TradeExecuted,
)
from accounts.api.mutations.declaration import CommandMutation
from accounts.api.parsing import factories
from accounts.api.parsing.reference_price import reference_price
from accounts.domain.commands import Decline, ExecuteTrade
from accounts.scalars import Quantity
from identity.permissions import Action

OPEN_ACCOUNT: Final = CommandMutation(
    name="OpenAccount",
    summary="Open an account for the asking user, who becomes its owner.",
    fields={
        "name": graphene.String(required=True),
        "currency": graphene.String(description="ISO 4217; USD when not given."),
    },
    success=AccountOpened,
    make=factories.open_account,
    opens_account=True,
)

DEPOSIT_CASH: Final = CommandMutation(
    name="DepositCash",
    summary="Bring money into an account.",
    fields={
        "amount": graphene.String(required=True, description="Decimal string, at most 4 decimals."),
        "reference": graphene.String(description="Nothing when not given."),
    },
    success=CashDeposited,
    make=factories.deposit_cash,
)

WITHDRAW_CASH: Final = CommandMutation(
    name="WithdrawCash",
    summary="Take money out of an account.",
    fields={
        "amount": graphene.String(required=True, description="Decimal string, at most 4 decimals."),
        "reference": graphene.String(description="Nothing when not given."),
    },
    success=CashWithdrawn,
    make=factories.withdraw_cash,
)


def _execute(**given: Any) -> ExecuteTrade | Decline:
    return factories.execute_trade(market_price=reference_price, **given)


EXECUTE_TRADE: Final = CommandMutation(
    name="ExecuteTrade",
    summary="Book a trade that was executed elsewhere, at its price (integrators and operators; others place orders).",
    fields={
        "symbol": graphene.String(required=True),
        "side": graphene.String(required=True, description="BUY or SELL."),
        "quantity": Quantity(required=True, description="Shares, with up to six decimals."),
        "price": graphene.String(required=True, description="Decimal string, at most 4 decimals."),
        "order_id": graphene.String(description="The order that the trade belongs to, if any."),
    },
    success=TradeExecuted,
    make=_execute,
    action=Action.BOOK_TRADE,
    needs_prices=True,
)

CLOSE_ACCOUNT: Final = CommandMutation(
    name="CloseAccount",
    summary="End an account that is empty, for ever: no cash, no shares, no working orders.",
    fields={
        "reason": graphene.String(required=True),
    },
    success=AccountClosed,
    make=factories.close_account,
    action=Action.CLOSE,
)

FREEZE_ACCOUNT: Final = CommandMutation(
    name="FreezeAccount",
    summary="Accept nothing more for an account until it is unfrozen (compliance only).",
    fields={
        "reason": graphene.String(required=True),
    },
    success=AccountFrozen,
    make=factories.freeze_account,
    action=Action.SUPERVISE,
)

UNFREEZE_ACCOUNT: Final = CommandMutation(
    name="UnfreezeAccount",
    summary="Let a frozen account trade again (compliance only).",
    fields={
        "reason": graphene.String(required=True),
    },
    success=AccountUnfrozen,
    make=factories.unfreeze_account,
    action=Action.SUPERVISE,
)

CHANGE_RISK_LIMITS: Final = CommandMutation(
    name="ChangeRiskLimits",
    summary="Set the risk limits of an account, all of them (compliance only).",
    fields={
        "max_position_percent": graphene.String(required=True, description='Of the portfolio, per symbol: "10.00".'),
        "max_daily_value": graphene.String(required=True, description="Traded value per UTC day."),
        "max_trade_value": graphene.String(required=True, description="Value of one trade."),
        "price_band_percent": graphene.String(
            required=True,
            description="How far from the market's price a trade may be booked, of that price; 0 is no band.",
        ),
    },
    success=RiskLimitsChanged,
    make=factories.change_risk_limits,
    action=Action.SUPERVISE,
)

CHANGE_FEE_SCHEDULE: Final = CommandMutation(
    name="ChangeFeeSchedule",
    summary="Set what the orders of an account cost, all of it (compliance only). What is left out costs nothing.",
    fields={
        "per_order": graphene.String(description="For an order, charged with its first fill."),
        "per_share": graphene.String(description="For one share."),
        "percent": graphene.String(description='Of the value: "0.10".'),
        "minimum": graphene.String(description="The least that shares and value of an order cost together."),
    },
    success=FeeScheduleChanged,
    make=factories.change_fee_schedule,
    action=Action.SUPERVISE,
)
