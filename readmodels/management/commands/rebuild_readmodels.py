"""manage.py rebuild_readmodels: make the read models again from the events, beside the live ones, and swap them."""

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from readmodels.models import DeadLetter
from readmodels.projector.locks import PauseNotReached, RebuildRunning
from readmodels.rebuild.fresh_tables import Model, TablesDependedOn, TablesInUse
from readmodels.rebuild.rebuild import PROJECTIONS, Comparison, Progress, RebuildFailed, rebuild

TABLES: Final[dict[str, Model]] = {model._meta.db_table: model for model in PROJECTIONS if model is not DeadLetter}


class Command(BaseCommand):
    help = (
        "Make the read models again from the first event, in tables beside the live ones, which are read and written "
        "on meanwhile; show how they differ, and swap them. Safe to interrupt: nothing live is changed before the end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", nargs="*", choices=[*TABLES, []], help="swap only these tables (default: all)")
        parser.add_argument("--yes", action="store_true", help="swap without asking")

    def handle(self, *args: Any, **options: Any) -> None:
        bar = ProgressBar(
            TextColumn("projecting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("batches, {task.fields[rate]:,.0f} events/s"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        task = bar.add_task("", total=None, rate=0.0)

        def show_progress(progress: Progress) -> None:
            rate = progress.events / (bar.tasks[0].elapsed or 1.0)
            bar.update(task, completed=progress.batches, total=progress.batches_total, rate=rate)

        def may_swap(compared: Comparison) -> bool:
            bar.stop()
            self._print(compared)
            return options["yes"] or self._ask()

        only = [TABLES[name] for name in options["table"]]
        try:
            with bar:
                is_swapped = rebuild(only=only, on_progress=show_progress, may_swap=may_swap)
        except (RebuildFailed, RebuildRunning, PauseNotReached, TablesDependedOn, TablesInUse) as error:
            raise CommandError(f"{error}; nothing was changed") from error
        if not is_swapped:
            raise CommandError("nothing was changed")
        self.stdout.write(self.style.SUCCESS("the read models are rebuilt; `manage.py reconcile` proves them"))

    def _print(self, compared: Comparison) -> None:
        table = Table("table", "rows before", "rows now", "only before", "only now")
        for each in compared.tables:
            counts = (each.live_rows, each.fresh_rows, each.only_live, each.only_fresh)
            table.add_row(each.table, *(f"{count:,}" for count in counts))
        Console(file=self.stdout).print(table)  # type: ignore[arg-type]
        for each in compared.tables:
            if not each.is_equal:
                self.stdout.write(self.style.WARNING(f"{each.table}, first difference: {each.first_difference}"))
        for text in compared.elsewhere:
            self.stdout.write(self.style.WARNING(f"not compared at the same events: {text}"))
        if compared.dead_letters:
            self.stdout.write(self.style.WARNING(f"{compared.dead_letters:,} events are set aside as dead letters"))

    def _ask(self) -> bool:
        try:
            return input("Put the new tables in the place of the live ones? Type yes: ") == "yes"
        except EOFError:
            return False
