"""What lists can be narrowed by, checked: text of the query in, conditions of the database out."""

from datetime import datetime
from typing import Any, Final

from edge.instants import InvalidInstant, parse_instant
from readmodels.api.graphql.errors import bad_argument
from readmodels.queries import listings
from readmodels.queries.listings import EVENT_TYPES, Conditions

SIDES: Final = ("BUY", "SELL")
ORDER_STATUSES: Final[dict[str, Conditions]] = {
    "open": ((listings.IS_OPEN, None),),
    "closed": ((listings.HAS_ENDED, None),),
    "all": (),
}


def trade_conditions(*, symbol: str | None, side: str | None, begin: str | None, end: str | None) -> Conditions:
    """Return the conditions of a list of trades; raises BAD_REQUEST."""
    return _given(
        (listings.SYMBOL_IS, symbol),
        (listings.SIDE_IS, _side(side)),
        (listings.EXECUTED_FROM, _instant("from", begin)),
        (listings.EXECUTED_BEFORE, _instant("to", end)),
    )


def order_conditions(
    *, status: str | None, symbol: str | None, side: str | None, client_order_id: str | None
) -> Conditions:
    """Return the conditions of a list of orders; raises BAD_REQUEST."""
    asked = status or ("open" if client_order_id is None else "all")
    if asked not in ORDER_STATUSES:
        raise bad_argument(f"`status` is {', '.join(ORDER_STATUSES)}, found {asked[:40]!r}")
    return ORDER_STATUSES[asked] + _given(
        (listings.SYMBOL_IS, symbol),
        (listings.SIDE_IS, _side(side)),
        (listings.CLIENT_ORDER_ID_IS, client_order_id),
    )


def event_conditions(*, types: list[str] | None, begin: str | None, end: str | None) -> Conditions:
    """Return the conditions of a list of events; raises BAD_REQUEST."""
    unknown = sorted(set(types or ()) - EVENT_TYPES)
    if unknown:
        raise bad_argument(f"`types` has no {unknown[0][:40]!r}: there are {', '.join(sorted(EVENT_TYPES))}")
    return _given(
        (listings.TYPE_IS_ONE_OF, None if types is None else _Names(sorted(set(types)))),
        (listings.RECORDED_FROM, _instant("from", begin)),
        (listings.RECORDED_BEFORE, _instant("to", end)),
    )


class _Names(list[str]):
    """A list that can be part of a loader's key: nobody changes it."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))


def _given(*conditions: tuple[listings.Condition, Any]) -> Conditions:
    return tuple(condition for condition in conditions if condition[1] is not None)


def _side(side: str | None) -> str | None:
    if side is not None and side not in SIDES:
        raise bad_argument(f"`side` is BUY or SELL, found {side[:40]!r}")
    return side


def _instant(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except InvalidInstant as error:
        raise bad_argument(f"`{name}`: {error}") from error
