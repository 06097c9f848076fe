"""manage.py market: the market on the command line."""

from argparse import ArgumentParser
from typing import Any, Final

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from identity.actors import platform_actor
from market.clock import ClockReading
from market.feeds.pushed import forget_pushed
from market.instruments.changes import InvalidReason
from market.quote_board import valkey_client
from market.replay_file import NoReplay, TooManySegments, UnreadableReplayFile
from tradingplatform.market.operating import PAUSE, RESUME, Change, change_market, market_clock, speed

COMMAND_LINE: Final = platform_actor("command line")


class Command(BaseCommand):
    help = "Say what the market's clock says; pause the market, resume it, set its speed, forget pushed prices."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("status", help="say what the market's clock says")
        pause = actions.add_parser("pause", help="stop the market: prices stay, nothing is filled")
        resume = actions.add_parser("resume", help="let it go on from where it was paused")
        fast = actions.add_parser("speed", help="set how fast the replayed market runs")
        fast.add_argument("seconds_per_day", metavar="SECONDS", type=int, help="real seconds of a trading day")
        for each in (pause, resume, fast):
            each.add_argument("--reason", required=True, help="recorded with the change")
        forget = actions.add_parser("forget", help="forget the pushed prices of symbols: the replay quotes them again")
        forget.add_argument("symbols", metavar="SYMBOL", nargs="+")

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"]
        try:
            if action == "status":
                self._show(market_clock())
            elif action == "forget":
                count = forget_pushed(valkey_client(settings.REDIS_URL), options["symbols"])
                self.stdout.write(f"forgot the pushed prices of {count} symbols")
            else:
                self._change(_change_of(action, options), options["reason"])
        except (InvalidReason, NoReplay, TooManySegments, UnreadableReplayFile, ValueError) as error:
            raise CommandError(str(error)) from error
        except redis.RedisError as error:
            raise CommandError(f"Redis does not answer ({error}): nothing was changed") from error

    def _change(self, change: Change, reason: str) -> None:
        done = change_market(change, actor=COMMAND_LINE, reason=reason)
        self._show(done.clock)
        if not done.is_changed:
            self.stdout.write("it was so already: nothing was recorded")

    def _show(self, clock: ClockReading) -> None:
        for name, value in clock.shown().items():
            self.stdout.write(f"{name.replace('_', ' ')}: {'unknown' if value is None else value}")


def _change_of(action: str, options: dict[str, Any]) -> Change:
    return speed(options["seconds_per_day"]) if action == "speed" else {"pause": PAUSE, "resume": RESUME}[action]
