"""The GraphQL schema of the platform: the apps' parts merged. schema.graphql shows it; a test compares the two."""

import graphene

from accounts.api.schema import AccountsMutation, AccountsQuery
from accounts.api.types import (
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    CashDeposited,
    CashWithdrawn,
    CommandRefused,
    RiskLimitsChanged,
    TradeExecuted,
)
from readmodels.graphql.schema import ReadModelsQuery


class Query(ReadModelsQuery, AccountsQuery):
    """Everything that can be asked."""


class Mutation(AccountsMutation):
    """Everything that can be commanded."""


schema = graphene.Schema(
    query=Query,
    mutation=Mutation,
    types=[
        AccountFrozen,
        AccountOpened,
        AccountUnfrozen,
        CashDeposited,
        CashWithdrawn,
        CommandRefused,
        RiskLimitsChanged,
        TradeExecuted,
    ],
)
