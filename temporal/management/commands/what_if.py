"""manage.py what_if: what an account would be, had it had other risk limits."""

import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from eventstore.errors import EventStoreError
from eventstore.store import get_existing_store
from temporal.as_of.as_of import instant
from temporal.errors import TemporalError
from temporal.performance.history_shapes import AccountWhatIf
from temporal.what_if import WhatIf, limits_of, what_if

DIFFERENCES_SHOWN_MAX: Final = 20
EXIT_INTERRUPTED: Final = 130
TABLE_WIDTH: Final = 120
_PUT_IN: Final = ("market_price", "reference_price")
"""Arguments that nobody gave: what the market said."""
_ROWS: Final = ("status", "cash", "equity", "realized_pnl", "unrealized_pnl", "trades", "working_orders")


class Command(BaseCommand):
    help = (
        "Decide the recorded commands of an account again under other risk limits: what would have been refused, what "
        "would have passed, what follows from it, and what the account would be. Nothing is written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", help="the account's id")
        parser.add_argument("--max-position-percent", metavar="PERCENT", help="of the portfolio, in one symbol")
        parser.add_argument("--max-daily-value", metavar="AMOUNT", help="traded value per UTC day")
        parser.add_argument("--max-trade-value", metavar="AMOUNT", help="value of one trade")
        parser.add_argument("--price-band-percent", metavar="PERCENT", help="band around the market's price; 0: none")
        parser.add_argument("--from", dest="start", metavar="INSTANT", help="commands after this instant (RFC 3339)")
        parser.add_argument("--to", dest="end", metavar="INSTANT", help="commands up to this instant (RFC 3339)")
        parser.add_argument("--json", action="store_true", help="print JSON, as the REST API gives it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            get_existing_store()
            found = self._found(options)
        except (TemporalError, EventStoreError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("interrupted; nothing was written", returncode=EXIT_INTERRUPTED) from None
        if options["json"]:
            self.stdout.write(msgspec.json.format(msgspec.json.encode(AccountWhatIf.show(found))).decode())
        else:
            self._print(found)

    def _found(self, options: dict[str, Any]) -> WhatIf:
        now = datetime.now(UTC)
        names = ("max_position_percent", "max_daily_value", "max_trade_value", "price_band_percent")
        limits = limits_of(**{name: options[name] for name in names})
        start, end = (None if options[name] is None else instant(options[name], now=now) for name in ("start", "end"))
        columns = (TextColumn("deciding again"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=None)
            return what_if(
                options["account"],
                limits=limits,
                start=start,
                end=end,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )

    def _print(self, found: WhatIf) -> None:
        shape = AccountWhatIf.show(found)
        real, imagined = shape["real"], shape["what_if"]
        self.stdout.write(
            f"{found.command_count:,} commands decided again: {found.refused_now_count:,} would have been refused, "
            f"{found.accepted_now_count:,} that were refused would have passed; {found.knock_on_count:,} of these "
            "follow from the others"
        )
        table = Table("", title=f"{found.account_id} at version {found.to_version}")
        for heading in ("is", "would be"):
            table.add_column(heading, justify="right")
        for name in _ROWS:
            table.add_row(name.replace("_", " "), str(real[name]), str(imagined[name]))
        for symbol in sorted({held["symbol"] for held in real["positions"] + imagined["positions"]}):
            table.add_row(symbol, *(_held(account["positions"], symbol) for account in (real, imagined)))
        console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
        with console.capture() as shown:
            console.print(table)
        self.stdout.write(shown.get())
        for difference in shape["differences"][:DIFFERENCES_SHOWN_MAX]:
            self.stdout.write(_line(difference))
        more = found.refused_now_count + found.accepted_now_count - DIFFERENCES_SHOWN_MAX
        if more > 0:
            self.stdout.write(f"... and {more:,} more (--json lists the first 1,000)")


def _held(positions: list[dict[str, Any]], symbol: str) -> str:
    return next((held["quantity"] for held in positions if held["symbol"] == symbol), "-")


def _line(difference: dict[str, Any]) -> str:
    given = [
        value for name, value in difference["arguments"].items() if name not in _PUT_IN and value not in (None, "")
    ]
    arguments = " ".join(map(str, given))
    figures = "" if difference["limit"] is None else f" (limit {difference['limit']}, found {difference['actual']})"
    knock_on = ", a knock-on" if difference["is_knock_on"] else ""
    outcome = difference["outcome"].lower().replace("_", " ")
    return (
        f"version {difference['version']}, {difference['recorded_at']}: {difference['command']} {arguments}: "
        f"{outcome}{knock_on}: {difference['code']}{figures}"
    )
