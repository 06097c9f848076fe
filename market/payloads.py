"""The market as the APIs show it: dictionaries of decimal strings and RFC 3339 times, the same for REST and
WebSocket.

Shapes only; what is in them is decided in `quotes`. Prices have four decimals, times are UTC with
microseconds and "Z".
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from market.instruments.current import Instruments
from market.instruments.definition import shown_fields
from market.money import format_money
from market.quotes import Quote, QuoteSheet, QuoteSource, is_quote_stale
from market.venue.state import VenueState

SIMULATION_NOTE: Final = (
    "Demonstration: daily closes are real prices of the past, replayed; everything within a day is simulated."
)
PUSHED_NOTE: Final = "Prices are pushed by a program; the platform does not check where it has them from."
BOTH_NOTE: Final = f"{SIMULATION_NOTE} Prices of the source PUSHED are not: a program sends them."

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def market_payload(
    sheet: QuoteSheet,
    instruments: Instruments,
    venue: VenueState,
    *,
    now_us: int,
    symbols: Collection[str] | None = None,
) -> dict[str, Any]:
    """Return {"session", "venue", "instruments"}: every instrument that is traded, or those of these symbols, with its
    prices if any.
    """
    quotes = {quote.symbol: quote for quote in sheet.quotes}
    return {
        "session": session_payload(sheet),
        "venue": venue_payload(venue),
        "instruments": [
            {**shown, **_prices(quotes.get(shown["symbol"]), sheet, now_us)}
            for shown in _listed(instruments)
            if symbols is None or shown["symbol"] in symbols
        ],
    }


def session_payload(sheet: QuoteSheet) -> dict[str, Any]:
    """Return {"date", "market_time", "phase", "simulated", "note"}; date and time are null when nothing is known."""
    sources = {quote.source for quote in sheet.quotes} or {QuoteSource.SIMULATED}
    note = {
        frozenset({QuoteSource.SIMULATED}): SIMULATION_NOTE,
        frozenset({QuoteSource.PUSHED}): PUSHED_NOTE,
    }.get(frozenset(sources), BOTH_NOTE)
    return {
        "date": sheet.session_date.isoformat() if sheet.session_date else None,
        "market_time": format_instant(sheet.market_time_us) if sheet.session_date else None,
        "phase": sheet.phase.value,
        "simulated": QuoteSource.SIMULATED in sources,
        "note": note,
    }


def venue_payload(venue: VenueState) -> dict[str, Any]:
    """Return {"is_stopped", "since", "actor", "reason"} of the latest stop or start, if there was one."""
    since = None if venue.at is None else format_time(venue.at)
    return {"is_stopped": venue.is_stopped, "since": since, "actor": venue.actor, "reason": venue.reason}


def snapshot_message(
    sheet: QuoteSheet,
    instruments: Instruments,
    venue: VenueState,
    *,
    now_us: int,
    symbols: Collection[str] | None = None,
) -> dict[str, Any]:
    """Return the first message of a WebSocket: {"type": "snapshot", "session", "venue", "instruments"}."""
    return {"type": "snapshot", **market_payload(sheet, instruments, venue, now_us=now_us, symbols=symbols)}


def tick_message(sheet: QuoteSheet, *, now_us: int, symbols: Collection[str] | None = None) -> dict[str, Any]:
    """Return a tick: {"type": "tick", "session", "prices": [{"symbol", "price", "day_high", "day_low", "at", "source",
    "is_stale", "age_seconds"}]}.
    """
    return {
        "type": "tick",
        "session": session_payload(sheet),
        "prices": [
            tick_of(quote, sheet, now_us=now_us) for quote in sheet.quotes if symbols is None or quote.symbol in symbols
        ],
    }


def tick_of(quote: Quote, sheet: QuoteSheet, *, now_us: int) -> dict[str, Any]:
    """Return what a tick says of one symbol."""
    return {
        "symbol": quote.symbol,
        "price": format_money(quote.price),
        "day_high": format_money(quote.day_high),
        "day_low": format_money(quote.day_low),
        **_said(quote, sheet, now_us),
    }


def format_instant(instant_us: int) -> str:
    """Show microseconds since 1970 as RFC 3339 in UTC: "2026-01-31T12:00:00.000000Z"."""
    return format_time(_EPOCH + timedelta(microseconds=instant_us))


def format_time(at: datetime) -> str:
    """Show a time in UTC in the same form."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache(maxsize=1)
def _listed(instruments: Instruments) -> list[dict[str, Any]]:
    """Return what is the same at every look: made once for a snapshot, since it may be of thousands."""
    shown = [shown_fields(each) for each in instruments.by_symbol.values() if each.is_tradable]
    for each in shown:
        del each["is_tradable"]  # All of them are.
    return shown


def _prices(quote: Quote | None, sheet: QuoteSheet, now_us: int) -> dict[str, Any]:
    if quote is None:
        return _NO_PRICES
    return {
        "price": format_money(quote.price),
        "bid": _money(quote.bid),
        "ask": _money(quote.ask),
        "previous_close": _money(quote.previous_close),
        "session_open": format_money(quote.session_open),
        "day_high": format_money(quote.day_high),
        "day_low": format_money(quote.day_low),
        **_said(quote, sheet, now_us),
    }


def _said(quote: Quote, sheet: QuoteSheet, now_us: int) -> dict[str, Any]:
    return {
        "at": format_instant(quote.at_us),
        "source": quote.source.value,
        "is_stale": is_quote_stale(quote, sheet, now_us=now_us),
        "age_seconds": max(now_us - quote.at_us, 0) // 1_000_000,
    }


def _money(value: int | None) -> str | None:
    return None if value is None else format_money(value)


_NO_PRICES: Final[dict[str, Any]] = {
    **dict.fromkeys(("price", "bid", "ask", "previous_close", "session_open", "day_high", "day_low", "at", "source")),
    "is_stale": False,
    "age_seconds": None,
}
