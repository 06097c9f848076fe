"""Trades and new orders of a batch as rows of figures: the form that they have between the scanner of a request and the
writer.

Identifiers of a batch are rows of a matrix of unsigned bytes, ASCII padded with zero bytes: an account id has
TEXT_BYTES of them, and a command id as many (see eventstore/kernels/texts.py).
"""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eventstore.kernels.texts import TEXT_BYTES

Bytes: TypeAlias = NDArray[np.uint8]
Trades: TypeAlias = NDArray[Any]
"""Rows of TRADE."""
Orders: TypeAlias = NDArray[Any]
"""Rows of ORDER."""

TRADE: Final = np.dtype(
    [
        ("quantity", "<i8"),
        ("price", "<i8"),
        ("market_price", "<i8"),
        ("symbol", "<i4"),
        ("other", "<i4"),
        ("order", "<i4"),
        ("is_buy", "?"),
    ],
    align=True,
)
"""A trade, or the trade that a new order may become: `quantity` in millionths of a share, `price` in ten-thousandths of
the account's currency, `symbol` the number in the table of symbols that travels with the batch. The price of an order
is what it is reckoned at: its limit, else its stop, else what the market said, 0 if that said nothing. `market_price`
is what the market said when a trade came in, 0 if it said nothing, and for an order.

`order` is NOT_ORDER for a trade by itself; for a new order the number of its row of ORDER; for a trade that fills an
order FIRST_FILL - k, where k is the number of the order's id among those that travel with the batch. `other` is
NOT_OTHER for these; any other command of the batch is an object, `other` is its number, `order` NOT_ORDER, and the
remaining fields say nothing.
"""

ORDER: Final = np.dtype(
    [
        ("order_id", "u1", (TEXT_BYTES,)),
        ("client_order_id", "u1", (TEXT_BYTES,)),
        ("limit_price", "<i8"),
        ("stop_price", "<i8"),
        ("order_type", "u1"),
        ("time_in_force", "u1"),
    ],
    align=True,
)
"""What a new order has besides: its ids, the prices of its terms in ten-thousandths (0 for one that it does not have),
its type and its time in force by their numbers (orders.py).
"""

NOT_OTHER: Final = -1
NOT_ORDER: Final = -1
FIRST_FILL: Final = -2
