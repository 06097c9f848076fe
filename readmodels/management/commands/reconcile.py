"""manage.py reconcile: prove that the read models equal the events."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from eventstore.errors import EventStoreError
from readmodels.models import DeadLetter
from readmodels.reconcile.consistency_checks import compare_sums
from readmodels.reconcile.reconcile import Report, reconcile

DIFFERENCES_SHOWN_MAX = 20


class Command(BaseCommand):
    help = (
        "Compare every row of the read models with what the events add up to, at the checkpoints that the tables "
        "stand on. Exits 0 when they are equal, 1 and names the differences when they are not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--sums",
            action="store_true",
            help="compare sums of the tables with one another instead: in seconds, without reading an event",
        )
        parser.add_argument("--quiet", action="store_true", help="print differences only")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sums"]:
            self._compare_sums(is_quiet=options["quiet"])
            return
        try:
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("reading events", total=None)
                report = reconcile(lambda done, total: progress.update(task, completed=done, total=total))
        except (EventStoreError, RuntimeError) as error:
            raise CommandError(str(error)) from error
        if not options["quiet"]:
            self._print(report)
        for difference in report.differences[:DIFFERENCES_SHOWN_MAX]:
            self.stdout.write(self.style.ERROR(str(difference)))
        if report.differences:
            raise CommandError(f"{len(report.differences):,} differences: the read models do not equal the events")
        letters = DeadLetter.objects.count()
        if letters:
            raise CommandError(f"{letters:,} dead letters are not in the tables: retry them in the admin")
        self.stdout.write(self.style.SUCCESS(f"the read models equal the {report.event_count:,} events"))

    def _compare_sums(self, *, is_quiet: bool) -> None:
        sums = compare_sums()
        if not is_quiet:
            table = Table("figure", "places", "says")
            for each in sums:
                table.add_row(each.what, str(len(each.found)), f"{next(iter(each.found.values())):,}")
            Console().print(table)
        different = [each for each in sums if not each.agrees]
        for each in different:
            self.stdout.write(self.style.ERROR(str(each)))
        if different:
            raise CommandError(
                f"{len(different)} sums differ, the first is {different[0].what}: `manage.py reconcile` names the rows"
            )
        self.stdout.write(self.style.SUCCESS(f"all {len(sums)} sums agree; `manage.py reconcile` compares every row"))

    def _print(self, report: Report) -> None:
        table = Table("table", "rows compared", "differences")
        for name, rows in report.rows.items():
            table.add_row(name, f"{rows:,}", str(sum(each.table == name for each in report.differences)))
        Console().print(table)
