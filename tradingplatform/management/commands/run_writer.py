"""manage.py run_writer: the writer process, which owns the partitions of the event store, or a share of them."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.writer.bus.keys import KeysUnusable
from accounts.writer.bus.routed import InvalidRoutes, Route, parse_share
from accounts.writer.process import EndpointTaken
from eventstore.errors import EventStoreError
from tradingplatform.bootstrap import make_writer, writer_routes
from tradingplatform.interpreter import tune_writer


class Command(BaseCommand):
    help = "Run the writer: decides commands in groups and appends their events. One per endpoint; Ctrl-C stops it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--partitions", metavar="0-7", help="be the writer that WRITER_ENDPOINT names for these")
        which.add_argument("--number", type=int, metavar="N", help="be the N-th writer that WRITER_ENDPOINT names")
        parser.add_argument("--standby", action="store_true", help="wait while another writer serves, then take over")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            route = _route(options["partitions"], options["number"])
            writer = make_writer(route, is_standby=options["standby"])
        except InvalidRoutes as error:
            raise CommandError(f"WRITER_ENDPOINT: {error}") from error
        except EventStoreError as error:
            raise CommandError(f"the event store cannot be opened: {error}") from error
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: writer.stop())
        tune_writer()
        try:
            writer.run()
        except (EndpointTaken, KeysUnusable) as error:
            raise CommandError(str(error)) from error
        except EventStoreError as error:
            raise CommandError(f"the event store cannot be read: {error}") from error


def _route(partitions: str | None, number: int | None) -> Route:
    """Return which of the writers that are named this one is; raises InvalidRoutes."""
    routes = writer_routes()
    named = ", ".join(f"{place}: {route.share} at {route.endpoint}" for place, route in enumerate(routes, start=1))
    if partitions is not None:
        asked = parse_share(partitions, partition_count=settings.EVENT_STORE_PARTITIONS)
        routes = [route for route in routes if route.partitions == asked]
    elif number is not None:
        routes = routes[number - 1 : number] if number > 0 else []
    if len(routes) == 1:
        return routes[0]
    raise InvalidRoutes(f"say with --partitions or --number which of these writers this is: {named}")
