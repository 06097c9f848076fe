"""Data loaders of one request: what the resolvers of many accounts ask for at once becomes one query.

Every key holds the account's version that the answer shows, so nothing older is given again to a later field of the
same request. Each batch is one statement, without a thread.
"""

from typing import Any, NamedTuple

from graphene.utils.dataloader import DataLoader
from graphql import GraphQLResolveInfo

from edge.database import STATEMENT_SECONDS_MAX
from readmodels.api.graphql.errors import query_timeout
from readmodels.projections.rows import Row
from readmodels.queries.listings import Bound, Conditions, Listing, SearchTooLong, orders_of, pages, positions_of


class AccountVersion(NamedTuple):
    """An account as an answer shows it."""

    account_id: str
    version: int


class Loaders:
    """The loaders of one request."""

    def __init__(self) -> None:
        self.positions = DataLoader(_load_positions)
        self.orders = DataLoader(_load_orders)
        self._pages: dict[tuple[Listing, int, Conditions], DataLoader] = {}

    async def newest(
        self, *, listing: Listing, account: AccountVersion, bound: Bound, limit: int, conditions: Conditions = ()
    ) -> list[Row]:
        """Return an account's rows below the bound, newest first; raises QUERY_TIMEOUT."""
        asked = (listing, limit, conditions)
        if asked not in self._pages:
            self._pages[asked] = DataLoader(_PageBatch(*asked).load)
        found: list[Row] = await self._pages[asked].load((account, bound))
        return found


def loaders_of(info: GraphQLResolveInfo) -> Loaders:
    """Return the request's loaders, which its context keeps."""
    loaders: Loaders | None = getattr(info.context, "loaders", None)
    if loaders is None:
        loaders = info.context.loaders = Loaders()
    return loaders


class _PageBatch(NamedTuple):
    listing: Listing
    limit: int
    conditions: Conditions

    async def load(self, keys: list[tuple[AccountVersion, Bound]]) -> list[list[Row]]:
        try:
            return await pages(
                listing=self.listing,
                bounds=[bound for _, bound in keys],
                limit=self.limit,
                conditions=self.conditions,
            )
        except SearchTooLong as error:
            raise query_timeout(STATEMENT_SECONDS_MAX) from error


async def _load_positions(keys: list[AccountVersion]) -> list[list[Row]]:
    account_ids = {key.account_id for key in keys}
    found: dict[str, list[Any]] = await positions_of(account_ids=account_ids)
    return [found[key.account_id] for key in keys]


async def _load_orders(keys: list[tuple[str, str]]) -> list[Row | None]:
    found: dict[tuple[str, str], Row] = await orders_of(keys=keys)
    return [found.get(key) for key in keys]
