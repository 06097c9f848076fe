"""manage.py run_venue: the process that fills working orders."""

from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.writer.bus.ports import get_bus
from eventstore.store import get_store
from market.instruments.current import current_instruments, current_venue
from market.quote_stream import quote_sheets
from tradingplatform.interpreter import tune_writer
from tradingplatform.signals import run_until_signalled
from tradingplatform.venue.journal import OrderJournal
from tradingplatform.venue.shares import ALL, InvalidShare, parse_share
from tradingplatform.venue.venue import PaperVenue

POLL_SECONDS: Final = {"sqlite": 0.01, "dynamodb": 0.2}
"""How often the venue asks the event store for what is new; a look into DynamoDB is a read of every partition."""


class Command(BaseCommand):
    help = (
        "Fill working orders at the market's price, and end those whose time is over, until SIGTERM or SIGINT. Orders "
        "wait while it does not run, or is stopped (manage.py venue); nothing is lost."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --share."""
        parser.add_argument(
            "--share",
            help='which part of the symbols is its own, such as "1/2" for the first of two (default: all); each part '
            "needs a process",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            share = ALL if options["share"] is None else parse_share(options["share"])
        except InvalidShare as error:
            raise CommandError(str(error)) from error
        venue = PaperVenue(
            journal=OrderJournal(get_store()),
            bus=get_bus(),
            sheets=lambda: quote_sheets(redis_url=settings.REDIS_URL),
            instruments=current_instruments,
            displayed_value=settings.VENUE_DISPLAYED_VALUE * 10_000,
            poll_seconds=POLL_SECONDS[settings.EVENT_STORE],
            share=share,
            may_fill=lambda: current_venue().may_fill,
        )
        tune_writer()
        run_until_signalled(venue.run)
