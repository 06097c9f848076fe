"""manage.py rebuild_pages: make every page again from the journal, or compare them with it."""

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eventstore.errors import EventStoreError
from eventstore.store import get_existing_store
from tradingplatform.bootstrap import make_snapshotter

DIFFERING_SHOWN_MAX: Final = 50


class Command(BaseCommand):
    help = (
        "Make every page again from the journal, each over the one that stands there, to the same bytes. Commands and "
        "queries go on meanwhile."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--check", action="store_true", help="change nothing: compare every page with what the journal makes of it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self._check()
            return
        if not options["yes"] and input("Make every page again? Type yes: ") != "yes":
            raise CommandError("nothing was changed")
        try:
            store = get_existing_store()
            engine, partitions = store.engine, range(store.partition_count)
            stretches = sum(len(engine.page_stretches(partition=partition)) for partition in partitions)
            columns = (TextColumn("writing"), BarColumn(), MofNCompleteColumn(), TextColumn("stretches"))
            pages = 0
            with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("", total=stretches)
                for written in make_snapshotter().rebuild():
                    pages += written
                    progress.advance(task)
        except EventStoreError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(f"{pages:,} pages of {stretches:,} stretches of the journal written"))

    def _check(self) -> None:
        columns = (TextColumn("comparing"), TextColumn("{task.completed:,} pages"))
        differing = []
        try:
            get_existing_store()
            snapshotter = make_snapshotter()
            with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("", total=None)
                outdated = snapshotter.outdated()
                for page in snapshotter.check():
                    progress.advance(task)
                    if page is not None:
                        differing.append(page)
                compared = int(progress.tasks[0].completed)
        except EventStoreError as error:
            raise CommandError(str(error), returncode=1) from error
        for page in differing[:DIFFERING_SHOWN_MAX]:
            self.stdout.write(
                self.style.ERROR(
                    f"account {page.aggregate_id}, versions {page.first_version} to {page.last_version}: "
                    "the page is not what the journal makes of it"
                )
            )
        if differing:
            raise CommandError(
                f"{len(differing):,} of {compared:,} pages differ: `manage.py rebuild_pages` makes them again",
                returncode=1,
            )
        self.stdout.write(self.style.SUCCESS(f"{compared:,} pages are what the journal makes of them"))
        if outdated:
            self.stdout.write(
                f"{outdated:,} stretches of the journal are in pages of another release, which is no damage: readers "
                "pass over their states, and the snapshotter of the newer release makes them anew"
            )
