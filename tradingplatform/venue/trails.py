"""Which trailing stops follow the market now. Pure.

A move is recorded when it is a tenth of the trail at least, and once a second an order at most: the stop that counts is
the one that the account has recorded, so nothing of it is lost with the venue, and a market that creeps does not fill
the journal.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from accounts.domain.values import BASIS_POINTS
from tradingplatform.venue.matcher import Flags, Integers, Quote
from tradingplatform.venue.slots import Orders

STEPS_OF_TRAIL: Final = 10
"""A move is one of so many parts of the trail at least."""
TRAIL_SECONDS: Final = 1.0
"""The shortest time between two moves of an order's stop."""
_TRAIL_US: Final = round(TRAIL_SECONDS * 1_000_000)


def prices_for(orders: Orders, quotes: Sequence[Quote | None]) -> Integers:
    """Return the price at which each order would be filled, given the quotes by the numbers of symbols; 0 for none."""
    if not len(orders):
        return np.zeros(0, np.int64)
    sides = np.array([(0, 0) if quote is None else (quote.bid, quote.ask) for quote in quotes], np.int64)
    prices: Integers = sides[orders["symbol"], orders["is_buy"].astype(np.int64)]
    return prices


def are_due(orders: Orders, prices: Integers, *, now: int) -> Flags:
    """Tell which trailing orders follow the market to a price each (0 where it says none), at UTC microseconds. What
    their stops become is accounts/domain/order_terms.py's to say, to the unit.
    """
    trails = np.where(orders["trail_amount"] > 0, orders["trail_amount"], prices * orders["trail_bp"] // BASIS_POINTS)
    moves = np.where(orders["is_buy"], orders["stop_price"] - prices - trails, prices - trails - orders["stop_price"])
    is_far: Flags = (moves > 0) & (moves * STEPS_OF_TRAIL >= trails)
    return is_far & (prices > 0) & (now - orders["trailed_at"] >= _TRAIL_US)
