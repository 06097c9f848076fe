"""Taking back what events did to an account, for a group of commands whose place in the journal somebody else took.

A group evolves a *fork*: its figures are its own, its tables (positions, orders, reserved shares) are those of the
account that it was forked from. Copying them would touch every position of an account for a trade in one. So what an
event is about to change in a table is noted, and can be put back. Pure, like the rest: notes come in and go out.
"""

from typing import Any, Final, TypeAlias, get_args

from accounts.domain.account import evolve
from accounts.domain.events import OrderEvent, TradeExecuted
from accounts.domain.state import Account

Note: TypeAlias = tuple[dict[str, Any], str, Any]
"""A table, a key in it, and what stood there: None for nothing."""

_OF_ORDERS: Final = frozenset(get_args(OrderEvent))


def evolve_noted(account: Account, event: Any, notes: list[Note]) -> Account:
    """Apply an event to a fork, as `evolve` does, and note what it changes in the tables."""
    kind = type(event)
    if kind is TradeExecuted:
        symbol, positions = event.symbol, account.positions
        notes.append((positions, symbol, positions.get(symbol)))
    elif kind in _OF_ORDERS:
        order_id, symbol = event.order_id, event.symbol
        notes.append((account.orders, order_id, account.orders.get(order_id)))
        notes.append((account.reserved_shares, symbol, account.reserved_shares.get(symbol)))
    return evolve(account, event)


def undo(notes: list[Note]) -> None:
    """Put everything back that was noted, the latest first; the forks are not to be used any more."""
    for table, key, before in reversed(notes):
        if before is None:
            table.pop(key, None)
        else:
            table[key] = before
    notes.clear()
