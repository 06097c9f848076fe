"""The kill switch over GraphQL: who may trade on an account ends its orders, operators and compliance everybody's."""

from collections.abc import Mapping
from typing import Any, Final

import graphene
from django.contrib.auth import get_user_model
from graphql import GraphQLResolveInfo

from accounts.api.graphql.errors import ApiError, bad_request, forbidden
from accounts.api.parsing import factories
from accounts.api.submission import access_from
from accounts.domain.errors import CommandInvalid
from accounts.scalars import BigInt
from accounts.writer.bus.ports import get_bus
from edge.request_thread import on_another_thread
from identity.actors import user_reference
from identity.permissions import Access, Action, may_on_every_account, roles_that_may, why_no_command, why_not
from readmodels.queries.queries import OrderScope
from tradingplatform.kill_switch.cancelling import Cancelled, cancel_working_orders

SCOPES: Final = ("account_id", "username", "symbol", "everybody")


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
    is_complete = graphene.Boolean(
        required=True, description="False when orders were still coming at the end of its time: ask again."
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
        _check_allowed(access, name, value)

        def work() -> Cancelled:
            return cancel_working_orders(
                get_bus(), scope=_scope(name, value), actor=access.principal.actor, reason=reason
            )

        done = await on_another_thread(work)
        failures = [{"code": code, "orders": count} for code, count in sorted(done.failures.items())]
        return {**done._asdict(), "failures": failures}


def _asked(given: Mapping[str, Any]) -> tuple[str, Any, str]:
    """Return which scope is asked for, its value, and the reason; raises BAD_REQUEST."""
    scopes = [name for name in SCOPES if given.get(name) not in (None, False)]
    if len(scopes) != 1:
        shown = ", ".join(scopes) or "none"
        raise bad_request(f"say whose orders: one of accountId, username, symbol and everybody: true; found {shown}")
    try:
        reason = factories.cancel_order(order_id=_ANY_ORDER, reason=given["reason"]).reason
        value = factories.account_id(given["account_id"]) if scopes == ["account_id"] else given[scopes[0]]
    except CommandInvalid as error:
        raise bad_request(error.message) from error
    if not reason:
        raise bad_request("say why: a reason is 1 to 140 printable characters, found none")
    return scopes[0], value, reason


_ANY_ORDER: Final = "00000000-0000-4000-8000-000000000000"


def _check_allowed(access: Access, name: str, value: Any) -> None:
    if may_on_every_account(access, Action.CANCEL_EVERYTHING):
        return
    if name == "account_id":
        reason = why_not(access, value, Action.TRADE)
    else:
        needed = " or ".join(sorted(roles_that_may(Action.CANCEL_EVERYTHING)))
        reason = why_no_command(access) or f"your role on the platform is {access.platform_role}: this needs {needed}"
    if reason is not None:
        raise forbidden(reason)


def _scope(name: str, value: Any) -> OrderScope:
    if name == "username":
        user = get_user_model().objects.filter(username=value).first()
        if user is None:
            raise ApiError("NOT_FOUND", f"there is no user {value[:40]!r}: the admin lists them")
        return OrderScope(owner=user_reference(user.pk))
    return OrderScope() if name == "everybody" else OrderScope(**{name: value})
