"""manage.py restore_events: a new store that holds what had happened up to an instant, beside the one that is there."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from eventstore.archive.provider import get_archive_setup
from eventstore.archive.restoring import LeftOut, restore
from eventstore.errors import EventStoreError
from eventstore.management.terminal import batches_progress, parse_past_instant, show_instant
from eventstore.store import get_existing_store


class Command(BaseCommand):
    help = (
        "Make a new SQLite store, in a folder of its own, of every batch that ended at or before an instant, archived "
        "ones included. The store that is there is only read. Says exactly what a batch across the instant left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, metavar="TIME", help="date or instant (UTC unless it says)")
        parser.add_argument(
            "--target", required=True, type=Path, metavar="FOLDER", help="a folder that is new or empty"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["target"]
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise CommandError(f"{target} is not empty: name a folder that is new")
        try:
            to = parse_past_instant(options["to"], option="--to", now=time.time_ns() // 1_000)
            store = get_existing_store()
        except EventStoreError as error:
            raise CommandError(str(error), returncode=1) from error
        left_out: list[LeftOut] = []
        batches = events = 0
        engine = get_archive_setup().make_local_engine(target)
        try:
            steps = restore(
                store.engine, metadata=store.metadata, codec=store.codec, target=engine, to=to, left_out=left_out
            )
            total = sum(store.engine.seek(partition=number, timestamp=to + 1) for number in store.heads())
            with batches_progress("restoring") as progress:
                task = progress.add_task("", total=total)
                for step in steps:
                    batches += len(step)
                    events += sum(batch.event_count for batch in step)
                    progress.advance(task, len(step))
        except EventStoreError as error:
            raise CommandError(f"{error}\n{target} is not complete: discard it", returncode=1) from error
        finally:
            engine.close()
        done = f"restored {events:,} events in {batches:,} batches up to {show_instant(to)}"
        self.stdout.write(self.style.SUCCESS(done))
        self._report(left_out)
        self.stdout.write(f"verify it: EVENT_STORE_PATH={target.resolve()} manage.py verify_events")
        self.stdout.write(f"run on it: EVENT_STORE=sqlite EVENT_STORE_PATH={target.resolve()}, then rebuild_readmodels")

    def _report(self, left_out: list[LeftOut]) -> None:
        if not left_out:
            self.stdout.write("no batch lies across that instant: nothing was left out")
        for found in left_out:
            self.stdout.write(
                self.style.WARNING(
                    f"partition {found.partition}, seq {found.seq} lies across that instant and cannot be cut: "
                    f"{found.event_count:,} events from {show_instant(found.first_timestamp)} to "
                    f"{show_instant(found.last_timestamp)} are left out"
                )
            )
