"""Relay connections over keysets: their arguments, the size of pages, opaque cursors, and a page of rows as `edges` and
`pageInfo`.

A cursor names the row that a page ended with, and of which list it is; it stays good whatever is added meanwhile. What
is inside it is nobody's business and may change.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Final

import graphene
from graphene.relay import Connection
from graphql import GraphQLResolveInfo

from accounts.shapes import show_each
from readmodels.api.graphql.errors import bad_argument
from readmodels.api.graphql.loaders import AccountVersion, loaders_of
from readmodels.projections.rows import Row
from readmodels.queries.listings import Bound, Conditions, Listing

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
_CURSOR_CHARACTERS_MAX: Final = 100
_VERSION_DIGITS_MAX: Final = 18
_TO: Final = "Before this instant (RFC 3339)."
_FROM: Final = "From this instant on (RFC 3339)."
_AFTER: Final = "`pageInfo.endCursor` of the page before."
_FIRST: Final = f"How many, at most {PAGE_SIZE_MAX}."


def page_size(first: int | None) -> int:
    """Return how many rows a page has; raises BAD_REQUEST beyond the limits."""
    if first is None:
        return PAGE_SIZE
    if not 1 <= first <= PAGE_SIZE_MAX:
        raise bad_argument(
            f"`first` is from 1 to {PAGE_SIZE_MAX}, found {first}: ask for the next page with "
            "`after: <pageInfo.endCursor>`"
        )
    return first


def cursor_of(kind: str, key: Any) -> str:
    """Return the cursor of a row in the list `kind`."""
    return base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


def key_of(kind: str, cursor: str, parse: Callable[[str], Any]) -> Any:
    """Return the key inside a cursor, parsed; raises BAD_REQUEST for what is not a cursor of that list."""
    try:
        if len(cursor) > _CURSOR_CHARACTERS_MAX:
            raise ValueError
        padding = "=" * (-len(cursor) % 4)
        found, _, key = base64.b64decode(cursor + padding, altchars=b"-_", validate=True).decode().partition(":")
        if found != kind:
            raise ValueError
        return parse(key)
    except (ValueError, binascii.Error) as error:
        raise bad_argument(
            f"`after` is not the cursor of a page of {kind}: give back the `pageInfo.endCursor` of the page before"
        ) from error


async def page_of(
    rows: Sequence[Any],
    *,
    kind: str,
    size: int,
    key: Callable[[Any], Any],
    show: Callable[[Any], Any],
    after: str | None,
) -> dict[str, Any]:
    """Return a connection; `rows` has one row more than `size` when there is a next page."""
    edges = await show_each(lambda row: {"node": show(row), "cursor": cursor_of(kind, key(row))}, rows[:size])
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "page_info": {
            "has_next_page": len(rows) > size,
            "has_previous_page": after is not None,
            "start_cursor": edges[0]["cursor"] if edges else None,
            "end_cursor": edges[-1]["cursor"] if edges else None,
        },
    }


def connection_of(name: str, node: type[graphene.ObjectType], meaning: str) -> type[Connection]:
    """Return the connection type of this name over nodes of a type."""
    nodes = graphene.List(graphene.NonNull(node), required=True, description="The nodes without their cursors.")
    meta = type("Meta", (), {"node": node, "strict_types": True})
    return type(name, (Connection,), {"__doc__": meaning, "Meta": meta, "nodes": nodes})


def page_arguments() -> dict[str, Any]:
    """Return the arguments that every connection has."""
    return {
        "first": graphene.Int(default_value=PAGE_SIZE, description=_FIRST),
        "after": graphene.String(description=_AFTER),
    }


def period_arguments() -> dict[str, Any]:
    """Return the arguments of a connection that can be narrowed to a time."""
    return {
        "begin": graphene.String(name="from", description=_FROM),
        "end": graphene.String(name="to", description=_TO),
    }


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
    return await page_of(rows, kind=kind, size=size, key=lambda row: row[listing.ordered_by], show=show, after=after)


def account_version(account: dict[str, Any]) -> AccountVersion:
    """Return which account an answer shows, and as of which version."""
    return AccountVersion(account["account_id"], account["version"])


def version_of_cursor(key: str) -> int:
    """Return the version inside a cursor; raises ValueError."""
    if not (key.isascii() and key.isdigit() and len(key) <= _VERSION_DIGITS_MAX):
        raise ValueError(f"a cursor's version is a number, found {key!r}")
    return int(key)
