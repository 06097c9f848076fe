"""Verification in several processes: one partition is one job, progress is kept in files, an interrupted run goes on.

The processes are spawned and open the store themselves. Each is tied to this one by a pipe: when this process ends,
however it ends, the pipe breaks, and they save how far they are and end. They ignore Ctrl-C, which is this process's to
handle.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from eventstore.audit.verify import PartitionRun, Progress
from eventstore.errors import EventStoreError
from eventstore.integrity.heads import ExpectedHead
from eventstore.integrity.verifier import Finding
from eventstore.store import EventStore

SAVE_INTERVAL_SECONDS: Final = 5.0
REPORT_INTERVAL_SECONDS: Final = 0.1
STOP_SECONDS_MAX: Final = 10.0
"""How long an interrupted process may take to save how far it is."""

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
    waiting = deque(jobs)
    workers = _started(open_store, min(process_count, len(jobs)))
    try:
        busy = list(workers)
        for connection in busy:
            connection.send(waiting.popleft())
        while busy:
            for ready in wait(busy):
                assert isinstance(ready, Connection)
                update = _received(ready)
                if update.is_finished:
                    if waiting:
                        ready.send(waiting.popleft())
                    else:
                        busy.remove(ready)
                yield update
    finally:
        _stop(workers)


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


def _started(open_store: Callable[[], EventStore], count: int) -> dict[Connection, SpawnProcess]:
    context = multiprocessing.get_context("spawn")
    is_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main_thread else None  # What is spawned inherits it.
    workers: dict[Connection, SpawnProcess] = {}
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, open_store), daemon=True)
            process.start()
            theirs.close()
            workers[ours] = process
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
    return workers


def _received(connection: Connection) -> Update:
    try:
        received: Update | str = connection.recv()
    except (EOFError, OSError) as error:
        raise VerificationFailed("a verifying process ended unexpectedly (was it killed?)") from error
    if isinstance(received, str):
        raise VerificationFailed(received)
    return received


def _stop(workers: dict[Connection, SpawnProcess]) -> None:
    for connection in workers:
        connection.close()
    deadline = time.monotonic() + STOP_SECONDS_MAX
    for process in workers.values():
        process.join(max(deadline - time.monotonic(), 0))
        if process.is_alive():
            process.kill()
            process.join()


def _work(connection: Connection, open_store: Callable[[], EventStore]) -> None:
    """Do jobs until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        store = open_store()
        while True:
            job: Job = connection.recv()
            updates = verify_job(store, job)
            try:
                for update in updates:
                    connection.send(update)
            finally:
                updates.close()  # Saves how far it is.
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # Finished, interrupted, or the parent is gone.
    except (EventStoreError, OSError) as error:
        connection.send(f"{type(error).__name__}: {error}")


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
