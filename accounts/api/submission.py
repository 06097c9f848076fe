"""What every mutation does: know who asks, check that they may, parse, send one command, answer.

A refusal by the domain is an answer (CommandRefused); what the platform itself could not do is a GraphQL error with a
stable `extensions.code`.
"""

from collections.abc import Callable
from typing import Any

import graphene
from asgiref.sync import sync_to_async
from graphql import GraphQLResolveInfo

from accounts.api.answers import answer_of, refusal
from accounts.api.graphql.errors import ApiError, forbidden, not_found, unauthenticated
from accounts.api.parsing import factories
from accounts.domain.commands import AccountCommand
from accounts.domain.errors import CommandInvalid
from accounts.writer.bus.ports import get_bus
from accounts.writer.envelope import Envelope, NotExecuted, SystemCode
from identity.actors import user_reference
from identity.permissions import OWNER, Access, Action, grant_ownership, role_on_account, why_no_command, why_not

_SYSTEM_CODES = frozenset(code.value for code in SystemCode)


async def submit(
    info: GraphQLResolveInfo,
    *,
    account_id: str,
    command_id: str | None,
    make_command: Callable[[str], AccountCommand],
    action: Action,
) -> graphene.ObjectType:
    """Send a command for an existing account on behalf of the asking user; `make_command` is given its id, checked."""
    try:
        checked_account_id = factories.account_id(account_id)
    except CommandInvalid as error:
        await access_from(info)
        return _refused(error, account_id=account_id, command_id=command_id or "")
    access = await access_from(info, checked_account_id)
    reason = why_not(access, checked_account_id, action)
    if reason is not None:
        raise forbidden(reason)
    try:
        checked_command_id = factories.command_id(command_id)
        command = make_command(checked_command_id)
    except CommandInvalid as error:
        return _refused(error, account_id=account_id, command_id=command_id or "")
    return await send(
        Envelope(
            aggregate_id=checked_account_id,
            command_id=checked_command_id,
            actor=access.principal.actor,
            command=command,
        )
    )


async def submit_opening(
    info: GraphQLResolveInfo, *, command_id: str | None, make_command: Callable[[str], AccountCommand]
) -> graphene.ObjectType:
    """Open an account for the asking user, who owns it before it exists: so none is ever without an owner.

    Ownership is given by the first try alone. Sent again, the command is answered to whoever has a role on the account
    by then, as any other is; to somebody who has none the account does not exist.
    """
    access = await access_from(info)
    reason = why_no_command(access)
    if reason is not None:
        raise forbidden(reason)
    principal = access.principal
    owner = user_reference(principal.user.pk)
    try:
        checked_command_id = factories.command_id(command_id)
        command = make_command(owner)
    except CommandInvalid as error:
        return _refused(error, account_id="", command_id=command_id or "")
    account_id = factories.account_id_for(owner=owner, command_id=checked_command_id)
    role = await sync_to_async(_role_of_opener)(principal.user, account_id)
    if role is None:
        raise not_found(account_id)
    reason = why_not(access._replace(role=role), account_id, Action.TRADE)
    if reason is not None:
        raise forbidden(reason)
    return await send(
        Envelope(aggregate_id=account_id, command_id=checked_command_id, actor=principal.actor, command=command)
    )


def _role_of_opener(user: Any, account_id: str) -> str | None:
    return OWNER if grant_ownership(user=user, account_id=account_id) else role_on_account(user, account_id)


async def access_from(info: GraphQLResolveInfo, account_id: str | None = None) -> Access:
    """Return who asks, with their role on an account; raises UNAUTHENTICATED."""
    access: Access | None = await info.context.access(account_id)
    if access is None:
        raise unauthenticated()
    return access


async def send(envelope: Envelope) -> graphene.ObjectType:
    """Send one command over the bus and return its answer; raises ApiError for the platform's own failures."""
    (result,) = await get_bus().asubmit([envelope])
    if not isinstance(result, NotExecuted):
        return answer_of(result)
    if result.code in _SYSTEM_CODES:
        raise ApiError(result.code, result.message, command_id=result.command_id, retry_after_ms=result.retry_after_ms)
    return refusal(code=result.code, message=result.message, account_id=result.account_id, command_id=result.command_id)


def _refused(error: CommandInvalid, *, account_id: str, command_id: str) -> graphene.ObjectType:
    return refusal(code=error.code.value, message=error.message, account_id=account_id, command_id=command_id)
