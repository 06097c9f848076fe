"""manage.py run_market: the process that publishes the market's prices, and records their bars."""

import asyncio
import time
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from market.bars.recorder import BarRecorder
from market.calendar import OutsideCalendar
from market.instruments.current import current_instruments
from market.quote_stream import quote_sheets
from market.replay_file import TooManySegments, UnreadableReplayFile, open_replay
from tradingplatform.market.feed import FollowedClock, MarketFeed
from tradingplatform.signals import run_until_signalled


class Command(BaseCommand):
    help = (
        "Publish the market's prices, replayed and pushed ones, to Redis and with it to the venue and the open "
        "WebSockets, and record their bars, until SIGTERM or SIGINT."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            clock = open_replay(
                data_dir=Path(settings.DATA_DIR),
                seconds_per_day=settings.MARKET_SECONDS_PER_DAY,
                start_date=date.fromisoformat(str(settings.MARKET_START_DATE)),
                now_us=_now_us(),
            )
        except (ValueError, OutsideCalendar, TooManySegments, UnreadableReplayFile) as error:
            raise CommandError(str(error)) from error
        current_instruments()  # The first use waits for PostgreSQL, which nobody may do on an event loop.
        followed = FollowedClock(Path(settings.DATA_DIR), clock)
        feed = MarketFeed(
            clock=followed,
            is_replayed=settings.MARKET_REPLAY,
            pushed_age_us_max=settings.MARKET_PUSHED_SECONDS_MAX * 1_000_000,
            redis_url=settings.REDIS_URL,
            now_us=_now_us,
        )
        replayed = FollowedClock(Path(settings.DATA_DIR), clock)  # Another one: it is asked on another thread.
        recorder = BarRecorder(
            position=(lambda now_us: replayed().position(now_us)) if settings.MARKET_REPLAY else None, now_us=_now_us
        )
        run_until_signalled(lambda: _run(feed, recorder))


async def _run(feed: MarketFeed, recorder: BarRecorder) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(feed.run())
        tasks.create_task(recorder.run(quote_sheets(redis_url=settings.REDIS_URL)))


def _now_us() -> int:
    return time.time_ns() // 1_000
