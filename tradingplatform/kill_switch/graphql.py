"""The kill switch over GraphQL: who may trade on an account ends its orders, operators and compliance everybody's."""

from collections.abc import Mapping
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.graphql.errors import ApiError, bad_request, forbidden
from accounts.api.submission import access_from
from accounts.scalars import BigInt
from accounts.writer.bus.ports import get_bus
from edge.request_thread import give_back_connections
from identity.permissions import Access, Action, may_on_every_account, roles_that_may, why_no_command, why_not
from tradingplatform.kill_switch.cancelling import Cancelled
from tradingplatform.kill_switch.recorded import begin_run, run_recorded
from tradingplatform.kill_switch.runs import AlreadyRunning, runs
from tradingplatform.kill_switch.scopes import (
    UnclearQuestion,
    UnknownUser,
    checked_reason,
    checked_scope,
    order_scope,
    whose_orders,
)


class CancelAllOrdersInput(graphene.InputObjectType):
    """Whose orders, one of four, and why."""

    account_id = graphene.ID(description="Those of one account.")
    username = graphene.String(description="Those of every account that a user owns (operators and compliance).")
    symbol = graphene.String(description="Those of one instrument (operators and compliance).")
    everybody = graphene.Boolean(description="True: all orders of the firm (operators and compliance).")
    reason = graphene.String(required=True, description="Recorded with the end of each order.")


class CodeCount(graphene.ObjectType):
    """Orders that could not be cancelled, by why."""

    code = graphene.String(required=True)
    orders = BigInt(required=True)


class AllOrdersCancelled(graphene.ObjectType):
    """What became of the orders that worked."""

    cancelled = BigInt(required=True)
    ended_before = BigInt(required=True, description="Filled, or ended in another way, before they could be cancelled.")
    failures = graphene.List(graphene.NonNull(CodeCount), required=True)
    is_behind = graphene.Boolean(
        required=True,
        description="True when the tables did not have all of the journal: orders may work that were not found.",
    )
    is_complete = graphene.Boolean(
        required=True,
        description="True: nothing is left of what worked when it began. False: ask again.",
    )


class KillSwitchMutation(graphene.ObjectType):
    """Ending everything."""

    cancel_all_orders = graphene.Field(
        AllOrdersCancelled,
        required=True,
        input=CancelAllOrdersInput(required=True),
        description="Cancel every working order of an account, of a user, of a symbol, or of the firm.",
    )

    @staticmethod
    async def resolve_cancel_all_orders(
        root: None, info: GraphQLResolveInfo, input: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Check who asks, and cancel."""
        name, value, reason = _asked(input)
        access = await access_from(info, value if name == "account_id" else None)
        is_officer = may_on_every_account(access, Action.CANCEL_EVERYTHING)
        if not is_officer:
            _check_allowed(access, name, value)
        await give_back_connections()

        def work(until: float) -> Cancelled:
            scope, whose = order_scope(name, value), whose_orders(name, value)
            run = begin_run(scope=scope, whose=whose, actor=access.principal.actor, reason=reason)
            return run_recorded(run, get_bus(), scope=scope, until=until)

        try:
            done = await runs.run(work, user_id=access.principal.user.pk, is_officer=is_officer)
        except AlreadyRunning as error:
            raise ApiError(
                "ALREADY_RUNNING", "your cancelAllOrders before this one is not over: wait for its answer"
            ) from error
        except UnknownUser as error:
            raise ApiError("NOT_FOUND", str(error)) from error
        failures = [{"code": code, "orders": count} for code, count in sorted(done.failures.items())]
        return {**done._asdict(), "failures": failures}


def _asked(given: Mapping[str, Any]) -> tuple[str, Any, str]:
    """Return which scope is asked for, its value, and the reason; raises BAD_REQUEST."""
    try:
        return *checked_scope(given), checked_reason(given["reason"])
    except UnclearQuestion as error:
        raise bad_request(str(error)) from error


def _check_allowed(access: Access, name: str, value: Any) -> None:
    """Raise FORBIDDEN for somebody who may not end everybody's orders, except those of an account that they trade."""
    if name == "account_id":
        reason = why_not(access, value, Action.TRADE)
    else:
        needed = " or ".join(sorted(roles_that_may(Action.CANCEL_EVERYTHING)))
        reason = why_no_command(access) or f"your role on the platform is {access.platform_role}: this needs {needed}"
    if reason is not None:
        raise forbidden(reason)
