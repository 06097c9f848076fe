"""The query side's part of the GraphQL schema: `account` and `accounts`. Accounts that one may not see do not exist."""

import uuid
from functools import partial
from typing import Any, Final

import graphene
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)

from accounts.scalars import BigInt
from identity.permissions import STAFF, Access
from readmodels.api.graphql.connections import account_version, connection_of, key_of, page_of, page_size
from readmodels.api.graphql.errors import (
    bad_argument,
    not_found,
    too_many_waits,
    unauthenticated,
    version_not_available,
)
from readmodels.api.graphql.loaders import loaders_of
from readmodels.api.graphql.types import Account, page_arguments
from readmodels.api.parameters import VERSION_MAX
from readmodels.projections.rows import Row
from readmodels.queries.account_queries import (
    ACCOUNT,
    PORTFOLIO,
    NoRole,
    VersionNotAvailable,
    accounts_of,
    find_account,
    positions_of_portfolio,
)
from readmodels.queries.version_waits import TooManyWaits
from readmodels.shapes import account_shape

AccountConnection: Final = connection_of("AccountConnection", Account, "Accounts by id.")


class ReadModelsQuery(graphene.ObjectType):
    """Queries of the read models."""

    account = graphene.Field(
        Account,
        id=graphene.ID(required=True),
        min_version=BigInt(
            description="Answer only from data that have this account version; waits up to 2 s, then the error is "
            "VERSION_NOT_AVAILABLE."
        ),
        description="One account; null, and a NOT_FOUND error, when there is none that the asking user may see.",
    )
    accounts = graphene.Field(
        AccountConnection, **page_arguments(), description="The accounts that the asking user may see, by id."
    )

    @staticmethod
    async def resolve_account(
        root: None, info: GraphQLResolveInfo, id: str, min_version: int | None = None
    ) -> dict[str, Any]:
        try:
            account_id = str(uuid.UUID(id))
        except ValueError as error:
            await _access(info)
            raise not_found(id) from error
        access = await _access(info)
        if min_version is not None and not 0 <= min_version <= VERSION_MAX:
            raise bad_argument(f"`minVersion` is from 0 to {VERSION_MAX}, found {min_version}")
        try:
            found, role = await find_account(
                PORTFOLIO if _selects(info, "positions") else ACCOUNT,
                account_id=uuid.UUID(account_id),
                access=access,
                asker=info.context.asker(access),
                min_version=min_version or 0,
                ask_again=partial(_access, info),
            )
        except NoRole as error:
            raise not_found(account_id) from error
        except VersionNotAvailable as error:
            raise version_not_available(error) from error
        except TooManyWaits as error:
            raise too_many_waits(error) from error
        if not found.rows:
            raise not_found(account_id)
        return _shown(info, found.rows, role)

    @staticmethod
    async def resolve_accounts(
        root: None, info: GraphQLResolveInfo, first: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
        """Return a page of accounts."""
        user = (await _access(info)).principal.user
        size = page_size(first)
        key = None if after is None else key_of("accounts", after, lambda text: str(uuid.UUID(text)))
        found = await accounts_of(user, limit=size + 1, after=key, with_positions=_selects(info, "positions"))
        return await page_of(
            found,
            kind="accounts",
            size=size,
            key=lambda rows: rows[0]["account_id"],
            show=lambda rows: _shown(info, rows, rows[0]["role"] or STAFF),
            after=after,
        )


async def _access(info: GraphQLResolveInfo, account_id: str | None = None) -> Access:
    access: Access | None = await info.context.access(account_id)
    if access is None:
        raise unauthenticated()
    return access


def _shown(info: GraphQLResolveInfo, rows: list[Row], role: str) -> dict[str, Any]:
    """Return an account, whose positions are loaded when they were asked for with it: both are as of one moment."""
    account = account_shape(rows[0], role=role)
    if "position_symbol" in rows[0]:
        loaders_of(info).positions.prime(account_version(account), positions_of_portfolio(rows))
    return account


def _selects(info: GraphQLResolveInfo, name: str) -> bool:
    """Tell whether a field of that name is asked for anywhere below."""
    seen: set[str] = set()

    def is_in(selections: SelectionSetNode | None) -> bool:
        return any(is_or_has(node) for node in (selections.selections if selections else ()))

    def is_or_has(node: SelectionNode) -> bool:
        if isinstance(node, FieldNode):
            return node.name.value == name or is_in(node.selection_set)
        if isinstance(node, InlineFragmentNode):
            return is_in(node.selection_set)
        if not isinstance(node, FragmentSpreadNode) or node.name.value in seen:
            return False
        seen.add(node.name.value)
        return is_in(info.fragments[node.name.value].selection_set)

    return any(is_in(node.selection_set) for node in info.field_nodes)
