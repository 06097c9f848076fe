"""WebSocket /ws/market: a snapshot of the market, then every tick of the feed, for anyone who is logged in. When an
instrument has changed, or the venue was stopped or started, a snapshot comes again.

A client sees everything that is traded, or the symbols that it subscribes to: `/ws/market?symbols=KO,AAPL`, or
{"type": "subscribe", "symbols": ["KO"]} and {"type": "unsubscribe", "symbols": [...]} later. A tick holds all prices
that a client sees, so one that reads slowly is sent the latest and misses nothing that counts. When none has come for
10 seconds the client gets a tick of what is known, with the phase STALE. {"type": "resync"} is answered with a new
snapshot; {"type": "heartbeat", "at"} goes out every 15 seconds.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, ClassVar, Final, Literal
from urllib.parse import parse_qs

import msgspec

from edge.sockets import LiveConsumer
from market.instruments.current import current_instruments, current_venue
from market.live_quotes import live_quotes
from market.payloads import format_instant
from market.quotes import is_stale
from market.replay import Phase

HEARTBEAT_S: Final = 15.0
TICK_CHECK_S: Final = 2.0
SYMBOLS_MAX: Final = 2_000
"""Symbols that one socket subscribes to; who needs more subscribes to none and is sent all."""


class MarketMessage(msgspec.Struct, forbid_unknown_fields=True):
    """Asks for a snapshot again, or for other symbols."""

    type: Literal["resync", "subscribe", "unsubscribe"]
    symbols: list[str] | None = None


class MarketConsumer(LiveConsumer):
    """One client's connection; holds what it subscribed to, and the age of what it has been shown."""

    message_type: ClassVar[Any] = MarketMessage
    message_help: ClassVar[str] = (
        '{"type": "resync"}, {"type": "subscribe", "symbols": ["KO"]} and {"type": "unsubscribe", "symbols": ["KO"]}'
    )

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.symbols: frozenset[str] | None = None
        """Those that it subscribed to; None is everything."""
        self.shown_at_us = 0
        self.is_shown_stale = False
        self.versions_shown = (0, 0)
        self._news = asyncio.Event()

    async def begin(self, user: Any) -> None:
        """Follow the quotes, and send the market as it is."""
        self._quotes = live_quotes()
        await self._quotes.join(self._news)
        asked = parse_qs(self.scope.get("query_string", b"").decode("ascii", "replace")).get("symbols", [])
        if asked:
            await self._subscribe([symbol for text in asked for symbol in text.split(",") if symbol])
        await self._send_snapshot()
        self.go_on(self._send_ticks())
        self.go_on(self._watch())

    async def disconnect(self, code: int) -> None:
        """Stop what goes on, and follow no more."""
        await super().disconnect(code)
        if hasattr(self, "_quotes"):
            await self._quotes.leave(self._news)

    async def message(self, message: MarketMessage) -> None:
        """Send the market as it is again, or as the client wants to see it now."""
        if message.type == "resync":
            if message.symbols is not None:
                await self.refuse("resync takes no symbols: it is about all that you subscribed to")
                return
        elif not message.symbols:
            await self.refuse(f'{message.type} needs symbols: {{"type": "{message.type}", "symbols": ["KO"]}}')
            return
        elif message.type == "subscribe":
            await self._subscribe(message.symbols)
        else:
            self.symbols = (self.symbols or frozenset()) - frozenset(message.symbols)
        await self._send_snapshot()

    async def _subscribe(self, symbols: Sequence[str]) -> None:
        """Add symbols to those that the client sees; to everything, take them in its place."""
        by_symbol = current_instruments().by_symbol
        known = {symbol for symbol in symbols if symbol in by_symbol and by_symbol[symbol].is_tradable}
        for symbol in dict.fromkeys(symbols):
            if symbol not in known:
                await self._send_error("UNKNOWN_SYMBOL", symbol, f"no instrument {symbol[:40]!r} is traded here")
        wanted = (self.symbols or frozenset()) | known
        for symbol in sorted(wanted)[SYMBOLS_MAX:]:
            reason = f"a socket subscribes to {SYMBOLS_MAX} symbols at most: open another, or subscribe to none for all"
            await self._send_error("TOO_MANY_SYMBOLS", symbol, reason)
        self.symbols = frozenset(sorted(wanted)[:SYMBOLS_MAX])

    async def _send_error(self, code: str, symbol: str, message: str) -> None:
        await self.send_json({"type": "error", "code": code, "symbol": symbol[:40], "message": message})

    async def _send_snapshot(self) -> None:
        instruments, venue = current_instruments(), current_venue()
        self._note_shown()
        self.versions_shown = (instruments.version, venue.version)
        await self.send(text_data=await self._quotes.snapshot(instruments, venue, self.symbols))

    async def _send_ticks(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            sheet = self._quotes.sheet()
            if sheet.made_at_us > self.shown_at_us or self.is_shown_stale != (sheet.phase is Phase.STALE):
                await self._send_tick()

    async def _send_tick(self) -> None:
        self._note_shown()
        await self.send(text_data=self._quotes.tick(self.symbols))

    async def _watch(self) -> None:
        heartbeat_at = time.monotonic() + HEARTBEAT_S
        while True:
            await asyncio.sleep(TICK_CHECK_S)
            if not self.is_shown_stale and is_stale(made_at_us=self.shown_at_us, now_us=_now_us()):
                await self._send_tick()
            if (current_instruments().version, current_venue().version) != self.versions_shown:
                await self._send_snapshot()
            if time.monotonic() >= heartbeat_at:
                heartbeat_at += HEARTBEAT_S
                await self.send_json({"type": "heartbeat", "at": format_instant(_now_us())})

    def _note_shown(self) -> None:
        sheet = self._quotes.sheet()
        self.shown_at_us, self.is_shown_stale = sheet.made_at_us, sheet.phase is Phase.STALE


def _now_us() -> int:
    return time.time_ns() // 1_000
