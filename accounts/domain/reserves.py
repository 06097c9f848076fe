"""What working orders keep reserved: a buy cash for every share that is not filled, a sell the shares; of orders of one
OCO group the dearest one, since one of them alone is filled in the end.
"""

from collections.abc import Iterable

from accounts.domain.state import Account, Order


def reserved_with(account: Account, order_id: str, order: Order, now: Order | None) -> tuple[int, int]:
    """Return the account's reserved cash and the symbol's reserved shares once the order of this id is `now`, or ended
    when that is None; `order` says of which symbol and group it is.
    """
    cash, shares = reserved_beside(account, order_id, order)
    kept = _kept([*_others(account, order_id, order), *([] if now is None else [now])])
    return cash + kept[0], shares + kept[1]


def reserved_beside(account: Account, order_id: str, order: Order) -> tuple[int, int]:
    """Return what is reserved without the order of this id and its group."""
    known = account.orders.get(order_id)
    cash, shares = _kept([*_others(account, order_id, order), *([] if known is None else [known])])
    return account.reserved_cash - cash, account.reserved_shares.get(order.symbol, 0) - shares


def _others(account: Account, order_id: str, order: Order) -> list[Order]:
    """Return the other orders of an order's OCO group."""
    if order.oco_group is None:
        return []
    return [each for key, each in account.orders.items() if key != order_id and each.oco_group == order.oco_group]


def _kept(orders: Iterable[Order]) -> tuple[int, int]:
    """Return the cash and the shares that the orders of one group keep: what the dearest of them needs."""
    cash, shares = 0, 0
    for order in orders:
        cash, shares = max(cash, order.reserved_cash), max(shares, order.reserved_shares(order.remaining))
    return cash, shares


def freed_by_fill(account: Account, order_id: str, order: Order, quantity: int) -> tuple[int, int]:
    """Return the cash and the shares that are free once so much of an order is filled, and its group is for as much
    less.
    """
    group = [order, *_others(account, order_id, order)]
    before = _kept(group)
    after = _kept([each._replace(filled_quantity=each.filled_quantity + quantity) for each in group])
    return before[0] - after[0], before[1] - after[1]
