"""manage.py projection_status: how far the projections are behind the events."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from eventstore.store import get_store
from readmodels.models import DeadLetter, ProjectionCheckpoint


class Command(BaseCommand):
    help = "Show for each partition the newest batch and the last one projected. Exits 1 when a partition has stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        checkpoints = {checkpoint.partition: checkpoint for checkpoint in ProjectionCheckpoint.objects.all()}
        table = Table("partition", "newest seq", "projected seq", "behind", "stopped because")
        stopped = 0
        for partition, head in sorted(get_store().heads().items()):
            checkpoint = checkpoints.get(partition, ProjectionCheckpoint(partition=partition, seq=0))
            behind = head - checkpoint.seq
            stopped += bool(checkpoint.stopped_because)
            table.add_row(str(partition), str(head), str(checkpoint.seq), str(behind), checkpoint.stopped_because)
        Console().print(table)
        letters = DeadLetter.objects.count()
        if letters:
            self.stdout.write(f"{letters:,} dead letters: retry them in the admin")
        if stopped:
            raise CommandError(f"{stopped} partitions have stopped")
