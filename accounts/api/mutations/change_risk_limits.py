"""changeRiskLimits: set the three risk limits of an account (compliance only)."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.types import RiskLimitsChanged
from accounts.application import factories
from accounts.permissions import Action

CHANGE_RISK_LIMITS: Final = CommandMutation(
    name="ChangeRiskLimits",
    summary="Set the three risk limits of an account (compliance only).",
    fields={
        "max_position_percent": graphene.String(required=True, description='Of the portfolio, per symbol: "10.00".'),
        "max_daily_value": graphene.String(required=True, description="Traded value per UTC day."),
        "max_trade_value": graphene.String(required=True, description="Value of one trade."),
    },
    success=RiskLimitsChanged,
    make=factories.change_risk_limits,
    action=Action.SUPERVISE,
)
