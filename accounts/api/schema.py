"""The command side's part of the GraphQL schema."""

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.mutations import accounts, batches, orders
from accounts.api.submission import access_from
from identity.actors import user_reference


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
        principal = (await access_from(info)).principal
        return Viewer(
            id=user_reference(principal.user.pk), username=principal.user.get_username(), actor=principal.actor
        )


class AccountsMutation(graphene.ObjectType):
    """Every command, one mutation each."""

    open_account = accounts.OPEN_ACCOUNT.field()
    deposit_cash = accounts.DEPOSIT_CASH.field()
    withdraw_cash = accounts.WITHDRAW_CASH.field()
    execute_trade = accounts.EXECUTE_TRADE.field()
    place_order = orders.PLACE_ORDER.field()
    place_oco_order = orders.PLACE_OCO.field()
    replace_order = orders.REPLACE_ORDER.field()
    cancel_order = orders.CANCEL_ORDER.field()
    expire_order = orders.EXPIRE_ORDER.field()
    reject_order = orders.REJECT_ORDER.field()
    close_account = accounts.CLOSE_ACCOUNT.field()
    submit_trades = batches.SUBMIT_TRADES.field()
    submit_orders = batches.SUBMIT_ORDERS.field()
    replace_orders = batches.REPLACE_ORDERS.field()
    cancel_orders = batches.CANCEL_ORDERS.field()
    freeze_account = accounts.FREEZE_ACCOUNT.field()
    unfreeze_account = accounts.UNFREEZE_ACCOUNT.field()
    change_risk_limits = accounts.CHANGE_RISK_LIMITS.field()
    change_fee_schedule = accounts.CHANGE_FEE_SCHEDULE.field()
