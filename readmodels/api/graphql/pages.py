"""A page of an account's rows, through the request's loaders: the same for trades, events and days."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from readmodels.api.graphql.connections import key_of, page_of, page_size
from readmodels.api.graphql.loaders import AccountVersion, loaders_of
from readmodels.projections.rows import Row
from readmodels.queries.listings import Bound, Conditions, Listing

_VERSION_DIGITS_MAX = 18


async def newest_page(
    info: GraphQLResolveInfo,
    account: dict[str, Any],
    *,
    kind: str,
    listing: Listing,
    first: int | None,
    after: str | None,
    parse: Callable[[str], Any],
    start: int | str,
    conditions: Conditions,
    show: Callable[[Row], dict[str, Any]],
) -> dict[str, Any]:
    """Return a connection of an account's rows, newest first.

    `start` is the bound above the first page, `parse` reads the bound out of a cursor. Never past the account's version
    as this answer shows it, whatever the cursor says.
    """
    size = page_size(first)
    below = start
    if after is not None:
        key = key_of(kind, after, parse)
        below = min(key, start) if isinstance(start, int) else key
    asked = account_version(account)
    rows = await loaders_of(info).newest(
        listing=listing, account=asked, bound=Bound(asked.account_id, below), limit=size + 1, conditions=conditions
    )
    return page_of(rows, kind=kind, size=size, key=lambda row: row[listing.ordered_by], show=show, after=after)


def account_version(account: dict[str, Any]) -> AccountVersion:
    """Return which account an answer shows, and as of which version."""
    return AccountVersion(account["account_id"], account["version"])


def version_of_cursor(key: str) -> int:
    """Return the version inside a cursor; raises ValueError."""
    if not (key.isascii() and key.isdigit() and len(key) <= _VERSION_DIGITS_MAX):
        raise ValueError(f"a cursor's version is a number, found {key!r}")
    return int(key)
