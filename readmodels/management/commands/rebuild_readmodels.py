"""manage.py rebuild_readmodels: empty the read models and make them again from the events."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eventstore.provider import get_store
from readmodels.models import (
    AccountSummary,
    Activity,
    DailyPnl,
    DeadLetter,
    Order,
    PortfolioPosition,
    ProjectionCheckpoint,
    TradeHistory,
)
from readmodels.projector import project_partition

TABLES = (AccountSummary, PortfolioPosition, Order, DailyPnl, TradeHistory, Activity, DeadLetter)


class Command(BaseCommand):
    """Rebuild the read models."""

    help = (
        "Empty the read models and project every event again. Until it is done, queries show accounts as they were; "
        "commands are not affected. Safe to interrupt: the workers finish it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, empty, project."""
        if not options["yes"] and input("Empty and rebuild all read models? Type yes: ") != "yes":
            raise CommandError("nothing was changed")
        with transaction.atomic():
            list(ProjectionCheckpoint.objects.select_for_update())
            names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in TABLES)
            with connection.cursor() as cursor:
                cursor.execute(f"TRUNCATE {names}")
            ProjectionCheckpoint.objects.update(seq=0, stopped_because="")
        heads = get_store().heads()
        columns = (
            TextColumn("projecting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("batches"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("", total=sum(heads.values()))
            for partition in sorted(heads):
                while project_partition(partition).may_have_more:
                    done = sum(ProjectionCheckpoint.objects.values_list("seq", flat=True))
                    progress.update(task, completed=done)
        stopped = ProjectionCheckpoint.objects.exclude(stopped_because="").first()
        if stopped is not None:
            raise CommandError(
                f"stopped at partition {stopped.partition}, seq {stopped.seq}: {stopped.stopped_because}"
            )
        self.stdout.write(self.style.SUCCESS("the read models are rebuilt; `manage.py reconcile` proves them"))
