"""The GraphQL types of history: what REST shows of performance and of what if (temporal/history_shapes.py)."""

import graphene
from graphene.types.generic import GenericScalar

from accounts.scalars import BigInt, Quantity


class PerformanceFigures(graphene.ObjectType):
    """What happened in some days. Money with four decimals, returns with six."""

    start_date = graphene.String(required=True)
    end_date = graphene.String(required=True, description="Included.")
    version = BigInt(required=True, description="The account's version at the end; 0 when it was not open yet.")
    trades = BigInt(required=True)
    volume = graphene.String(required=True)
    realized_pnl = graphene.String(required=True)
    unrealized_pnl_change = graphene.String(required=True)
    fees = graphene.String(required=True)
    symbols_changed = graphene.List(graphene.NonNull(graphene.String), required=True)
    opening_equity = graphene.String(required=True)
    closing_equity = graphene.String(required=True)
    deposits = graphene.String(required=True)
    withdrawals = graphene.String(required=True)
    time_weighted_return = graphene.String(required=True, description="0.010000 is 1 %.")
    drawdown = graphene.String(required=True, description="Below the highest growth; of the totals, the most.")


class AccountPerformance(graphene.ObjectType):
    """The periods of a range, and the range as one."""

    account_id = graphene.ID(required=True)
    zone = graphene.String(required=True)
    period = graphene.String(required=True)
    periods = graphene.List(graphene.NonNull(PerformanceFigures), required=True)
    totals = graphene.Field(PerformanceFigures, required=True)


class WhatIfLimits(graphene.ObjectType):
    """The limits that were given."""

    max_position_percent = graphene.String()
    max_daily_value = graphene.String()
    max_trade_value = graphene.String()


class WhatIfLimitsInput(graphene.InputObjectType):
    """Risk limits; those that are left out stay the account's own, with all their changes."""

    max_position_percent = graphene.String(description="Of the portfolio, such as 10.00.")
    max_daily_value = graphene.String(description="Traded value per UTC day.")
    max_trade_value = graphene.String(description="Value of one trade.")


class WhatIfPosition(graphene.ObjectType):
    """Shares of one symbol."""

    symbol = graphene.String(required=True)
    quantity = Quantity(required=True)
    average_cost = graphene.String(required=True)
    mark = graphene.String(required=True)


class WhatIfAccount(graphene.ObjectType):
    """An account at the end of the range."""

    status = graphene.String(required=True)
    cash = graphene.String(required=True)
    equity = graphene.String(required=True)
    realized_pnl = graphene.String(required=True)
    unrealized_pnl = graphene.String(required=True)
    trades = BigInt(required=True)
    working_orders = BigInt(required=True)
    positions = graphene.List(graphene.NonNull(WhatIfPosition), required=True)


class WhatIfDifference(graphene.ObjectType):
    """A command that ends differently; code and figures are those of the refusal, now's or then's."""

    version = BigInt(required=True)
    recorded_at = graphene.String(required=True)
    command_id = graphene.String(required=True)
    outcome = graphene.String(required=True, description="REFUSED_NOW or ACCEPTED_NOW.")
    is_knock_on = graphene.Boolean(required=True)
    command = graphene.String(required=True)
    arguments = GenericScalar(required=True)
    code = graphene.String(required=True)
    limit = graphene.String(description="Money or shares as a decimal string, a count as digits.")
    actual = graphene.String(description="The same.")


class AccountWhatIf(graphene.ObjectType):
    """What an account would be, had it had other risk limits."""

    account_id = graphene.ID(required=True)
    limits = graphene.Field(WhatIfLimits, required=True)
    from_version = BigInt(required=True)
    to_version = BigInt(required=True)
    commands = BigInt(required=True, description="Decided again.")
    refused_now = BigInt(required=True)
    accepted_now = BigInt(required=True)
    knock_ons = BigInt(required=True, description="Of both.")
    refused_for_another_reason = BigInt(required=True)
    real = graphene.Field(WhatIfAccount, required=True)
    what_if = graphene.Field(WhatIfAccount, required=True)
    differences = graphene.List(graphene.NonNull(WhatIfDifference), required=True, description="The first 1,000.")
    differences_complete = graphene.Boolean(required=True)
