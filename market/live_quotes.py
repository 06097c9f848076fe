"""The quotes of now in one event loop, for all of its sockets and requests: one reader of the stream, whoever looks.

A sheet holds all prices, so whoever could not be sent one is sent the next. What is encoded for one socket is used for
all that show the same. No thread is needed but for the first reading of the board and for snapshots of everything,
which may be of thousands of instruments: one for all sockets that ask for the same.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from django.conf import settings

from market.instruments.current import Instruments
from market.payloads import session_payload, snapshot_message, tick_message, tick_of
from market.quote_board import read_board
from market.quote_stream import quote_sheets
from market.quotes import UNKNOWN_MARKET, Quote, QuoteSheet, as_of, is_stale
from market.venue.state import VenueState


@dataclass
class _Texts:
    """What was encoded of one sheet."""

    whole: str | None = None
    snapshot: tuple[tuple[object, ...], str] | None = None
    session: msgspec.Raw | None = None
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    prices: dict[str, msgspec.Raw] = field(default_factory=dict)


class LiveQuotes:
    """The latest sheet, and who is told of the next. It follows the stream as long as somebody has joined, and from the
    first request on that asks for quotes (`load`) for good.
    """

    def __init__(self) -> None:
        self._sheet = UNKNOWN_MARKET
        self._listeners: set[asyncio.Event] = set()
        self._is_kept = False
        self._following: asyncio.Task[None] | None = None
        self._loaded = asyncio.Event()
        self._encoding = asyncio.Lock()
        self._texts = _Texts()

    async def join(self, news: asyncio.Event) -> None:
        """Have an event set for every sheet that comes; returns when the board was read."""
        self._listeners.add(news)
        await self._begin()

    async def load(self) -> None:
        """Have a sheet at hand from now on; returns when the board was read."""
        self._is_kept = True
        await self._begin()

    async def leave(self, news: asyncio.Event) -> None:
        """Have it set no more; the last one ends the reading."""
        self._listeners.discard(news)
        if not self._listeners and not self._is_kept and self._following is not None:
            following, self._following = self._following, None
            self._loaded.clear()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    def sheet(self) -> QuoteSheet:
        """Return the latest sheet, STALE when it is too old."""
        return as_of(self._sheet, now_us=_now_us())

    def quotes(self) -> Mapping[str, Quote]:
        """Return the quotes of the latest sheet by symbol."""
        if len(self._texts.quotes) != len(self._sheet.quotes):
            self._texts.quotes = {quote.symbol: quote for quote in self._sheet.quotes}
        return self._texts.quotes

    def tick(self, symbols: Collection[str] | None) -> str:
        """Return a tick of the latest sheet, with the prices of these symbols or with all."""
        sheet, texts = self.sheet(), self._texts
        if sheet is not self._sheet:  # STALE: said once to each socket.
            return _encode(tick_message(sheet, now_us=_now_us(), symbols=symbols))
        if symbols is None:
            if texts.whole is None:
                texts.whole = _encode(tick_message(sheet, now_us=sheet.made_at_us))
            return texts.whole
        if texts.session is None:
            texts.session = msgspec.Raw(msgspec.json.encode(session_payload(sheet)))
        quotes = self.quotes()
        prices = [self._price(symbol, sheet) for symbol in sorted(symbols) if symbol in quotes]
        return _encode({"type": "tick", "session": texts.session, "prices": prices})

    async def snapshot(self, instruments: Instruments, venue: VenueState, symbols: Collection[str] | None) -> str:
        """Return a snapshot of the latest sheet, of these symbols or of everything."""
        sheet, texts = self.sheet(), self._texts
        if symbols is not None:
            return _encode(snapshot_message(sheet, instruments, venue, now_us=_now_us(), symbols=symbols))
        async with self._encoding:
            key = (sheet.made_at_us, sheet.phase, instruments.version, venue.version)
            if texts.snapshot is None or texts.snapshot[0] != key:
                made = partial(snapshot_message, sheet, instruments, venue, now_us=_now_us())
                texts.snapshot = (key, await asyncio.to_thread(lambda: _encode(made())))
            return texts.snapshot[1]

    def _price(self, symbol: str, sheet: QuoteSheet) -> msgspec.Raw:
        found = self._texts.prices.get(symbol)
        if found is None:
            shown = tick_of(self._texts.quotes[symbol], sheet, now_us=sheet.made_at_us)
            found = self._texts.prices[symbol] = msgspec.Raw(msgspec.json.encode(shown))
        return found

    async def _begin(self) -> None:
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow())
        await self._loaded.wait()

    async def _follow(self) -> None:
        try:
            self._take(await asyncio.to_thread(read_board, redis_url=settings.REDIS_URL, now_us=_now_us()))
        finally:
            self._loaded.set()
        async for sheet in quote_sheets(redis_url=settings.REDIS_URL):
            self._take(sheet)

    def _take(self, sheet: QuoteSheet) -> None:
        is_older = sheet.made_at_us <= self._sheet.made_at_us
        if is_older and not is_stale(made_at_us=self._sheet.made_at_us, now_us=_now_us()):
            return
        self._sheet, self._texts = sheet, _Texts()
        for news in self._listeners:
            news.set()


_live: WeakKeyDictionary[asyncio.AbstractEventLoop, LiveQuotes] = WeakKeyDictionary()


def live_quotes() -> LiveQuotes:
    """Return the quotes of the running event loop."""
    return _live.setdefault(asyncio.get_running_loop(), LiveQuotes())


def _encode(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode()


def _now_us() -> int:
    return time.time_ns() // 1_000
