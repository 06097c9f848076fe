"""The types that command mutations answer with. Money and prices are decimal strings with four decimals."""

import graphene

from accounts.scalars import BigInt, Quantity


class Outcome(graphene.Interface):
    """What every answer to a command carries, success or refusal."""

    account_id = graphene.ID(required=True)
    command_id = graphene.String(required=True, description="Send the same one again to retry safely.")
    version = BigInt(description="The account's version after the command; null when nothing was recorded.")
    duplicate = graphene.Boolean(
        required=True, description="Whether this is the first result of a command that was sent before."
    )


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
    quantity = Quantity(required=True)
    price = graphene.String(required=True)
    value = graphene.String(required=True, description="Quantity x price, rounded half to even.")
    fee = graphene.String(required=True)
    realized_pnl = graphene.String(required=True)
    cash_after = graphene.String(required=True)
    position_quantity = Quantity(required=True)
    executed_at = graphene.String(required=True, description="RFC 3339, UTC, microseconds.")
    order_id = graphene.ID(description="The order that the trade filled, if any.")
    order_status = graphene.String(description="PARTIALLY_FILLED, FILLED, or EXPIRED: an IOC order with a rest.")
    order_filled_quantity = Quantity(description="How many of that order's shares are filled now.")


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


class AccountClosed(graphene.ObjectType):
    """The account is over."""

    class Meta:
        """It is an outcome."""

        interfaces = (Outcome,)

    reason = graphene.String(required=True)
