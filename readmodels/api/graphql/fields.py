"""Fields and arguments that several types of the schema have."""

from typing import Any, Final

import graphene

from readmodels.api.graphql.connections import PAGE_SIZE, PAGE_SIZE_MAX

_FIRST: Final = f"How many, at most {PAGE_SIZE_MAX}."
_AFTER: Final = "`pageInfo.endCursor` of the page before."
_FROM: Final = "From this instant on (RFC 3339)."
_TO: Final = "Before this instant (RFC 3339)."


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
