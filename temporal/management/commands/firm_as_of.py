"""manage.py firm_as_of: show every account as it was at an instant, and what they add up to."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eventstore.errors import EventStoreError
from eventstore.store import get_existing_store
from temporal.as_of.as_of import instant
from temporal.as_of.firm import Totals, accounts_as_of
from temporal.as_of.shapes import AccountLine, TotalsAsOf
from temporal.errors import TemporalError
from temporal.tables import rendered, rows_table

ACCOUNTS_SHOWN_MAX: Final = 50
_COLUMNS: Final = ("account_id", "version", "status", "currency", "cash", "positions_value", "portfolio_value")


class Command(BaseCommand):
    help = "Show every account as it was at an instant, from the events alone, and what they add up to."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", metavar="INSTANT", help="RFC 3339 with a time zone, such as 2026-11-23T14:30:00Z")
        parser.add_argument("--json", action="store_true", help="print a line of JSON for each account, then totals")

    def handle(self, *args: Any, **options: Any) -> None:
        now = datetime.now(UTC)
        shown: list[dict[str, Any]] = []
        columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TextColumn("partitions"))
        try:
            get_existing_store()
            totals = Totals(now if options["at"] is None else instant(options["at"], now=now))
            with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("", total=None)

                def on_progress(done: int, total: int) -> None:
                    progress.update(task, completed=done, total=total)

                for account in accounts_as_of(totals.at, account_ids=None, on_progress=on_progress):
                    totals.add(account)
                    if options["json"]:
                        self.stdout.write(json.dumps(AccountLine.show(account)))
                    elif len(shown) < ACCOUNTS_SHOWN_MAX:
                        shown.append(AccountLine.show(account))
        except (TemporalError, EventStoreError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps({"totals": TotalsAsOf.show(totals)}) if options["json"] else _text(totals, shown))


def _text(totals: Totals, shown: list[dict[str, Any]]) -> str:
    shape = TotalsAsOf.show(totals)
    parts: list[Any] = [f"{shape['accounts']:,} accounts as of {shape['at']}"]
    if shown:
        parts.append(rows_table("accounts", shown, columns=_COLUMNS))
        if totals.accounts > len(shown):
            parts.append(f"and {totals.accounts - len(shown):,} more: --json prints all of them")
        parts.append(rows_table("totals", shape["currencies"]))
    return rendered(*parts)
