"""When a trading day's session opens and closes, in real time of that day: 09:30 to 16:00 in New York.

The one place that knows the hours. Not here: which days are trading days (`calendar`), and where the replay is
(`replay`).
"""

from datetime import date, datetime, time
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
OPENS: Final = time(9, 30)
CLOSES: Final = time(16)


@lru_cache(maxsize=4096)
def session_bounds_us(day: date) -> tuple[int, int]:
    """Return the instants at which the session of a trading day opens and closes, UTC microseconds."""
    opens, closes = (datetime.combine(day, hour, NEW_YORK) for hour in (OPENS, CLOSES))
    return int(opens.timestamp()) * 1_000_000, int(closes.timestamp()) * 1_000_000
