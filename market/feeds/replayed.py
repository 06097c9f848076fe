"""The replayed market as a source: its prices are SIMULATED, and change with its clock."""

from collections.abc import Callable, Mapping

from market.quotes import Quote, quotes_at
from market.replay import ReplayClock


class ReplayFeed:
    """The quotes of all replayed instruments, said anew at every call: a paused replay's are not old either."""

    def __init__(self, clock: Callable[[], ReplayClock]) -> None:
        """`clock` returns the replay's clock as it is now."""
        self._clock = clock

    async def changed_quotes(self, *, now_us: int) -> Mapping[str, Quote | None]:
        """Return all of them."""
        sheet = quotes_at(self._clock().position(now_us), now_us=now_us)
        return {quote.symbol: quote for quote in sheet.quotes}
