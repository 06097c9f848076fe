"""The GraphQL schema of the platform: the apps' parts merged. schema.graphql shows it; a test compares the two."""

import graphene

from accounts.api.answers import OUTCOME_TYPES
from accounts.api.graphql.inputs import take_nulls_as_left_out
from accounts.api.schema import AccountsMutation, AccountsQuery
from readmodels.api.graphql.schema import ReadModelsQuery
from temporal.api.schema import TemporalQuery
from tradingplatform.bars.graphql import BarsQuery
from tradingplatform.corporate_actions.graphql import CorporateActionsMutation, CorporateActionsQuery
from tradingplatform.instruments.graphql import InstrumentsMutation, InstrumentsQuery
from tradingplatform.kill_switch.graphql import KillSwitchMutation
from tradingplatform.kill_switch.venue import VenueMutation
from tradingplatform.market.graphql import MarketMutation


class Query(BarsQuery, CorporateActionsQuery, InstrumentsQuery, ReadModelsQuery, TemporalQuery, AccountsQuery):
    """Everything that can be asked."""


class Mutation(
    CorporateActionsMutation,
    KillSwitchMutation,
    VenueMutation,
    InstrumentsMutation,
    MarketMutation,
    AccountsMutation,
):
    """Everything that can be commanded."""


schema = graphene.Schema(query=Query, mutation=Mutation, types=list(OUTCOME_TYPES))
take_nulls_as_left_out(schema.graphql_schema)
