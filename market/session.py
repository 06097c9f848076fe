"""When a trading day's session opens and closes, in real time of that day: 09:30 to 16:00 in New York.

The one place that knows the hours. Not here: which days are trading days (`calendar`), and where the replay is
(`replay`).
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")
OPENS: Final = time(9, 30)
CLOSES: Final = time(16)

_SATURDAY: Final = 5


@lru_cache(maxsize=4096)
def session_bounds_us(day: date) -> tuple[int, int]:
    """Return the instants at which the session of a trading day opens and closes, UTC microseconds."""
    opens, closes = (datetime.combine(day, hour, NEW_YORK) for hour in (OPENS, CLOSES))
    return int(opens.timestamp()) * 1_000_000, int(closes.timestamp()) * 1_000_000


def exchange_day(instant_us: int) -> date:
    """Return the day that it is in New York at an instant."""
    return datetime.fromtimestamp(instant_us // 1_000_000, NEW_YORK).date()


def latest_close_us(now_us: int) -> int:
    """Return when the latest session of a weekday closed; holidays are taken for sessions."""
    day = exchange_day(now_us)
    while day.weekday() >= _SATURDAY or session_bounds_us(day)[1] > now_us:
        day -= timedelta(days=1)
    return session_bounds_us(day)[1]
