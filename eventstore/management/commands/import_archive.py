"""manage.py import_archive: make the event store anew from its archive, into an empty place."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from eventstore.archive.provider import get_archive_setup
from eventstore.archive.restoring import import_archive, read_manifests
from eventstore.archive.storage import FolderStorage
from eventstore.errors import EventStoreError
from eventstore.management.terminal import batches_progress
from eventstore.store import reset_store


class Command(BaseCommand):
    help = (
        "Make the event store that the settings name from a folder of archive files and manifests. It must not exist "
        "yet. Every signature, hash and chain is verified; the new store has the identity and hashes of the old one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="folder of the archive")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["path"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder: name the one that holds the archive")
        reset_store()
        setup = get_archive_setup()
        storage = FolderStorage(folder)
        engine = setup.make_engine()
        batches = events = 0
        try:
            partitions = read_manifests(storage, verify=setup.verify)
            manifests = [manifest for of_partition in partitions.values() for manifest in of_partition]
            with batches_progress("importing") as progress:
                task = progress.add_task("", total=sum(manifest.batch_count for manifest in manifests))
                steps = import_archive(partitions, storage=storage, engine=engine, codec=setup.make_codec())
                for step in steps:
                    batches += len(step)
                    events += sum(batch.event_count for batch in step)
                    progress.advance(task, len(step))
        except EventStoreError as error:
            raise CommandError(f"{error}\n{_what_was_done(events, batches)}", returncode=1) from error
        finally:
            engine.close()
        metadata = manifests[0].metadata
        self.stdout.write(
            self.style.SUCCESS(
                f"imported {events:,} events in {batches:,} batches of {len(partitions)} partitions from "
                f"{len(manifests):,} files, each verified; the store is {metadata.store_id}"
            )
        )
        self.stdout.write(f"open it with EVENT_STORE_PARTITIONS={metadata.partition_count}, then rebuild_readmodels")


def _what_was_done(events: int, batches: int) -> str:
    if not batches:
        return "Nothing was imported"
    return (
        f"{events:,} events in {batches:,} batches were imported before that: the store is not complete, discard it "
        "and import into a new one"
    )
