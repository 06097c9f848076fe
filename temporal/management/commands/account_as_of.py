"""manage.py account_as_of: show an account as it was at any instant or version."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from eventstore.errors import EventStoreError
from eventstore.store import get_existing_store
from identity.actors import actor_text
from temporal.as_of.as_of import NOW, account_as_of, moment_of
from temporal.as_of.shapes import account_shape, shown_instant
from temporal.as_of.valuation import valuation_of
from temporal.errors import TemporalError
from temporal.tables import figures_table, rendered, rows_table

_SHOWN: Final = (
    "status",
    "cash",
    "reserved_cash",
    "buying_power",
    "positions_value",
    "portfolio_value",
    "realized_pnl",
    "unrealized_pnl",
    "deposited",
    "withdrawn",
    "trade_count",
)
_ORDER_COLUMNS: Final = (
    "order_id",
    "symbol",
    "side",
    "order_type",
    "time_in_force",
    "status",
    "quantity",
    "filled_quantity",
    "limit_price",
    "stop_price",
)
_SHOWN_OF_VALUATION: Final = ("session_date", "positions_value", "portfolio_value", "unrealized_pnl")


class Command(BaseCommand):
    help = "Show an account as it was at any instant or version, from its events."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", help="the account's id")
        moment = parser.add_mutually_exclusive_group()
        moment.add_argument("--at", metavar="INSTANT", help="RFC 3339 with a time zone, such as 2026-11-23T14:30:00Z")
        moment.add_argument("--at-version", metavar="N", help="the account's version")
        parser.add_argument("--valued", action="store_true", help="also at the market's prices of that instant")
        parser.add_argument("--json", action="store_true", help="print it as JSON, as the REST API answers")

    def handle(self, *args: Any, **options: Any) -> None:
        now = datetime.now(UTC)
        try:
            get_existing_store()
            moment = moment_of(at=options["at"], version=options["at_version"], now=now)
            found = account_as_of(options["account"], moment)
        except (TemporalError, EventStoreError) as error:
            raise CommandError(str(error)) from error
        at = now if moment == NOW else moment.at
        valuation = valuation_of(found.state, shown_instant(found, at)) if options["valued"] else None
        shape = account_shape(found, at=at, valuation=valuation)
        self.stdout.write(json.dumps(shape, indent=2) if options["json"] else _text(shape))


def _text(shape: dict[str, Any]) -> str:
    by = actor_text(shape["actor"])
    standing_on = f"version {shape['version']}: {shape['event_type']}, recorded {shape['recorded_at']} by {by}"
    parts: list[Any] = [
        f"account {shape['account_id']} as of {shape['at']}",
        f"{standing_on} (command {shape['command_id']})",
        figures_table({name: shape[name] for name in _SHOWN}),
        figures_table({f"day {name}": value for name, value in shape["day"].items()} | shape["limits"]),
    ]
    if shape["positions"]:
        parts.append(rows_table("positions", shape["positions"]))
    if shape["orders"]:
        parts.append(rows_table("orders", shape["orders"], columns=_ORDER_COLUMNS))
    if valuation := shape.get("valuation"):
        parts.append(f"at the market's prices of {valuation['at']}")
        parts.append(figures_table({name: valuation[name] for name in _SHOWN_OF_VALUATION}))
        parts += [rows_table("valued", valuation["positions"])] if valuation["positions"] else []
    return rendered(*parts)
