"""Replay in several processes: a job at a time each, their results added up here.

The processes are spawned and open the store themselves. Each is tied to this one by a pipe: when this process ends,
however it ends, the pipe breaks and they end. They ignore Ctrl-C, which is this process's to handle.
"""

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

from eventstore.errors import EventStoreError
from eventstore.store import EventStore
from temporal.errors import ReplayFailed
from temporal.replay import ReplayJob, ReplayUpdate, run_job

STOP_SECONDS_MAX: Final = 5.0
"""How long an interrupted process may take to notice; then it is killed. It has nothing to save."""


def replay_here(store: EventStore, jobs: Sequence[ReplayJob]) -> Generator[ReplayUpdate, None, None]:
    """Replay in this process, one job after another."""
    for job in jobs:
        yield from run_job(store, job)


def replay_in_processes(
    open_store: Callable[[], EventStore], jobs: Sequence[ReplayJob], *, process_count: int
) -> Generator[ReplayUpdate, None, None]:
    """Replay; yield updates until every job has its result. Closing the iterator stops the processes.

    `open_store` must be importable by name in another process. Raises ReplayFailed.
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
                if update.result is not None and waiting:
                    ready.send(waiting.popleft())
                elif update.result is not None:
                    busy.remove(ready)
                yield update
    finally:
        _stop(workers)


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


def _received(connection: Connection) -> ReplayUpdate:
    try:
        received: ReplayUpdate | str = connection.recv()
    except (EOFError, OSError) as error:
        raise ReplayFailed("a replaying process ended unexpectedly (was it killed?): start again") from error
    if isinstance(received, str):
        raise ReplayFailed(received)
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
            job: ReplayJob = connection.recv()
            with closing(run_job(store, job)) as updates:
                for update in updates:
                    connection.send(update)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # Finished, interrupted, or the parent is gone.
    except (ReplayFailed, EventStoreError, OSError) as error:
        connection.send(str(error))
