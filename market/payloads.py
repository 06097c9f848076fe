"""The market as the APIs show it: dictionaries of decimal strings and RFC 3339 times, the same for REST and
WebSocket.

Shapes only; what is in them is decided in `quotes`. Prices have four decimals, times are UTC with
microseconds and "Z".
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from market.instruments.current import Instruments
from market.instruments.definition import shown_fields
from market.money import format_money
from market.quotes import Quote, QuoteSheet
from market.venue.state import VenueState

SIMULATION_NOTE: Final = (
    "Demonstration: daily closes are real prices of the past, replayed; everything within a day is simulated."
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def market_payload(sheet: QuoteSheet, instruments: Instruments, venue: VenueState) -> dict[str, Any]:
    """Return {"session", "venue", "instruments"}: what is traded, by symbol, with its prices if any."""
    quotes = {quote.symbol: quote for quote in sheet.quotes}
    at = format_instant(sheet.made_at_us)
    return {
        "session": session_payload(sheet),
        "venue": venue_payload(venue),
        "instruments": [{**shown, **_prices(quotes.get(shown["symbol"]), at)} for shown in _listed(instruments)],
    }


def session_payload(sheet: QuoteSheet) -> dict[str, Any]:
    """Return {"date", "phase", "simulated", "note"}; the date is null when nothing is known."""
    return {
        "date": sheet.session_date.isoformat() if sheet.session_date else None,
        "phase": sheet.phase.value,
        "simulated": True,
        "note": SIMULATION_NOTE,
    }


def venue_payload(venue: VenueState) -> dict[str, Any]:
    """Return {"is_stopped", "since", "actor", "reason"} of the latest stop or start, if there was one."""
    since = None if venue.at is None else format_time(venue.at)
    return {"is_stopped": venue.is_stopped, "since": since, "actor": venue.actor, "reason": venue.reason}


def snapshot_message(sheet: QuoteSheet, instruments: Instruments, venue: VenueState) -> dict[str, Any]:
    """Return the first message of a WebSocket: {"type": "snapshot", "session", "venue", "instruments"}."""
    return {"type": "snapshot", **market_payload(sheet, instruments, venue)}


def tick_message(sheet: QuoteSheet) -> dict[str, Any]:
    """Return a tick: {"type": "tick", "session", "prices": [{"symbol", "price", "day_high", "day_low",
    "at"}]}.
    """
    at = format_instant(sheet.made_at_us)
    return {
        "type": "tick",
        "session": session_payload(sheet),
        "prices": [
            {
                "symbol": quote.symbol,
                "price": format_money(quote.price),
                "day_high": format_money(quote.day_high),
                "day_low": format_money(quote.day_low),
                "at": at,
            }
            for quote in sheet.quotes
        ],
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


def _prices(quote: Quote | None, at: str) -> dict[str, str | None]:
    if quote is None:
        return _NO_PRICES
    return {
        "price": format_money(quote.price),
        "previous_close": format_money(quote.previous_close),
        "session_open": format_money(quote.session_open),
        "day_high": format_money(quote.day_high),
        "day_low": format_money(quote.day_low),
        "at": at,
    }


_NO_PRICES: Final[dict[str, str | None]] = dict.fromkeys(
    ("price", "previous_close", "session_open", "day_high", "day_low", "at")
)
