"""Trading sessions of the exchanges, with their holidays and early closes, as `exchange_calendars` has them.

The package brings pandas: together they take half a second to load, and a calendar a tenth, South Korea's 1.7 s. So
they are loaded here only, by the first who asks for a calendar that needs them, and become sorted arrays of integers.
Never ask for the first time on an event loop. A calendar is made anew once a month, because it ends a year from now.

An instrument's exchange leads to a calendar by name (`calendar_of`). What is traded around the clock, and whose
exchange is none that is known here, has sessions from midnight to midnight UTC on every day.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib import import_module
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from market.instruments.definition import InstrumentDefinition

ALWAYS: Final = "24/7"
"""The calendar of what is traded around the clock."""
REPLAYED: Final = "XNYS"
"""The calendar of the replayed days."""
FIRST_DAY: Final = date(1990, 1, 1)
"""Where the calendars begin, those that reach so far back; the others have the last twenty years."""
ISO_CALENDARS: Final = frozenset(
    {
        "AIXK",
        "ASEX",
        "BVMF",
        "XAMS",
        "XASX",
        "XBDA",
        "XBEL",
        "XBKK",
        "XBOG",
        "XBOM",
        "XBRA",
        "XBRU",
        "XBSE",
        "XBUD",
        "XBUE",
        "XCSE",
        "XCYS",
        "XDUB",
        "XDUS",
        "XEEE",
        "XETR",
        "XEUR",
        "XFRA",
        "XHAM",
        "XHEL",
        "XHKG",
        "XICE",
        "XIDX",
        "XIST",
        "XJSE",
        "XKAR",
        "XKLS",
        "XKRX",
        "XLIM",
        "XLIS",
        "XLIT",
        "XLJU",
        "XLON",
        "XLUX",
        "XMAD",
        "XMEX",
        "XMIL",
        "XMOS",
        "XNYS",
        "XNZE",
        "XOSL",
        "XPAR",
        "XPHS",
        "XPRA",
        "XRIS",
        "XSAU",
        "XSES",
        "XSGO",
        "XSHG",
        "XSTO",
        "XSTU",
        "XSWX",
        "XTAE",
        "XTAI",
        "XTAL",
        "XTKS",
        "XTSE",
        "XWAR",
        "XWBO",
        "XZAG",
    }
)
"""Exchanges by their ISO 10383 code (MIC)."""
NAMED_EXCHANGES: Final = {
    **dict.fromkeys(("NYSE", "NASDAQ", "NYSE ARCA", "ARCA", "AMEX", "BATS", "CBOE", "IEX", "XNAS", "ARCX"), "XNYS"),
    "ASX": "XASX",
    "B3": "BVMF",
    "BME": "XMAD",
    "BORSA ITALIANA": "XMIL",
    "BSE": "XBOM",
    "EURONEXT AMSTERDAM": "XAMS",
    "EURONEXT BRUSSELS": "XBRU",
    "EURONEXT LISBON": "XLIS",
    "EURONEXT PARIS": "XPAR",
    "HKEX": "XHKG",
    "JSE": "XJSE",
    "KRX": "XKRX",
    "LSE": "XLON",
    "SGX": "XSES",
    "SIX": "XSWX",
    "SSE": "XSHG",
    "TSE": "XTKS",
    "TSX": "XTSE",
    "XETRA": "XETR",
}
"""Exchanges by the name that people give them."""

DAY_US: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1)
_NEW_YORK: Final = ZoneInfo("America/New_York")

Instants = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day of an exchange: from its open to its close, in UTC microseconds, the close not included."""

    day: date
    open_us: int
    close_us: int


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """All sessions of a calendar, oldest first, as arrays of one length; instants are UTC microseconds."""

    calendar: str
    days: Instants
    """Days since 1970-01-01."""
    opens_us: Instants
    closes_us: Instants
    breaks_us: tuple[Instants, Instants]
    """Where the pause at noon begins and ends; both are the close where there is none."""

    def on(self, day: date) -> Session | None:
        """Return the session of a day, None for a day without one."""
        number = (day - _EPOCH).days
        place = int(np.searchsorted(self.days, number))
        return self._session(place) if place < len(self.days) and self.days[place] == number else None

    def is_open(self, at_us: int) -> bool:
        """Tell whether there is trading at an instant."""
        place = int(np.searchsorted(self.opens_us, at_us, side="right")) - 1
        if place < 0 or at_us >= self.closes_us[place]:
            return False
        begin, end = (each[place] for each in self.breaks_us)
        return not begin <= at_us < end

    def between(self, from_us: int, to_us: int) -> list[Session]:
        """Return the sessions of which some part lies in a stretch of time, its end not included."""
        first = int(np.searchsorted(self.closes_us, from_us, side="right"))
        end = int(np.searchsorted(self.opens_us, to_us, side="left"))
        return [self._session(place) for place in range(first, end)]

    def latest_close_us(self, at_us: int) -> int:
        """Return when the latest session closed that is over; the calendar has to reach back to it."""
        return int(self.closes_us[int(np.searchsorted(self.closes_us, at_us, side="right")) - 1])

    def next_open_us(self, at_us: int) -> int | None:
        """Return when the first session opens that has not opened yet; None beyond the calendar."""
        return _next(self.opens_us, at_us)

    def next_close_us(self, at_us: int) -> int | None:
        """Return when the session that is open, or else the next one, closes; None beyond the calendar."""
        return _next(self.closes_us, at_us)

    def covers(self, day: int) -> bool:
        """Tell whether a day (since 1970-01-01) lies between the first and the last session of the calendar."""
        return bool(self.days[0] <= day <= self.days[-1])

    def _session(self, place: int) -> Session:
        return Session(
            day=date.fromordinal(_EPOCH.toordinal() + int(self.days[place])),
            open_us=int(self.opens_us[place]),
            close_us=int(self.closes_us[place]),
        )


def calendar_of(instrument: InstrumentDefinition) -> str:
    """Return the name of the calendar that an instrument's exchange keeps."""
    name = instrument.exchange.upper()
    if instrument.kind == "CRYPTO":
        return ALWAYS
    return NAMED_EXCHANGES.get(name) or (name if name in ISO_CALENDARS else ALWAYS)


def sessions_of(calendar: str) -> Sessions:
    """Return the sessions of a calendar; the first call for one may take seconds, others nothing."""
    now = datetime.now(UTC)
    return _sessions(calendar, now.year, now.month)


def session_bounds_us(day: date) -> tuple[int, int]:
    """Return when the session of a replayed day opens and closes; the replayed days are sessions of New York."""
    session = sessions_of(REPLAYED).on(day)
    if session is None:
        raise ValueError(f"{day} is no session of {REPLAYED}: the replayed days are sessions")
    return session.open_us, session.close_us


def exchange_day(instant_us: int) -> date:
    """Return the day that it is in New York at an instant."""
    return datetime.fromtimestamp(instant_us // 1_000_000, _NEW_YORK).date()


def latest_close_us(now_us: int) -> int:
    """Return when the latest session of New York closed."""
    return sessions_of(REPLAYED).latest_close_us(now_us)


@lru_cache(maxsize=64)
def _sessions(calendar: str, year: int, month: int) -> Sessions:
    if calendar == ALWAYS:
        days = np.arange((FIRST_DAY - _EPOCH).days, (date(year + 2, 1, 1) - _EPOCH).days, dtype=np.int64)
        closes = (days + 1) * DAY_US
        return Sessions(calendar, days, days * DAY_US, closes, (closes, closes))
    package: Any = import_module("exchange_calendars")
    try:
        found = package.get_calendar(calendar, start=FIRST_DAY.isoformat())
    except ValueError:  # It does not reach so far back.
        found = package.get_calendar(calendar)
    closes = _microseconds(found.closes)
    no_break = np.datetime64("NaT").astype(np.int64)
    begins, ends = (
        np.where(each == no_break, closes, each)
        for each in (_microseconds(found.break_starts), _microseconds(found.break_ends))
    )
    days = found.sessions.values.astype("datetime64[D]").astype(np.int64)
    return Sessions(calendar, days, _microseconds(found.opens), closes, (begins, ends))


def _microseconds(instants: Any) -> Instants:
    """Return a series of UTC instants as microseconds since 1970."""
    found: Instants = instants.dt.tz_convert(None).to_numpy(dtype="datetime64[us]").astype(np.int64)
    return found


def _next(instants_us: Instants, at_us: int) -> int | None:
    place = int(np.searchsorted(instants_us, at_us, side="right"))
    return int(instants_us[place]) if place < len(instants_us) else None
