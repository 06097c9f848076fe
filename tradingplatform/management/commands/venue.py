"""manage.py venue: stops and starts the venue on the command line, and says which it is."""

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from identity.actors import actor_text, platform_actor
from market.instruments.changes import InvalidReason
from market.venue.changes import set_stopped, stored_state

COMMAND_LINE: Final = platform_actor("command line")


class Command(BaseCommand):
    help = (
        "Stop the venue: it fills and ends nothing until it is started, whatever process restarts; orders are taken "
        "and cancelled meanwhile. Start it, or say how it is."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        for name, text in (("stop", "fill and end nothing from now on"), ("start", "go on")):
            what.add_parser(name, help=text).add_argument("--reason", required=True, help="recorded with it")
        what.add_parser("status", help="say whether it is stopped, by whom and why")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] != "status":
            is_stopped = options["what"] == "stop"
            try:
                is_changed = set_stopped(is_stopped=is_stopped, actor=COMMAND_LINE, reason=options["reason"])
            except InvalidReason as error:
                raise CommandError(f"nothing was changed: {error}") from error
            if not is_changed:
                self.stdout.write("It was that already.")
        self.stdout.write(_status())


def _status() -> str:
    state = stored_state()
    if state.at is None:
        return "The venue was never stopped."
    what = "stopped" if state.is_stopped else "started"
    return f"The venue was {what} by {actor_text(state.actor)} at {state.at:%Y-%m-%d %H:%M:%S} UTC: {state.reason}"
