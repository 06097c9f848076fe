"""The query side's part of the GraphQL schema: `account` and `accounts`. Accounts that one may not see do not exist."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import graphene
from asgiref.sync import sync_to_async
from graphene.relay import Connection
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)

from accounts.permissions import STAFF, Access, accessible_account_ids, roles_by_account
from accounts.scalars import BigInt
from readmodels import queries
from readmodels.api.parameters import VERSION_MAX
from readmodels.graphql.connections import key_of, page_of, page_size
from readmodels.graphql.errors import bad_argument, not_found, too_many_waits, unauthenticated, version_not_available
from readmodels.graphql.loaders import loaders_of
from readmodels.graphql.pages import account_version
from readmodels.graphql.types import Account, page_arguments
from readmodels.listings import with_positions
from readmodels.projections.rows import Row
from readmodels.queries import VersionNotAvailable
from readmodels.shapes import account_shape
from readmodels.version_waits import Patience, TooManyWaits


class AccountConnection(Connection):
    """Accounts by id."""

    class Meta:
        """Of accounts."""

        node, strict_types = Account, True

    nodes = graphene.List(graphene.NonNull(Account), required=True, description="The nodes without their cursors.")


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
        """Return an account."""
        try:
            account_id = str(uuid.UUID(id))
        except ValueError as error:
            await _access(info)
            raise not_found(id) from error
        access = await _access(info, account_id)
        if access.role is None:
            raise not_found(account_id)
        if min_version is not None and not 0 <= min_version <= VERSION_MAX:
            raise bad_argument(f"`minVersion` is from 0 to {VERSION_MAX}, found {min_version}")
        if min_version is not None and await _wait_for_version(info, access, account_id, min_version):
            access = await _access(info, account_id)  # It may have ended meanwhile.
            if access.role is None:
                raise not_found(account_id)
        rows = await _read_accounts(info, partial(_account_rows, account_id))
        if not rows:
            raise not_found(account_id)
        return account_shape(rows[0], role=access.role)

    @staticmethod
    async def resolve_accounts(
        root: None, info: GraphQLResolveInfo, first: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
        """Return a page of accounts."""
        user = (await _access(info)).principal.user
        size = page_size(first)
        key = None if after is None else key_of("accounts", after, lambda text: str(uuid.UUID(text)))
        account_ids, roles = await sync_to_async(_accounts_of)(user)
        rows = await _read_accounts(info, partial(queries.accounts, account_ids=account_ids, limit=size + 1, after=key))
        return page_of(
            rows,
            kind="accounts",
            size=size,
            key=lambda row: row["account_id"],
            show=lambda row: account_shape(row, role=roles.get(str(row["account_id"]), STAFF)),
            after=after,
        )


async def _access(info: GraphQLResolveInfo, account_id: str | None = None) -> Access:
    access: Access | None = await info.context.access(account_id)
    if access is None:
        raise unauthenticated()
    return access


def _accounts_of(user: Any) -> tuple[list[str] | None, dict[str, str]]:
    return accessible_account_ids(user), roles_by_account(user)


def _account_rows(account_id: str) -> list[Row]:
    row = queries.account(account_id=account_id)
    return [] if row is None else [row]


async def _read_accounts(info: GraphQLResolveInfo, read: Callable[[], list[Row]]) -> list[Row]:
    """Read account rows; when their positions are asked for as well, both as of one moment."""
    if not _selects(info, "positions"):
        return await sync_to_async(read)()
    rows, positions = await sync_to_async(with_positions)(read)
    loader = loaders_of(info).positions
    for row in rows:
        account_id = str(row["account_id"])
        loader.prime(account_version({"account_id": account_id, "version": row["version"]}), positions[account_id])
    return rows


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


async def _wait_for_version(info: GraphQLResolveInfo, access: Access, account_id: str, min_version: int) -> bool:
    """Return once what is read here has the version, and whether it was waited for.

    Raises VERSION_NOT_AVAILABLE, or TOO_MANY_WAITS.
    """
    has_waited = False
    patience = Patience(account_id=account_id, asker=info.context.asker(access))
    while True:
        found = await sync_to_async(queries.version_of)(account_id=account_id)
        if found >= min_version:
            return has_waited
        if patience.is_over:
            raise version_not_available(VersionNotAvailable(wanted=min_version, found=found))
        has_waited = True
        try:
            await patience.wait(min_version)
        except TooManyWaits as error:
            raise too_many_waits(error) from error
