"""manage.py performance: what an account's days, weeks or months were like, from its events."""

import csv
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from eventstore.errors import EventStoreError
from eventstore.store import get_existing_store
from temporal.errors import TemporalError
from temporal.performance.history import Performance, asked_performance
from temporal.performance.history_shapes import AccountPerformance, PerformanceFigures
from temporal.performance.periods import KINDS

TABLE_WIDTH: Final = 150
_SHOWN: Final = {
    "start_date": "from",
    "trades": "trades",
    "volume": "volume",
    "realized_pnl": "realized",
    "unrealized_pnl_change": "unrealized +/-",
    "deposits": "deposits",
    "withdrawals": "withdrawals",
    "closing_equity": "closing equity",
    "time_weighted_return": "return",
    "drawdown": "drawdown",
}


class Command(BaseCommand):
    help = (
        "Show trades, volume, P&L, cash flows, equity, time-weighted return and drawdown of one account for every day, "
        "week or month of a range, from the events alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", help="the account's id")
        parser.add_argument("--from", dest="start", metavar="DATE", help="first day (default: the account's opening)")
        parser.add_argument("--to", dest="end", metavar="DATE", help="last day (default: today)")
        parser.add_argument("--period", default="day", choices=KINDS, help="how days are put together")
        parser.add_argument("--zone", default="UTC", help="IANA name of the time zone whose days are meant")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print JSON, as the REST API gives it")
        form.add_argument("--csv", action="store_true", help="print CSV, a line for each period")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            get_existing_store()
            found = asked_performance(
                options["account"],
                start=options["start"],
                end=options["end"],
                period=options["period"],
                zone=options["zone"],
                now=datetime.now(UTC),
            )
        except (TemporalError, EventStoreError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(msgspec.json.format(msgspec.json.encode(AccountPerformance.show(found))).decode())
        elif options["csv"]:
            self._csv(found)
        else:
            self._table(found)

    def _csv(self, found: Performance) -> None:
        rows = [PerformanceFigures.show(figures) for figures in found.periods]
        writer = csv.DictWriter(self.stdout, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "symbols_changed": " ".join(row["symbols_changed"])} for row in rows)

    def _table(self, found: Performance) -> None:
        table = Table(title=f"{found.account_id} by {found.period}, {found.zone}", show_footer=True)
        totals = {**PerformanceFigures.show(found.totals), "start_date": "total"}
        for name, heading in _SHOWN.items():
            is_text = name == "start_date"
            table.add_column(heading, justify="left" if is_text else "right", footer=str(totals[name]), no_wrap=True)
        for figures in found.periods:
            row = PerformanceFigures.show(figures)
            table.add_row(*(str(row[name]) for name in _SHOWN))
        console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
        with console.capture() as shown:
            console.print(table)
        self.stdout.write(shown.get())
