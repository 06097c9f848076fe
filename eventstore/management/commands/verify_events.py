"""manage.py verify_events: check every stored event against its hashes, every chain, and every signed checkpoint."""

import os
import time
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import django
import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.progress import ProgressColumn, Task
from rich.text import Text

from eventstore.audit.signing_keys import known_public_keys, read_public_key
from eventstore.audit.verify import (
    Job,
    Update,
    VerificationFailed,
    forget_progress,
    verify_here,
    verify_in_processes,
)
from eventstore.audit.verify_checkpoints import (
    CheckpointFinding,
    StorageFinding,
    VerifiedCheckpoints,
    verify_checkpoints,
)
from eventstore.engines.sqlite.database import sqlite_version, wal_reset_fault
from eventstore.errors import ConfigurationMismatch, EventStoreError
from eventstore.integrity.checkpoints import Checkpoint, decode
from eventstore.integrity.verifier import Finding
from eventstore.management.terminal import batches_progress
from eventstore.store import EventStore, get_existing_store

FINDINGS_SHOWN_MAX: Final = 50
BATCHES_HERE_MAX: Final = 1_000
"""Batches that are verified in the time that another process takes to start, if they are of some dozen events each."""

PROGRESS_FOLDER: Final = "verify-progress"
EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130


def open_own_store() -> EventStore:
    """Open the store in a spawned process, which knows nothing of Django yet."""
    django.setup()
    return get_existing_store()


class RateColumn(ProgressColumn):
    """How many batches a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f} batches/s")


class Command(BaseCommand):
    help = (
        "Verify the journal: every event's hash, every batch's Merkle root and header, the chain and the gap-free "
        "order of every partition, the versions of every account, and that the journal is what every signed checkpoint "
        "says. Exits 1 and says where when anything was altered or is missing, 2 for a wrong call, 130 on Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partition", type=int, action="append", help="only this partition (may be repeated)")
        parser.add_argument(
            "--processes", type=int, help="how many at once (default: one a core; for a short journal, this one alone)"
        )
        parser.add_argument("--resume", action="store_true", help="go on where an interrupted run stopped")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--public-key",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="PEM of a key whose checkpoints are trusted besides the platform's own (may be repeated)",
        )
        parser.add_argument(
            "--known-checkpoint",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="a checkpoint that `sign_checkpoint --output` wrote: it must still be there (may be repeated)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        if options["processes"] is not None and options["processes"] < 1:
            raise CommandError(f"--processes: expected 1 or more, found {options['processes']}", returncode=EXIT_USAGE)
        try:
            store = get_existing_store()
            checkpoints = self._checkpoints(store, options)  # Before the heads, so that the journal is not the older.
            heads = store.heads()
            problems = [StorageFinding(problem) for problem in _problems(store)]
        except EventStoreError as error:
            raise CommandError(str(error), returncode=EXIT_USAGE) from error
        partitions = sorted(set(options["partition"] or heads))
        unknown = [number for number in partitions if number not in heads]
        if unknown:
            raise CommandError(
                f"the store has partitions 0 to {store.partition_count - 1}, found {unknown[0]}", returncode=EXIT_USAGE
            )
        findings, totals = self._verify(store, partitions, heads, checkpoints, options)
        self._report(
            [
                *problems,
                *checkpoints.findings,
                *sorted(findings, key=lambda finding: (finding.partition, finding.seq or 0)),
            ],
            batches=sum(update.batch_count for update in totals.values()),
            events=sum(update.event_count for update in totals.values()),
            partitions=partitions,
            checkpoint_count=checkpoints.checkpoint_count,
            seconds=time.monotonic() - began if options["json"] else None,
        )

    def _checkpoints(self, store: EventStore, options: dict[str, Any]) -> VerifiedCheckpoints:
        path = settings.EVENT_STORE_SIGNING_KEY
        trusted = [read_public_key(given) for given in options["public_key"]] + known_public_keys(path)
        known = [_known_checkpoint(path) for path in options["known_checkpoint"]]
        verified = verify_checkpoints(store, trusted_keys=trusted, known=known)
        if verified.findings:  # They count if a second reading finds them too.
            with store.second() as again:
                verified = verify_checkpoints(again, trusted_keys=trusted, known=known)
        if verified.checkpoint_count and not trusted:
            raise ConfigurationMismatch(
                f"{verified.checkpoint_count} checkpoints are signed, and no key is known to check them with: {path} "
                "is not there or may not be read; give the public key with --public-key FILE"
            )
        return verified

    def _verify(
        self,
        store: EventStore,
        partitions: list[int],
        heads: dict[int, int],
        checkpoints: VerifiedCheckpoints,
        options: dict[str, Any],
    ) -> tuple[list[Finding], dict[int, Update]]:
        folder = settings.DATA_DIR / PROGRESS_FOLDER
        if not options["resume"]:
            forget_progress(folder)
        jobs = [Job(number, checkpoints.heads.get(number, ()), folder, options["resume"]) for number in partitions]
        batch_count = sum(heads[number] for number in partitions)
        found = (
            verify_here(store, jobs)
            if options["processes"] is None and batch_count < BATCHES_HERE_MAX
            else verify_in_processes(open_own_store, jobs, process_count=options["processes"] or os.cpu_count() or 1)
        )
        findings: list[Finding] = []
        totals: dict[int, Update] = {}
        try:
            with batches_progress("verifying", RateColumn()) as progress, closing(found) as updates:
                task = progress.add_task("", total=batch_count)
                for update in updates:
                    findings += update.findings
                    totals[update.partition] = update
                    progress.update(task, completed=sum(each.batch_count for each in totals.values()))
        except KeyboardInterrupt:
            raise CommandError(_interrupted("interrupted", totals), returncode=EXIT_INTERRUPTED) from None
        except VerificationFailed as error:
            raise CommandError(_interrupted(str(error), totals), returncode=EXIT_USAGE) from error
        forget_progress(folder)
        return findings, totals

    def _report(
        self,
        findings: list[Finding | CheckpointFinding | StorageFinding],
        *,
        batches: int,
        events: int,
        partitions: list[int],
        checkpoint_count: int,
        seconds: float | None,
    ) -> None:
        summary = f"{events:,} events in {batches:,} batches of {len(partitions)} partitions"
        summary += f" and {checkpoint_count:,} signed checkpoints"
        if seconds is not None:
            result = {
                "sound": not findings, "events": events, "batches": batches, "partitions": partitions,
                "checkpoints": checkpoint_count, "seconds": round(seconds, 3), "sqlite": sqlite_version(),
                "findings": [_as_json(finding) for finding in findings],
            }  # fmt: skip
            self.stdout.write(msgspec.json.format(msgspec.json.encode(result)).decode())
        else:
            for finding in findings[:FINDINGS_SHOWN_MAX]:
                self.stdout.write(self.style.ERROR(str(finding)))
            if len(findings) > FINDINGS_SHOWN_MAX:
                self.stdout.write(f"... and {len(findings) - FINDINGS_SHOWN_MAX:,} more")
        if findings:
            raise CommandError(f"{len(findings):,} findings; {summary} verified", returncode=EXIT_FINDINGS)
        if seconds is None:
            self.stdout.write(self.style.SUCCESS(f"{summary} verified: nothing was altered, nothing is missing"))
            self.stdout.write(wal_reset_fault(sqlite_version()) or f"read with SQLite {sqlite_version()}")


def _problems(store: EventStore) -> list[str]:
    """Return what the storage finds wrong with itself, twice."""
    if not store.engine.problems():
        return []
    with store.second() as again:
        return again.engine.problems()


def _known_checkpoint(path: Path) -> Checkpoint:
    try:
        return decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationMismatch(f"{path} cannot be read as a checkpoint: {error}") from error


def _interrupted(what: str, totals: dict[int, Update]) -> str:
    batches = sum(update.batch_count for update in totals.values())
    return f"{what}; {batches:,} batches are verified: `manage.py verify_events --resume` goes on from there"


def _as_json(finding: Finding | CheckpointFinding | StorageFinding) -> dict[str, Any]:
    if isinstance(finding, StorageFinding):
        return {"storage": finding.detail}
    if isinstance(finding, CheckpointFinding):
        return {"checkpoint": finding.number, "detail": finding.detail}
    return {
        "partition": finding.partition,
        "seq": finding.seq,
        "account": finding.aggregate_id,
        "version": finding.version,
        "detail": finding.detail,
    }
