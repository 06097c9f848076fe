"""changeRiskLimits: set the three risk limits of an account (compliance only)."""

from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.submission import submit
from accounts.api.types import CommandRefused, Outcome, RiskLimitsChanged
from accounts.application import factories
from accounts.permissions import Action


class ChangeRiskLimitsInput(graphene.InputObjectType):
    """Set the three risk limits of an account (compliance only)."""

    account_id = graphene.ID(required=True)
    max_position_percent = graphene.String(required=True, description='Of the portfolio, per symbol: "10.00".')
    max_daily_value = graphene.String(required=True, description="Traded value per UTC day.")
    max_trade_value = graphene.String(required=True, description="Value of one trade.")
    command_id = graphene.String(description="Makes a retry safe; made by the server when it is not given.")


class ChangeRiskLimitsResult(graphene.Union):
    """Success, or the refusal."""

    class Meta:
        """Exactly one of the two."""

        types = (RiskLimitsChanged, CommandRefused)


class ChangeRiskLimits(graphene.Mutation):
    """Set the three risk limits of an account (compliance only)."""

    class Arguments:
        """One input."""

        input = ChangeRiskLimitsInput(required=True)

    Output = ChangeRiskLimitsResult

    @staticmethod
    async def mutate(root: None, info: GraphQLResolveInfo, input: Any) -> Outcome:
        """Send the command."""
        return await submit(
            info,
            account_id=input.account_id,
            command_id=input.get("command_id"),
            make_command=lambda: factories.change_risk_limits(
                max_position_percent=input.max_position_percent,
                max_daily_value=input.max_daily_value,
                max_trade_value=input.max_trade_value,
            ),
            action=Action.SUPERVISE,
        )
