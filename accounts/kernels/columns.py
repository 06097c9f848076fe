"""The columns of what kernels are asked and of what comes of it: a row for each command."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accounts.kernels.state import Integers

NOT_ACTIVE: Final = 100
ACCOUNT_CLOSED: Final = 101
NOT_FOUND: Final = 102
"""What keeps a trade from being judged by the rules; below are the numbers of the rules (risk.CODES)."""

OUTCOME: Final = 0
VERSION_AFTER: Final = 1
LIMIT: Final = 2
ACTUAL: Final = 3
VALUE: Final = 2
FEE: Final = 3
CASH_AFTER: Final = 4
POSITION_QUANTITY: Final = 5
POSITION_COST: Final = 6
POSITION_REALIZED_PNL: Final = 7
REALIZED_PNL: Final = 8
TOTAL_REALIZED_PNL: Final = 9
TOTAL_FEES: Final = 10
POSITIONS_COST: Final = 11
PORTFOLIO_VALUE: Final = 12
TRADE_COUNT: Final = 13
DAY_VOLUME: Final = 14
DAY_TRADES: Final = 15
DAY_REALIZED_PNL: Final = 16
RESERVED_CASH: Final = 17
RESERVED_SHARES: Final = 18
"""Of whatever happened to an order: what all orders reserve after it."""
FILLED_QUANTITY: Final = 19
FILLED_VALUE: Final = 20
ORDER_QUANTITY: Final = 21
"""Of a fill, a replacement or an end: its order's, or the new order's."""
RESERVE_PRICE: Final = 2
"""Of a new order, and of one that replaces another one; the next ones are the latter's alone."""
CASH_BETWEEN: Final = 3
SHARES_BETWEEN: Final = 4
"""What all orders reserve once the old one is gone, and the new one does not work yet."""
OLD_QUANTITY: Final = 5
NEW_TERMS: Final = 6
"""Where the new order's type, time in force, limit price and stop price begin."""
OUTCOME_COLUMNS: Final = 22
"""Of a refusal, the third and fourth column are its figures."""

TRADE: Final = -1
OTHER: Final = -2
"""In the place of a row of terms: a trade that fills no order, and what is none of these."""
KIND: Final = 0
ROW: Final = 1
CLIENT: Final = 2
ORDER_TYPE: Final = 3
TIME_IN_FORCE: Final = 4
LIMIT_PRICE: Final = 5
STOP_PRICE: Final = 6
NEW_ROW: Final = 7
ORDER_CELL: Final = 8
CLIENT_CELL: Final = 9
NEW_ORDER_CELL: Final = 10
GIVEN_CELL: Final = 11
TERM_COLUMNS: Final = 12
"""What is asked of an order: a fill has its row and the cell of its id, a new order everything up to the client's cell,
an end the cell of its reason in the place of the client's. An order that replaces another one has everything: the
client and the terms are the new one's, KEPT or 0 where they are the old one's, and GIVEN_CELL says which are given.
"""
KEPT: Final = -1
PLACE: Final = 0
FILL: Final = 1
REPLACE: Final = 2
CANCEL: Final = 3
EXPIRE: Final = 4
REJECT: Final = 5
"""The kinds; from CANCEL on they end an order."""


class Asked(NamedTuple):
    """Commands side by side, an entry for each."""

    symbols: Integers
    """The number of the symbol of each entry, and its cell."""
    symbol_cells: Integers
    are_buys: NDArray[np.bool_]
    quantities: Integers
    """Millionths of a share."""
    prices: Integers
    """Ten-thousandths: a trade's, or what an order is reckoned at."""
    market_prices: Integers
    """What the market said, of trades that fill no order; 0 where it said nothing."""
    terms_of: Integers
    """For each entry a row of `terms` (i8[:, TERM_COLUMNS]), TRADE or OTHER."""
    terms: Integers
