"""The replayed market as a source: its prices are SIMULATED, and change with its clock and with corporate actions."""

from collections.abc import Callable, Mapping

from market.instruments.current import current_instruments
from market.quotes import Quote, quotes_at
from market.replay import ReplayClock


class ReplayFeed:
    """The quotes of all replayed instruments, said anew at every call: a paused replay's are not old either."""

    def __init__(self, clock: Callable[[], ReplayClock]) -> None:
        """`clock` returns the replay's clock as it is now."""
        self._clock = clock
        self._quoted: frozenset[str] = frozenset()

    async def changed_quotes(self, *, now_us: int) -> Mapping[str, Quote | None]:
        """Return all of them; None for a symbol that has become another one."""
        adjustments = current_instruments().adjustments
        sheet = quotes_at(self._clock().position(now_us), now_us=now_us, adjustments=adjustments)
        quotes = {quote.symbol: quote for quote in sheet.quotes}
        gone = self._quoted - quotes.keys()
        self._quoted = frozenset(quotes)
        return {**quotes, **dict.fromkeys(gone)}
