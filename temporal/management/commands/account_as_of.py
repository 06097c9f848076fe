"""manage.py account_as_of: show an account as it was at any instant or version."""

import io
import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from temporal.as_of import account_as_of
from temporal.errors import TemporalError
from temporal.moments import moment_of
from temporal.shapes import account_shape

_SHOWN: Final = ("status", "cash", "reserved_cash", "positions_value", "portfolio_value", "realized_pnl", "trade_count")


class Command(BaseCommand):
    """Show an account of the past."""

    help = "Show an account as it was at any instant or version, from its events."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("account", metavar="ACCOUNT", help="the account's id")
        moment = parser.add_mutually_exclusive_group()
        moment.add_argument("--at", metavar="INSTANT", help="RFC 3339 with a time zone, such as 2026-11-23T14:30:00Z")
        moment.add_argument("--at-version", metavar="N", help="the account's version")
        parser.add_argument("--json", action="store_true", help="print it as JSON, as the REST API answers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look it up and print it."""
        try:
            moment = moment_of(at=options["at"], version=options["at_version"], now=datetime.now(UTC))
            shape = account_shape(account_as_of(options["account"], moment), at=moment.at)
        except TemporalError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(shape, indent=2))
            return
        console = Console(file=io.StringIO(), highlight=False, width=120)
        console.print(
            f"account {shape['account_id']} as of {shape['at']}\n"
            f"version {shape['version']}, recorded {shape['recorded_at']} by {shape['actor']}\n"
        )
        console.print(_figures(shape))
        for title in ("positions", "orders"):
            if shape[title]:
                console.print(_rows(title, shape[title]))
        self.stdout.write(console.file.getvalue())  # type: ignore[attr-defined]


def _figures(shape: dict[str, Any]) -> Table:
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name in (
        "status",
        "cash",
        "reserved_cash",
        "positions_value",
        "portfolio_value",
        "realized_pnl",
        "trade_count",
    ):
        table.add_row(name.replace("_", " "), str(shape[name]))
    return table


def _rows(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title)
    for name, value in rows[0].items():
        table.add_column(name.replace("_", " "), justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    return table
