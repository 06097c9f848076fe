"""What a bar is: open, high, low and close of one instrument over a span, the volume and the number of prices if known.

A bar begins at `at_us`, in UTC: a minute at a full minute, an hour at a full hour, a day at midnight UTC of the date of
its session. Prices are in ten-thousandths of the currency, volumes in millionths of a share. Pure.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 3_600_000_000

SIMULATED: Final = 1
PUSHED: Final = 2
IMPORTED: Final = 3
SOURCES: Final[Mapping[int, str]] = {SIMULATED: "SIMULATED", PUSHED: "PUSHED", IMPORTED: "IMPORTED"}
"""Where the prices of a bar are from, the least real first: a bar that is made of several has the first of theirs."""

PRICE_MAX: Final = 10**11 * 10_000
VOLUME_A_MINUTE_MAX: Final = 6 * 10**9 * 1_000_000
"""So that the volumes of a day's minutes have a sum of 64 bits."""


class Span(NamedTuple):
    """How long bars are, and their table."""

    name: str
    length_us: int
    table: str

    @property
    def volume_max(self) -> int:
        """Return the greatest volume, in millionths of a share."""
        return VOLUME_A_MINUTE_MAX * (self.length_us // MINUTE_US)


MINUTE: Final = Span("1m", MINUTE_US, "bars_1m")
HOUR: Final = Span("1h", HOUR_US, "bars_1h")
DAY: Final = Span("1d", 24 * HOUR_US, "bars_1d")
SPANS: Final[Mapping[str, Span]] = {span.name: span for span in (MINUTE, HOUR, DAY)}


class Bar(NamedTuple):
    """One bar."""

    symbol: str
    at_us: int
    open: int
    high: int
    low: int
    close: int
    volume: int | None
    price_count: int | None
    """How many prices it is made of."""
    source: int
