"""The venue over GraphQL: operators stop and start it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.graphql.errors import bad_request, forbidden
from accounts.api.submission import access_from
from accounts.shapes import Flag, Instant, ObjectShape, Text
from edge.request_thread import on_another_thread
from identity.permissions import Access, Action, may_on_every_account, roles_that_may, why_no_command
from market.instruments.changes import InvalidReason
from market.venue.changes import set_stopped, stored_state
from market.venue.state import VenueState


class Venue(ObjectShape):
    """Whether the venue was stopped by hand. While it is, nothing is filled; orders can be placed and cancelled."""

    is_stopped = Flag()
    since = Instant("Of the latest stop or start; null before the first", of="at", null=True)
    actor = Text("Who stopped or started it; empty before the first time")
    reason = Text()


class VenueChanged(graphene.ObjectType):
    """The venue as it is after what somebody asked for."""

    venue = graphene.Field(Venue.object_type(), required=True)
    is_changed = graphene.Boolean(required=True, description="False when it was that already: nothing was recorded.")


class VenueMutation(graphene.ObjectType):
    """Stopping and starting it."""

    stop_venue = graphene.Field(
        VenueChanged,
        required=True,
        reason=graphene.String(required=True, description="Recorded with the stop."),
        description="Let the venue fill and end nothing until it is started (operators only). Orders wait.",
    )
    start_venue = graphene.Field(
        VenueChanged,
        required=True,
        reason=graphene.String(required=True, description="Recorded with the start."),
        description="Let a stopped venue go on, with the market's prices of then (operators only).",
    )

    @staticmethod
    async def resolve_stop_venue(root: None, info: GraphQLResolveInfo, reason: str) -> Mapping[str, Any]:
        """Stop it."""
        return await _changed(info, is_stopped=True, reason=reason)

    @staticmethod
    async def resolve_start_venue(root: None, info: GraphQLResolveInfo, reason: str) -> Mapping[str, Any]:
        """Start it."""
        return await _changed(info, is_stopped=False, reason=reason)


async def _changed(info: GraphQLResolveInfo, *, is_stopped: bool, reason: str) -> Mapping[str, Any]:
    access = await access_from(info)
    if not may_on_every_account(access, Action.STOP_VENUE):
        raise forbidden(_why_not(access))
    change = partial(set_stopped, is_stopped=is_stopped, actor=access.principal.actor, reason=reason)

    def work() -> tuple[bool, VenueState]:
        return change(), stored_state()

    try:
        is_changed, state = await on_another_thread(work)
    except InvalidReason as error:
        raise bad_request(str(error)) from error
    return {"venue": Venue.show(state), "is_changed": is_changed}


def _why_not(access: Access) -> str:
    needed = " or ".join(sorted(roles_that_may(Action.STOP_VENUE)))
    return why_no_command(access) or f"your role on the platform is {access.platform_role}: this needs {needed}"
