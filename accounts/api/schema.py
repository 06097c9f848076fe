"""The command side's part of the GraphQL schema."""

import graphene
from graphql import GraphQLResolveInfo

from accounts.actors import user_reference
from accounts.api.mutations.cancel_order import CANCEL_ORDER
from accounts.api.mutations.change_risk_limits import CHANGE_RISK_LIMITS
from accounts.api.mutations.close_account import CLOSE_ACCOUNT
from accounts.api.mutations.deposit_cash import DEPOSIT_CASH
from accounts.api.mutations.execute_trade import EXECUTE_TRADE
from accounts.api.mutations.expire_order import EXPIRE_ORDER
from accounts.api.mutations.freeze_account import FREEZE_ACCOUNT
from accounts.api.mutations.open_account import OPEN_ACCOUNT
from accounts.api.mutations.place_order import PLACE_ORDER
from accounts.api.mutations.reject_order import REJECT_ORDER
from accounts.api.mutations.replace_order import REPLACE_ORDER
from accounts.api.mutations.submit_orders import SubmitOrders
from accounts.api.mutations.submit_trades import SubmitTrades
from accounts.api.mutations.unfreeze_account import UNFREEZE_ACCOUNT
from accounts.api.mutations.withdraw_cash import WITHDRAW_CASH
from accounts.api.submission import access_from


class Viewer(graphene.ObjectType):
    """Who is asking."""

    id = graphene.ID(required=True, description="The user for good, such as user:17; the name may change.")
    username = graphene.String(required=True)
    actor = graphene.String(
        required=True, description="As commands are recorded: user:<id>/<name>, with /key:<id>/<name> for an API key."
    )


class AccountsQuery(graphene.ObjectType):
    """Queries of the command side; data are queried from the read models over REST."""

    viewer = graphene.Field(Viewer, required=True, description="The asking user.")

    @staticmethod
    async def resolve_viewer(root: None, info: GraphQLResolveInfo) -> Viewer:
        """Return who asks."""
        principal = (await access_from(info)).principal
        return Viewer(
            id=user_reference(principal.user.pk), username=principal.user.get_username(), actor=principal.actor
        )


class AccountsMutation(graphene.ObjectType):
    """Every command, one mutation each."""

    open_account = OPEN_ACCOUNT.field()
    deposit_cash = DEPOSIT_CASH.field()
    withdraw_cash = WITHDRAW_CASH.field()
    execute_trade = EXECUTE_TRADE.field()
    place_order = PLACE_ORDER.field()
    replace_order = REPLACE_ORDER.field()
    cancel_order = CANCEL_ORDER.field()
    expire_order = EXPIRE_ORDER.field()
    reject_order = REJECT_ORDER.field()
    close_account = CLOSE_ACCOUNT.field()
    submit_trades = SubmitTrades.Field(required=True)
    submit_orders = SubmitOrders.Field(required=True)
    freeze_account = FREEZE_ACCOUNT.field()
    unfreeze_account = UNFREEZE_ACCOUNT.field()
    change_risk_limits = CHANGE_RISK_LIMITS.field()
