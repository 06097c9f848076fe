"""Relay connections over keysets: the size of pages, opaque cursors, and a page of rows as `edges` and `pageInfo`.

A cursor names the row that a page ended with, and of which list it is; it stays good whatever is added meanwhile. What
is inside it is nobody's business and may change.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Final

from readmodels.api.graphql.errors import bad_argument

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
_CURSOR_CHARACTERS_MAX: Final = 100


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


def page_of(
    rows: Sequence[Any],
    *,
    kind: str,
    size: int,
    key: Callable[[Any], Any],
    show: Callable[[Any], Any],
    after: str | None,
) -> dict[str, Any]:
    """Return a connection; `rows` has one row more than `size` when there is a next page."""
    edges = [{"node": show(row), "cursor": cursor_of(kind, key(row))} for row in rows[:size]]
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
