"""Corporate actions over GraphQL: everybody who is logged in may look, operators announce and withdraw."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.graphql.errors import ApiError, bad_request, forbidden
from accounts.api.submission import access_from
from accounts.scalars import BigInt
from accounts.shapes import Choice, Count, Day, Id, Instant, Money, ObjectShape, Shares, Text
from edge.request_thread import on_another_thread
from identity.permissions import Action, may_on_every_account, roles_that_may, why_no_command
from market.corporate_actions.announcing import (
    InvalidAnnouncement,
    NotWithdrawable,
    UnknownCorporateAction,
    announce,
    withdraw,
)
from market.corporate_actions.definition import (
    InvalidCorporateAction,
    Kind,
    State,
    format_dividend,
    format_terms,
    parse_terms,
)
from market.instruments.changes import InvalidReason
from market.models import CorporateAction as CorporateActionRow
from readmodels.api.graphql.connections import connection_of, key_of, page_arguments, page_of, page_size
from tradingplatform.corporate_actions.applying import obstacle_of, progress_of
from tradingplatform.corporate_actions.office import latest_sheet

T = TypeVar("T")


def _amount(row: CorporateActionRow) -> str | None:
    return None if row.amount_per_share is None else format_dividend(row.amount_per_share)


class CorporateAction(ObjectShape):
    """What happens to the shares of a symbol from a session on."""

    id = Id(of="pk")
    kind = Choice(list(Kind))
    symbol = Text()
    effective_date = Day("First session on the new terms, in the time of the market")
    terms = Text("For people, such as 2 for 1", of=format_terms)
    numerator = Count("New shares of a split ...", null=True)
    denominator = Count("... for so many old ones", null=True)
    lot_size = Shares("Less of a split's new shares is paid in cash", null=True)
    fraction_price = Money("What a new share is paid at", null=True)
    amount_per_share = Text("Decimal string of up to eight decimals", of=_amount, null=True)
    new_symbol = Text(null=True)
    state = Choice(list(State))
    began_at = Instant("When trading was halted for it", null=True)
    ended_at = Instant("When the last holder was served", null=True)


class HolderCount(graphene.ObjectType):
    """Holders that an action could not be applied to, by why."""

    code = graphene.String(required=True)
    holders = BigInt(required=True)


class CorporateActionProgress(graphene.ObjectType):
    """How far an action is."""

    asked = BigInt(required=True, description="Accounts that were asked so far.")
    served = BigInt(required=True, description="Those of them that it is applied to.")
    cash_paid = graphene.String(required=True, description="Paid to all of them: decimal string with four decimals.")
    failures = graphene.List(graphene.NonNull(HolderCount), required=True)
    obstacle = graphene.String(description="Why it cannot begin, and what to do; null when nothing is in its way.")


class AnnounceCorporateActionInput(graphene.InputObjectType):
    """An action with the terms of its kind."""

    kind = graphene.String(required=True, description=f"{', '.join(Kind)}.")
    symbol = graphene.String(required=True)
    effective_date = graphene.String(required=True, description="First session on the new terms: YYYY-MM-DD.")
    numerator = graphene.String(description="New shares of a split ...")
    denominator = graphene.String(description="... for so many old ones.")
    lot_size = graphene.String(description="Less than such a lot is paid in cash; the instrument's own when not given.")
    fraction_price = graphene.String(description="What a new share is paid at; by the last price when not given.")
    amount_per_share = graphene.String(description="Of a dividend: decimal string, at most 8 decimals.")
    new_symbol = graphene.String(description="Of a change of symbol.")
    new_name = graphene.String(description="How its instrument is called where there is none yet.")
    reason = graphene.String(required=True, description="Recorded with the announcement.")


class WithdrawCorporateActionInput(graphene.InputObjectType):
    """Which action, and why."""

    id = graphene.ID(required=True)
    reason = graphene.String(required=True, description="Recorded with the withdrawal.")


CorporateActionConnection: Final = connection_of(
    "CorporateActionConnection", CorporateAction.object_type(), "Corporate actions, newest first."
)
_ID_DIGITS_MAX: Final = 18


class CorporateActionsQuery(graphene.ObjectType):
    """Looking at corporate actions."""

    corporate_actions = graphene.Field(
        CorporateActionConnection,
        state=graphene.String(description=f"{', '.join(State)}."),
        symbol=graphene.String(),
        **page_arguments(),
        description="What was announced, newest first.",
    )
    corporate_action_progress = graphene.Field(
        CorporateActionProgress,
        required=True,
        id=graphene.ID(required=True),
        description="How far an action is (operators and whoever sees every account).",
    )

    @staticmethod
    async def resolve_corporate_actions(
        root: None,
        info: GraphQLResolveInfo,
        state: str | None = None,
        symbol: str | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """Return a page of them."""
        await access_from(info)
        size = page_size(first)
        rows = CorporateActionRow.objects.all()
        if state is not None:
            rows = rows.filter(state=state)
        if symbol is not None:
            rows = rows.filter(symbol=symbol)
        if after is not None:
            rows = rows.filter(pk__lt=key_of("corporate actions", after, _number))
        found = await on_another_thread(lambda: list(rows[: size + 1]))
        return await page_of(
            found,
            kind="corporate actions",
            size=size,
            key=lambda row: row.pk,
            show=CorporateAction.show,
            after=after,
        )

    @staticmethod
    async def resolve_corporate_action_progress(root: None, info: GraphQLResolveInfo, id: str) -> dict[str, Any]:
        """Return how far one is."""
        access = await access_from(info)
        if not may_on_every_account(access, Action.SEE):
            raise forbidden(
                f"your role on the platform is {access.platform_role}: this needs one that sees every account"
            )
        number = _id(id)

        def work() -> dict[str, Any]:
            row = CorporateActionRow.objects.filter(pk=number).first()
            if row is None:
                raise UnknownCorporateAction(f"there is no corporate action {number}")
            done = progress_of(row)
            failures = [{"code": code, "holders": count} for code, count in done.failures.items()]
            return {
                **done._asdict(),
                "cash_paid": Money().shown(done.cash_paid),
                "failures": failures,
                "obstacle": obstacle_of(row),
            }

        return await _answered(work)


class CorporateActionsMutation(graphene.ObjectType):
    """Announcing and withdrawing."""

    announce_corporate_action = graphene.Field(
        CorporateAction.object_type(),
        required=True,
        input=AnnounceCorporateActionInput(required=True),
        description="Announce a split, a dividend or a change of symbol (operators only). It is applied on its day.",
    )
    withdraw_corporate_action = graphene.Field(
        CorporateAction.object_type(),
        required=True,
        input=WithdrawCorporateActionInput(required=True),
        description="Withdraw an announced action, which nobody has begun to apply (operators only).",
    )

    @staticmethod
    async def resolve_announce_corporate_action(
        root: None, info: GraphQLResolveInfo, input: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Check the terms, and announce."""
        actor = await _operator(info)
        given = dict(input)
        reason = given.pop("reason")

        def work() -> CorporateActionRow:
            session_date = latest_sheet().session_date
            return announce([parse_terms(given)], session_date=session_date, actor=actor, reason=reason)[0]

        return CorporateAction.show(await _answered(work))

    @staticmethod
    async def resolve_withdraw_corporate_action(
        root: None, info: GraphQLResolveInfo, input: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Withdraw it."""
        actor = await _operator(info)
        number = _id(input["id"])
        row = await _answered(lambda: withdraw(number, actor=actor, reason=input["reason"]))
        return CorporateAction.show(row)


async def _operator(info: GraphQLResolveInfo) -> str:
    """Return who asks, if they may change instruments; raises FORBIDDEN."""
    access = await access_from(info)
    if not may_on_every_account(access, Action.MANAGE_INSTRUMENTS):
        needed = " or ".join(sorted(roles_that_may(Action.MANAGE_INSTRUMENTS)))
        raise forbidden(
            why_no_command(access) or f"your role on the platform is {access.platform_role}: this needs {needed}"
        )
    return access.principal.actor


async def _answered(work: Callable[[], T]) -> T:
    try:
        return await on_another_thread(work)
    except (InvalidAnnouncement, InvalidCorporateAction) as error:
        raise ApiError("INVALID_CORPORATE_ACTION", str(error), field=error.field) from error
    except UnknownCorporateAction as error:
        raise ApiError("NOT_FOUND", str(error)) from error
    except NotWithdrawable as error:
        raise ApiError("NOT_WITHDRAWABLE", str(error)) from error
    except InvalidReason as error:
        raise bad_request(str(error)) from error


def _id(text: str) -> int:
    try:
        return _number(text)
    except ValueError as error:
        raise bad_request(f"an action's id is a whole number, found {text[:40]!r}") from error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS_MAX):
        raise ValueError(text)
    return int(text)
