"""The feed port: what a source of quotes offers to the process that merges the sources onto the board.

Not here: which source wins where two know a symbol, what phase the market is in, and who is told of it; that is the
market process's (tradingplatform/market/feed.py). A program outside the platform is no such source: it pushes ticks
over the API, and they are one source here (`pushed`).
"""

from collections.abc import Mapping
from typing import Protocol

from market.quotes import Quote


class QuoteFeed(Protocol):
    """A source of quotes."""

    async def changed_quotes(self, *, now_us: int) -> Mapping[str, Quote | None]:
        """Return the quotes that changed since the call before, at the first call all that there are, by symbol; None
        is a symbol that the source no longer quotes. Raises redis.RedisError and OSError, and then nothing is lost: the
        next call returns it too.
        """
