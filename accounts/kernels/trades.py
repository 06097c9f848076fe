"""Trades of a batch as rows of figures: the form that they have between the scanner of a request and the writer.

Identifiers of a batch are rows of a matrix of unsigned bytes, ASCII padded with zero bytes: an account id has
TEXT_BYTES of them, and a command id as many (see eventstore/kernels/texts.py).
"""

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Trades: TypeAlias = NDArray[Any]
"""Rows of TRADE."""

TRADE: Final = np.dtype(
    [("quantity", "<i8"), ("price", "<i8"), ("symbol", "<i4"), ("other", "<i4"), ("is_buy", "?")], align=True
)
"""A trade: `quantity` in millionths of a share, `price` in ten-thousandths of the account's currency, `symbol` the
number in the table of symbols that travels with the batch. `other` is NOT_OTHER for a trade; any other command of the
batch is an object, `other` is its number and the remaining fields say nothing.
"""

NOT_OTHER: Final = -1
