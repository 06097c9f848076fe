"""Working orders side by side: a row for each, its *slot*, found by the ids of its account and its own. Pure."""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eventstore.kernels.texts import TEXT_BYTES, Texts
from tradingplatform.venue.matcher import Integers

Orders: TypeAlias = NDArray[Any]
"""Rows of ORDER_ROW."""
Slots: TypeAlias = Integers

ORDER_ROW: Final = np.dtype(
    [
        ("works", "?"),
        ("is_buy", "?"),
        ("is_frozen", "?"),
        ("is_over", "?"),
        ("is_resting", "?"),
        ("is_waiting", "?"),
        ("is_held", "?"),
        ("is_triggered", "?"),
        ("asked", "u1"),
        ("time_in_force", "u1"),
        ("refusals", "u1"),
        ("failures", "u1"),
        ("reason", "<i2"),
        ("symbol", "<i4"),
        ("partition", "<i4"),
        ("quantity", "<i8"),
        ("filled_quantity", "<i8"),
        ("limit_price", "<i8"),
        ("stop_price", "<i8"),
        ("trail_amount", "<i8"),
        ("trail_bp", "<i8"),
        ("trailed_at", "<i8"),
        ("expires_at", "<i8"),
        ("placed_at", "<i8"),
        ("position", "<i8"),
        ("account_id", "u1", (TEXT_BYTES,)),
        ("order_id", "u1", (TEXT_BYTES,)),
        ("asked_id", "u1", (TEXT_BYTES,)),
    ],
    align=True,
)
"""A working order. Prices are in ten-thousandths, 0 for one that it does not have; quantities in millionths of a share.

`is_frozen` says that its account takes no fill; `is_over` that its session or its time is over; `is_resting` that
nothing more is asked for unless an event moves it on; `is_waiting` that it is matched again when fewer orders of its
partition are asked for; `is_held` that it waits for another order's fill; `is_triggered` that its stop was reached. A
trailing stop has one of the trails, and `trailed_at` says when it was last asked to follow the market. `asked` is what
is asked for and not known to have happened, NOTHING or the kind of an ask, `asked_id` the id of that command; `reason`
why the order is to be ended, WORKS_ON while it is not.
"""

WORKS_ON: Final = 0
"""The reason of an order that is not to be ended."""
_SLOTS_AT_FIRST: Final = 64


class OrderSlots:
    """Rows of ORDER_ROW; those of orders that are gone are all zero, and are given again."""

    def __init__(self) -> None:
        self.rows: Orders = np.zeros(_SLOTS_AT_FIRST, ORDER_ROW)
        """Another array once there was no room: read it anew after `add`."""
        self._slots: dict[bytes, int] = {}
        self._free: list[int] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._slots)

    def find(self, account_ids: Texts, order_ids: Texts) -> Slots:
        """Return the slots of orders, -1 for what works no more, or never did here."""
        find = self._slots.get
        return np.array([find(key, -1) for key in _keys(account_ids, order_ids)], np.int64)

    def _new(self, count: int) -> Slots:
        reused = self._free[-count:]
        del self._free[-count:]
        first, self._count = self._count, self._count + count - len(reused)
        if self._count > len(self.rows):
            grown = np.zeros(1 << (self._count - 1).bit_length(), ORDER_ROW)
            grown[: len(self.rows)] = self.rows
            self.rows = grown
        return np.array([*reused, *range(first, self._count)], np.int64)

    def add(self, rows: Orders) -> Slots:
        """Add orders, and return their slots."""
        slots = self._new(len(rows))
        self.rows[slots] = rows
        self._slots.update(zip(_keys(rows["account_id"], rows["order_id"]), slots.tolist(), strict=True))
        return slots

    def remove(self, slots: Slots) -> None:
        """Remove orders, each of which is there."""
        for key in _keys(self.rows["account_id"][slots], self.rows["order_id"][slots]):
            del self._slots[key]
        self.rows[slots] = np.zeros((), ORDER_ROW)
        self._free += slots.tolist()


def _keys(account_ids: Texts, order_ids: Texts) -> list[bytes]:
    keys: list[bytes] = np.concatenate([account_ids, order_ids], axis=1).view(f"S{2 * TEXT_BYTES}").ravel().tolist()
    return keys
