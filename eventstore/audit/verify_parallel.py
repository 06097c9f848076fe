"""Verification of many partitions: one partition is one job, in this process or in several. Progress is kept in files,
and an interrupted run goes on.
"""

import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from eventstore.audit.verify import PartitionRun, Progress
from eventstore.errors import EventStoreError
from eventstore.integrity.heads import ExpectedHead
from eventstore.integrity.verifier import Finding
from eventstore.processes import in_processes
from eventstore.store import EventStore

SAVE_INTERVAL_SECONDS: Final = 5.0
REPORT_INTERVAL_SECONDS: Final = 0.1

_decode_progress = msgspec.msgpack.Decoder(Progress).decode


class Job(NamedTuple):
    """A partition to verify; with `is_resumed`, from where an earlier run in `folder` stopped."""

    partition: int
    heads: Sequence[ExpectedHead]
    folder: Path
    is_resumed: bool


class Update(NamedTuple):
    """How far a partition is: totals since its first batch, and the findings since the update before."""

    partition: int
    batch_count: int
    event_count: int
    findings: list[Finding]
    is_finished: bool


class VerificationFailed(Exception):
    """A verifying process could not do its work; what was verified until then is kept."""


def verify_in_processes(
    open_store: Callable[[], EventStore], jobs: Sequence[Job], *, process_count: int
) -> Generator[Update, None, None]:
    """Verify partitions; yield updates until every job is finished. Closing the iterator stops the processes.

    `open_store` must be importable by name in another process. Raises VerificationFailed.
    """
    return in_processes(open_store, verify_job, jobs, process_count=process_count, failure=VerificationFailed)


def verify_here(store: EventStore, jobs: Sequence[Job]) -> Generator[Update, None, None]:
    """Do the same in this process: a short journal is verified sooner than another process is started."""
    try:
        for job in jobs:
            yield from verify_job(store, job)
    except (EventStoreError, OSError) as error:
        raise VerificationFailed(f"{type(error).__name__}: {error}") from error


def progress_path(folder: Path, partition: int) -> Path:
    """Return the file that says how far a partition was verified."""
    return folder / f"partition-{partition}.msgpack"


def forget_progress(folder: Path) -> None:
    """Remove what earlier runs left; what may not be removed is not looked at either."""
    with suppress(OSError):
        for path in folder.glob("partition-*.msgpack*"):
            path.unlink()
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()


def verify_job(store: EventStore, job: Job) -> Generator[Update, None, None]:
    """Verify one partition in this process, saving how far it is every few seconds and when it is stopped."""
    run = PartitionRun(store, job.partition, heads=job.heads, progress=_loaded(job) if job.is_resumed else None)
    reported, saved_at, reported_at = 0, time.monotonic(), time.monotonic()

    def update(*, is_finished: bool) -> Update:
        return Update(job.partition, run.batch_count, run.event_count, run.findings[reported:], is_finished)

    try:
        yield update(is_finished=False)
        reported = len(run.findings)
        for _ in run.run():
            now = time.monotonic()
            if now - reported_at >= REPORT_INTERVAL_SECONDS:
                yield update(is_finished=False)
                reported, reported_at = len(run.findings), now
            if now - saved_at >= SAVE_INTERVAL_SECONDS:
                _save(job, run.progress())
                saved_at = now
    finally:
        _save(job, run.progress())
    yield update(is_finished=True)


def _loaded(job: Job) -> Progress | None:
    """Return where an earlier run stopped; None when it did not, or its file cannot be read."""
    try:
        return _decode_progress(progress_path(job.folder, job.partition).read_bytes())
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None


def _save(job: Job, progress: Progress) -> None:
    """Keep how far a run is; where nothing may be written, an interrupted run begins again."""
    path = progress_path(job.folder, job.partition)
    made = path.with_suffix(f".msgpack.{os.getpid()}")
    with suppress(OSError):
        job.folder.mkdir(parents=True, exist_ok=True)
        made.write_bytes(msgspec.msgpack.encode(progress))
        made.replace(path)
