"""WebSocket /ws/market: a snapshot of the market, then every tick of the feed, for anyone who is logged in. When an
instrument has changed, or the venue was stopped or started, a snapshot comes again.

The feed's ticks come through the Channels group `MARKET_GROUP` as text that is already JSON. A tick holds all
prices, so a lost one is made good by the next. When none has come for 10 seconds the client gets a tick of
what the board has, which has the phase STALE when the feed is at rest. {"type": "resync"} is answered with a
new snapshot; {"type": "heartbeat", "at"} goes out every 15 seconds.
"""

import asyncio
import time
from typing import Any, Final

import msgspec
import redis
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings

from edge.sockets import LiveConsumer, Resync
from market.instruments.current import Instruments, current_instruments, current_venue
from market.payloads import format_instant, snapshot_message, tick_message
from market.quote_board import read_board
from market.quotes import QuoteSheet, is_stale
from market.replay import Phase
from market.venue.state import VenueState

MARKET_GROUP: Final = "market"
HEARTBEAT_S: Final = 15.0
TICK_CHECK_S: Final = 2.0

log = structlog.get_logger(__name__)


class MarketConsumer(LiveConsumer):
    """One client's connection; holds nothing but the age of what the client has been shown."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.shown_at_us = 0
        self.is_shown_stale = False
        self.versions_shown = (0, 0)

    async def begin(self, user: Any) -> None:
        """Join the group, and send the market as it is."""
        await self._join()
        await self._send_snapshot()
        self.go_on(self._watch())

    async def disconnect(self, code: int) -> None:
        """Stop the heartbeat and leave the group."""
        await super().disconnect(code)
        try:
            await self.channel_layer.group_discard(MARKET_GROUP, self.channel_name)
        except (redis.RedisError, OSError) as error:
            log.warning("market_consumer.group_unreachable", error=str(error))

    async def message(self, message: Resync) -> None:
        """Send the market as it is again."""
        await self._send_snapshot()

    async def market_tick(self, event: dict[str, Any]) -> None:
        """Pass on a tick of the feed, unless the client has been shown something newer."""
        if event["made_at_us"] <= self.shown_at_us:
            return
        self.shown_at_us = event["made_at_us"]
        self.is_shown_stale = False
        await self.send(text_data=event["text"])

    async def _send_snapshot(self) -> None:
        instruments, venue = current_instruments(), current_venue()
        sheet, text = await sync_to_async(_snapshot, thread_sensitive=False)(instruments, venue)
        self._note_shown(sheet)
        self.versions_shown = (instruments.version, venue.version)
        await self.send(text_data=text)

    async def _watch(self) -> None:
        heartbeat_at = time.monotonic() + HEARTBEAT_S
        while True:
            await asyncio.sleep(TICK_CHECK_S)
            if is_stale(made_at_us=self.shown_at_us, now_us=_now_us()):
                await self._recover()
            if (current_instruments().version, current_venue().version) != self.versions_shown:
                await self._send_snapshot()
            if time.monotonic() >= heartbeat_at:
                heartbeat_at += HEARTBEAT_S
                await self.send_json({"type": "heartbeat", "at": format_instant(_now_us())})

    async def _recover(self) -> None:
        """Join the group again and show what the board has; say that it is stale once, not at every check."""
        await self._join()
        sheet = await self._read()
        if sheet.phase != Phase.STALE or not self.is_shown_stale:
            self._note_shown(sheet)
            await self.send_json(tick_message(sheet))

    async def _join(self) -> None:
        # A member of a group is forgotten after a day, and at once when Redis starts anew: hence "again" in
        # `_recover`.
        try:
            await self.channel_layer.group_add(MARKET_GROUP, self.channel_name)
        except (redis.RedisError, OSError) as error:
            log.warning("market_consumer.group_unreachable", error=str(error))

    async def _read(self) -> QuoteSheet:
        return await sync_to_async(read_board, thread_sensitive=False)(redis_url=settings.REDIS_URL, now_us=_now_us())

    def _note_shown(self, sheet: QuoteSheet) -> None:
        self.shown_at_us = sheet.made_at_us
        self.is_shown_stale = sheet.phase == Phase.STALE


def _snapshot(instruments: Instruments, venue: VenueState) -> tuple[QuoteSheet, str]:
    """Return the market as it is, and what a client is sent of it: with thousands of instruments a thread's work."""
    sheet = read_board(redis_url=settings.REDIS_URL, now_us=_now_us())
    return sheet, msgspec.json.encode(snapshot_message(sheet, instruments, venue)).decode()


def _now_us() -> int:
    return time.time_ns() // 1_000
