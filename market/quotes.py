"""Quotes: what instruments cost at one instant, who said so, and how old that knowledge is.

Pure functions. The prices of the replay are SIMULATED but for the close that a day ends at. A sheet of quotes carries
the real time it was made at; one that is too old is shown as STALE, with the prices it has, and nothing is made up. A
single quote that is older than the limit of its source is stale by itself: it is shown with its age, and nothing is
traded at it.
"""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from market.calendar import trading_days
from market.corporate_actions.adjustments import NO_ADJUSTMENTS, Adjustments, Replayed
from market.intraday import SESSION_STEPS, bar_until, day_path
from market.money import PRICE_MAX
from market.prices import replayed_symbols
from market.replay import Phase, ReplayPosition
from market.sessions import exchange_day, latest_close_us, session_bounds_us

QUOTES_AGE_US_MAX: Final = 10_000_000
PUSHED_AGE_US_MAX: Final = 60_000_000
"""How old a pushed quote may be where no setting says otherwise."""


class QuoteSource(StrEnum):
    """Where a price is from: the replayed market, or a program that pushed it."""

    SIMULATED = "SIMULATED"
    PUSHED = "PUSHED"


@dataclass(frozen=True, slots=True)
class Quote:
    """The prices of one instrument in ten-thousandths of its currency; `at_us` is the real time (UTC microseconds) at
    which the price was said. `previous_close` is None where nobody has said it.

    Bid, ask and their sizes (millionths of a share) are there where the source said them.
    """

    symbol: str
    price: int
    previous_close: int | None
    session_open: int
    day_high: int
    day_low: int
    at_us: int
    source: QuoteSource = QuoteSource.SIMULATED
    bid: int | None = None
    ask: int | None = None
    bid_size: int | None = None
    ask_size: int | None = None


@dataclass(frozen=True, slots=True)
class QuoteSheet:
    """All quotes of one instant; `made_at_us` is real time, `session_date` the day that is replayed, `closed_at_us` the
    real time at which the latest session closed. `market_time_us` is the market's own instant (UTC microseconds): that
    of the replayed day, or the real time where the market is a real one. A pushed quote is good for
    `pushed_age_us_max`.

    The sheet of a market of which nothing is known is `UNKNOWN_MARKET`: STALE, without date and without
    quotes.
    """

    session_date: date | None
    phase: Phase
    made_at_us: int
    quotes: tuple[Quote, ...]
    closed_at_us: int = 0
    market_time_us: int = 0
    pushed_age_us_max: int = PUSHED_AGE_US_MAX


UNKNOWN_MARKET: Final = QuoteSheet(session_date=None, phase=Phase.STALE, made_at_us=0, quotes=())


def quotes_at(position: ReplayPosition, *, now_us: int, adjustments: Adjustments = NO_ADJUSTMENTS) -> QuoteSheet:
    """Return the quotes of all replayed instruments at a position of the replay, which it has at `now_us`; under the
    symbols that they have then, and divided by their splits. One that reverse splits have brought above PRICE_MAX is
    left out.
    """
    replayed = adjustments.replayed(replayed_symbols(), at_us=now_us)
    quotes = (_quote(symbol, replayed[symbol], position, now_us) for symbol in sorted(replayed))
    quotable = tuple(quote for quote in quotes if max(quote.day_high, quote.previous_close or 0) <= PRICE_MAX)
    return replace(replayed_session(position, now_us=now_us), quotes=quotable)


def replayed_session(position: ReplayPosition, *, now_us: int) -> QuoteSheet:
    """Return a sheet without quotes that says what the replayed market is doing."""
    return QuoteSheet(
        session_date=trading_days()[position.day_index],
        phase=position.phase,
        made_at_us=now_us,
        quotes=(),
        closed_at_us=position.closed_at_us,
        market_time_us=market_time_us(position),
    )


def real_session(*, now_us: int, is_paused: bool) -> QuoteSheet:
    """Return a sheet without quotes of a market that has no replay: it is the real time, and the market is open as long
    as somebody pushes prices.
    """
    return QuoteSheet(
        session_date=exchange_day(now_us),
        phase=Phase.PAUSED if is_paused else Phase.OPEN,
        made_at_us=now_us,
        quotes=(),
        closed_at_us=latest_close_us(now_us),
        market_time_us=now_us,
    )


def market_time_us(position: ReplayPosition) -> int:
    """Return the instant of the replayed day that a position is at; a closed market stays at its close."""
    opens_us, closes_us = session_bounds_us(trading_days()[position.day_index])
    return opens_us + (closes_us - opens_us) * position.step // SESSION_STEPS


def is_stale(*, made_at_us: int, now_us: int) -> bool:
    """Tell whether quotes made at one instant can no longer be called current at another."""
    return abs(now_us - made_at_us) > QUOTES_AGE_US_MAX


def as_of(sheet: QuoteSheet, *, now_us: int) -> QuoteSheet:
    """Return the sheet as it is to be shown now: unchanged, or with the phase STALE when it is too old."""
    return replace(sheet, phase=Phase.STALE) if is_stale(made_at_us=sheet.made_at_us, now_us=now_us) else sheet


def is_quote_stale(quote: Quote, sheet: QuoteSheet, *, now_us: int) -> bool:
    """Tell whether a quote of a sheet is too old to be traded at: by itself, or with the whole sheet."""
    if sheet.phase is Phase.STALE or is_stale(made_at_us=sheet.made_at_us, now_us=now_us):
        return True
    age_us_max = sheet.pushed_age_us_max if quote.source is QuoteSource.PUSHED else QUOTES_AGE_US_MAX
    return abs(now_us - quote.at_us) > age_us_max


def tradable_quotes(sheet: QuoteSheet, *, now_us: int) -> list[Quote]:
    """Return the quotes that orders may be filled at: of a paused market none, of a replay whose session is closed the
    pushed ones alone.
    """
    if sheet.phase is Phase.PAUSED:
        return []
    return [
        quote
        for quote in sheet.quotes
        if (sheet.phase is Phase.OPEN or quote.source is QuoteSource.PUSHED)
        and not is_quote_stale(quote, sheet, now_us=now_us)
    ]


def _quote(symbol: str, replayed: Replayed, position: ReplayPosition, now_us: int) -> Quote:
    path = day_path(symbol=replayed.path, day_index=position.day_index)
    bar = bar_until(path, step=position.step)
    return Quote(
        symbol=symbol,
        price=replayed.price(bar.close),
        previous_close=replayed.price(path.previous_close),
        session_open=replayed.price(bar.open),
        day_high=replayed.price(bar.high),
        day_low=replayed.price(bar.low),
        at_us=now_us,
    )
