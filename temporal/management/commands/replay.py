"""manage.py replay: make accounts again from their first event, and compare them with what is stored."""

import os
import time
from argparse import ArgumentParser
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

import django
import msgspec
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from accounts.domain.values import format_amount
from eventstore.errors import EventStoreError
from eventstore.store import EventStore, get_existing_store, get_store
from temporal.as_of.as_of import moment_of
from temporal.errors import TemporalError
from temporal.replay import (
    DIFFERENCES_MAX,
    ReplayJob,
    Result,
    account_jobs,
    partition_jobs,
    replay_here,
    replay_in_processes,
)

EXIT_DIFFERENCES: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130


def open_own_store() -> EventStore:
    """Open the store in a spawned process, which knows nothing of Django yet."""
    django.setup()
    return get_store()


class Command(BaseCommand):
    help = (
        "Replay accounts from their first event: these, or all of them (from the journal, its chain verified), up to "
        "now, an instant or a version. Writes nothing. With --check every account is compared with what its last page "
        "and the events after it give; exits 1 and names the first differences. Exits 2 for a wrong call or damaged "
        "events, 130 on Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("accounts", nargs="*", metavar="ACCOUNT", help="ids of accounts (default: all)")
        until = parser.add_mutually_exclusive_group()
        until.add_argument("--to", metavar="INSTANT", help="up to this instant (RFC 3339)")
        until.add_argument("--to-version", metavar="N", help="up to this version of the accounts that are named")
        parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many work at once")
        parser.add_argument("--check", action="store_true", help="compare with the last page and the events after it")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["processes"] < 1:
            raise CommandError(f"--processes: expected 1 or more, found {options['processes']}", returncode=EXIT_USAGE)
        if options["to_version"] is not None and not options["accounts"]:
            raise CommandError("--to-version goes with accounts: name them", returncode=EXIT_USAGE)
        began = time.monotonic()
        try:
            result = self._replayed(self._jobs(options), options["processes"])
        except (TemporalError, EventStoreError) as error:
            raise CommandError(str(error), returncode=EXIT_USAGE) from error
        except KeyboardInterrupt:
            raise CommandError("interrupted; nothing was written", returncode=EXIT_INTERRUPTED) from None
        seconds = max(time.monotonic() - began, 1e-6)
        if options["json"]:
            self.stdout.write(msgspec.json.format(msgspec.json.encode(_as_json(result, seconds))).decode())
        else:
            self._print(result, seconds, is_checked=options["check"])
        if result.difference_count:
            raise CommandError(
                f"{result.difference_count:,} of {result.accounts:,} accounts are not what their pages say: see "
                "`manage.py rebuild_pages --check`",
                returncode=EXIT_DIFFERENCES,
            )

    def _jobs(self, options: dict[str, Any]) -> list[ReplayJob]:
        moment = moment_of(at=options["to"], version=options["to_version"], now=datetime.now(UTC))
        store, is_checked = get_existing_store(), options["check"]
        if not options["accounts"]:
            return partition_jobs(store, through=moment.at, is_checked=is_checked)
        return account_jobs(
            store, options["accounts"], through=moment.at, version=moment.version, is_checked=is_checked
        )

    def _replayed(self, jobs: list[ReplayJob], process_count: int) -> Result:
        result, began = Result(), time.monotonic()
        steps, events = dict.fromkeys(jobs, 0), dict.fromkeys(jobs, 0)
        updates = (
            replay_here(get_store(), jobs)
            if min(process_count, len(jobs)) <= 1
            else replay_in_processes(open_own_store, jobs, process_count=process_count)
        )
        columns = (
            SpinnerColumn(), TextColumn("replaying"), BarColumn(), TaskProgressColumn(),
            TextColumn("{task.description}"), TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress, closing(updates):
            task = progress.add_task("", total=sum(job.steps for job in jobs))
            for update in updates:
                steps[update.job], events[update.job] = update.steps, update.events
                if update.result is not None:
                    result.add(update.result)
                done = sum(events.values())
                shown = f"{done:,} events, {done / max(time.monotonic() - began, 1e-6):,.0f} a second"
                progress.update(task, completed=sum(steps.values()), description=shown)
        return result

    def _print(self, result: Result, seconds: float, *, is_checked: bool) -> None:
        for each in result.differences[:DIFFERENCES_MAX]:
            self.stdout.write(
                self.style.ERROR(
                    f"account {each.account_id} at version {each.version}: {each.field} is {each.replayed} when "
                    f"replayed and {each.looked_up} by its page"
                )
            )
        self.stdout.write(
            f"{result.events:,} events of {result.accounts:,} accounts in {seconds:,.1f} s "
            f"({result.events / seconds:,.0f} a second); {result.trades:,} trades"
        )
        for currency, money in sorted(result.money.items()):
            self.stdout.write(
                f"{currency}: cash {format_amount(money.cash)}, positions {format_amount(money.positions_value)}, "
                f"realized P&L {format_amount(money.realized_pnl)}"
            )
        self.stdout.write(f"fingerprint {result.fingerprint:064x}")
        if is_checked and not result.difference_count:
            self.stdout.write(self.style.SUCCESS("every account is what its page and the events after it say"))


def _as_json(result: Result, seconds: float) -> dict[str, Any]:
    return {
        "accounts": result.accounts,
        "events": result.events,
        "trades": result.trades,
        "seconds": round(seconds, 3),
        "fingerprint": f"{result.fingerprint:064x}",
        "money": {
            currency: {name: format_amount(value) for name, value in money._asdict().items()}
            for currency, money in sorted(result.money.items())
        },
        "difference_count": result.difference_count,
        "differences": [each._asdict() for each in result.differences],
    }
