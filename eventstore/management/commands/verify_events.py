"""manage.py verify_events: check every stored event against its hashes, and the chain of every partition."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from eventstore.errors import EventStoreError
from eventstore.integrity.verifier import Finding
from eventstore.provider import get_store
from eventstore.verify import verify_partition

FINDINGS_SHOWN_MAX = 50


class Command(BaseCommand):
    """Verify the journal."""

    help = (
        "Verify the journal: every event's hash, every batch's Merkle root and header, the chain and the gap-free "
        "order of every partition, the versions of every account. Exits 1 and says where when anything was altered."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--partition", type=int, action="append", help="only this partition (may be repeated)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify, print what was found, and exit 1 if that is anything."""
        try:
            store = get_store()
            heads = store.heads()
        except EventStoreError as error:
            raise CommandError(str(error)) from error
        partitions = options["partition"] or sorted(heads)
        unknown = [number for number in partitions if number not in heads]
        if unknown:
            raise CommandError(f"the store has partitions 0 to {store.partition_count - 1}, found {unknown[0]}")
        findings, events = self._verify(partitions, heads)
        batches = sum(heads[number] for number in partitions)
        for finding in findings[:FINDINGS_SHOWN_MAX]:
            self.stdout.write(self.style.ERROR(str(finding)))
        if len(findings) > FINDINGS_SHOWN_MAX:
            self.stdout.write(f"... and {len(findings) - FINDINGS_SHOWN_MAX:,} more")
        summary = f"{events:,} events in {batches:,} batches of {len(partitions)} partitions"
        if findings:
            raise CommandError(f"{len(findings):,} findings; {summary} verified", returncode=1)
        self.stdout.write(self.style.SUCCESS(f"{summary} verified: nothing was altered, nothing is missing"))

    def _verify(self, partitions: list[int], heads: dict[int, int]) -> tuple[list[Finding], int]:
        store = get_store()
        findings: list[Finding] = []
        events = 0
        columns = (
            SpinnerColumn(),
            TextColumn("verifying"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("batches"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("", total=sum(heads[number] for number in partitions))
            for number in partitions:
                for verified, found in verify_partition(store, number):
                    findings += found
                    events += verified
                    progress.advance(task)
        return findings, events
