"""manage.py run_writer: the writer process, which owns the partitions of the event store."""

import gc
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.application.writer import EndpointTaken
from eventstore.errors import EventStoreError
from tradingplatform.bootstrap import make_writer


class Command(BaseCommand):
    """Execute the commands that arrive on the bus."""

    help = "Run the writer: decides commands in groups and appends their events. One per endpoint; Ctrl-C stops it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load the partitions and serve until a signal arrives."""
        try:
            writer = make_writer()
        except EventStoreError as error:
            raise CommandError(f"the event store cannot be opened: {error}") from error
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: writer.stop())
        gc.freeze()
        try:
            writer.run()
        except EndpointTaken as error:
            raise CommandError(str(error)) from error
