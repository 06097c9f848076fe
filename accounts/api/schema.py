"""The command side's part of the GraphQL schema."""

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.mutations.cancel_order import CancelOrder
from accounts.api.mutations.change_risk_limits import ChangeRiskLimits
from accounts.api.mutations.close_account import CloseAccount
from accounts.api.mutations.deposit_cash import DepositCash
from accounts.api.mutations.execute_trade import ExecuteTrade
from accounts.api.mutations.expire_order import ExpireOrder
from accounts.api.mutations.freeze_account import FreezeAccount
from accounts.api.mutations.open_account import OpenAccount
from accounts.api.mutations.place_order import PlaceOrder
from accounts.api.mutations.reject_order import RejectOrder
from accounts.api.mutations.replace_order import ReplaceOrder
from accounts.api.mutations.submit_orders import SubmitOrders
from accounts.api.mutations.submit_trades import SubmitTrades
from accounts.api.mutations.unfreeze_account import UnfreezeAccount
from accounts.api.mutations.withdraw_cash import WithdrawCash
from accounts.api.submission import access_from


class Viewer(graphene.ObjectType):
    """Who is asking."""

    username = graphene.String(required=True)
    actor = graphene.String(required=True, description="The name under which commands are recorded.")


class AccountsQuery(graphene.ObjectType):
    """Queries of the command side; data are queried from the read models over REST."""

    viewer = graphene.Field(Viewer, required=True, description="The asking user.")

    @staticmethod
    async def resolve_viewer(root: None, info: GraphQLResolveInfo) -> Viewer:
        """Return who asks."""
        principal = (await access_from(info)).principal
        return Viewer(username=principal.user.get_username(), actor=principal.actor)


class AccountsMutation(graphene.ObjectType):
    """Every command, one mutation each."""

    open_account = OpenAccount.Field(required=True)
    deposit_cash = DepositCash.Field(required=True)
    withdraw_cash = WithdrawCash.Field(required=True)
    execute_trade = ExecuteTrade.Field(required=True)
    place_order = PlaceOrder.Field(required=True)
    replace_order = ReplaceOrder.Field(required=True)
    cancel_order = CancelOrder.Field(required=True)
    expire_order = ExpireOrder.Field(required=True)
    reject_order = RejectOrder.Field(required=True)
    close_account = CloseAccount.Field(required=True)
    submit_trades = SubmitTrades.Field(required=True)
    submit_orders = SubmitOrders.Field(required=True)
    freeze_account = FreezeAccount.Field(required=True)
    unfreeze_account = UnfreezeAccount.Field(required=True)
    change_risk_limits = ChangeRiskLimits.Field(required=True)
