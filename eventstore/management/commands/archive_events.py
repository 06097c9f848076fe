"""manage.py archive_events: write old events to the archive, and remove what is past its retention from the store."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from eventstore.archive.archiver import Archiver, Removal
from eventstore.archive.provider import DAY_MICROSECONDS, ArchiveSetup, get_archive_setup
from eventstore.errors import EventStoreError
from eventstore.management.terminal import batches_progress, parse_past_instant, show_instant
from eventstore.store import get_existing_store


class Command(BaseCommand):
    help = (
        "Archive every batch of events that ended before an instant, and remove those from the store that are older "
        "than EVENT_RETENTION_DAYS and not under legal hold. May be interrupted and run again at any time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", required=True, metavar="DATE", help="date or instant (UTC unless it says)")
        parser.add_argument("--keep", action="store_true", help="archive, and remove nothing")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        now = time.time_ns() // 1_000
        setup = get_archive_setup()
        is_dry_run: bool = options["dry_run"]
        try:
            before = parse_past_instant(options["before"], option="--before", now=now)
            archiver = setup.archiver(get_existing_store(), now=now)
        except EventStoreError as error:
            raise CommandError(str(error), returncode=1) from error
        self.stdout.write(f"events before {show_instant(before)}, retention {setup.retention_days:,} days")
        try:
            archived = 0 if is_dry_run else self._archive(archiver, before)
            if is_dry_run:
                self._dry_run(archiver, before)
            removals = [] if options["keep"] else self._remove(archiver, before, is_dry_run=is_dry_run)
        except EventStoreError as error:
            raise CommandError(
                f"{error}\nWhat was archived and recorded so far stays archived; run the command again", returncode=1
            ) from error
        if options["keep"]:
            self.stdout.write("nothing was removed (--keep)")
        else:
            self._report(removals, setup, is_dry_run=is_dry_run)
        if not is_dry_run and not archived and not any(removal.removed for removal in removals):
            self.stdout.write("nothing to archive, nothing to remove")

    def _archive(self, archiver: Archiver, before: int) -> int:
        batches = events = files = size_bytes = 0
        with batches_progress("archiving") as progress:
            task = progress.add_task("", total=archiver.pending(before=before))
            for manifest in archiver.archive(before=before):
                files += 1
                batches += manifest.batch_count
                events += manifest.event_count
                size_bytes += manifest.file_bytes
                progress.advance(task, manifest.batch_count)
        if files:
            self.stdout.write(
                self.style.SUCCESS(
                    f"archived {events:,} events in {batches:,} batches to {files:,} files "
                    f"({size_bytes / 1e6:,.1f} MB), each read back and verified"
                )
            )
        return files

    def _dry_run(self, archiver: Archiver, before: int) -> None:
        found = archiver.preview(before=before)
        self.stdout.write(
            f"would archive {found.event_count:,} events in {found.batch_count:,} batches to {found.file_count:,} files"
        )

    def _remove(self, archiver: Archiver, before: int, *, is_dry_run: bool) -> list[Removal]:
        removals = []
        with batches_progress("removing") as progress:
            task = progress.add_task("", total=None)
            for removal in archiver.remove(before=before, dry_run=is_dry_run):
                removals.append(removal)
                progress.advance(task, removal.removed)
        return removals

    def _report(self, removals: list[Removal], setup: ArchiveSetup, *, is_dry_run: bool) -> None:
        removed, held, young, newest = (
            sum(getattr(removal, name) for removal in removals) for name in ("removed", "held", "young", "newest")
        )
        if is_dry_run:
            self.stdout.write(f"would remove {removed:,} batches that are archived already")
        elif removed:
            self.stdout.write(self.style.SUCCESS(f"removed {removed:,} batches from the store"))
        if young:
            last = max(removal.last_young_timestamp for removal in removals)
            until = show_instant(last + setup.retention_days * DAY_MICROSECONDS)
            self.stdout.write(
                f"{young:,} archived batches are younger than the retention and stay, the last of them until {until}"
            )
        if held:
            self.stdout.write(f"{held:,} batches stay under legal hold (`manage.py legal_hold list`)")
        if newest:
            self.stdout.write(f"{newest:,} stay as the newest of their partition")
