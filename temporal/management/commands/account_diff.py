"""manage.py account_diff: show what changed in an account between two moments, and who did it."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from eventstore.errors import EventStoreError
from eventstore.store import get_existing_store
from identity.actors import actor_text
from temporal.as_of.as_of import Moment, moment_of
from temporal.as_of.diff import diff_shape, difference, event_page
from temporal.errors import TemporalError
from temporal.tables import rendered, rows_table

EVENTS_SHOWN: Final = 50


class Command(BaseCommand):
    help = "Show what changed in an account between two moments, and the events that did it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", help="the account's id")
        for side, otherwise in (("from", "the first version"), ("to", "now")):
            moment = parser.add_mutually_exclusive_group()
            moment.add_argument(f"--{side}-at", metavar="INSTANT", help=f"RFC 3339 with a time zone; or {otherwise}")
            moment.add_argument(f"--{side}-version", metavar="N", help="the account's version")
        parser.add_argument(
            "--events", metavar="N", type=int, default=EVENTS_SHOWN, help="at most so many events (default %(default)s)"
        )
        parser.add_argument("--after", metavar="N", type=int, default=0, help="events past this version only")
        parser.add_argument("--json", action="store_true", help="print it as JSON, as the REST API answers")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["events"] < 1:
            raise CommandError(f"--events is a number above zero, found {options['events']}")
        try:
            get_existing_store()
            start, end = (_moment(options, side) for side in ("from", "to"))
            found = difference(options["account"], start, end)
            shape = diff_shape(found, event_page(found, after_version=options["after"], limit=options["events"]))
        except (TemporalError, EventStoreError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(shape, indent=2) if options["json"] else _text(shape))


def _moment(options: dict[str, Any], side: str) -> Moment:
    return moment_of(at=options[f"{side}_at"], version=options[f"{side}_version"], now=datetime.now(UTC))


def _text(shape: dict[str, Any]) -> str:
    parts: list[Any] = [f"account {shape['account_id']}, version {shape['from_version']} to {shape['to_version']}"]
    if shape["changes"]:
        parts.append(rows_table("what changed", shape["changes"]))
    else:
        parts.append("nothing changed")
    if shape["events"]:
        events = [{**event, "actor": actor_text(event["actor"])} for event in shape["events"]]
        columns = ("version", "recorded_at", "actor", "summary", "reason")
        parts.append(rows_table("by these events", events, columns=columns))
    if shape["next"]:
        parts.append(f"more events follow: --after {shape['next']} shows them")
    return rendered(*parts)
