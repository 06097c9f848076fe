"""Work on a store in several processes: a job at a time each, what they find is yielded here.

The processes are spawned and open the store themselves. Each is tied to this one by a pipe: when this process ends,
however it ends, the pipe breaks, the job that is being done is closed like any generator, and they end. They ignore
Ctrl-C, which is this process's to handle.
"""

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final, TypeVar

from eventstore.errors import EventStoreError
from eventstore.store import EventStore

J = TypeVar("J")
U = TypeVar("U")

STOP_SECONDS_MAX: Final = 10.0
"""How long an interrupted process may take to close its job, which may save how far it is; then it is killed."""

_FINISHED: Final = None
"""Sent after the last update of a job."""


def in_processes(
    open_store: Callable[[], EventStore],
    work: Callable[[EventStore, J], Generator[U, None, None]],
    jobs: Sequence[J],
    *,
    process_count: int,
    failure: type[Exception],
) -> Generator[U, None, None]:
    """Do jobs; yield the updates of `work` as they come, until every job is done. Closing it stops the processes.

    `open_store` and `work` must be importable by name in another process. Raises `failure`, which `work` may raise,
    too, where a process could not do its work.
    """
    waiting = deque(jobs)
    workers: dict[Connection, SpawnProcess] = {}
    try:
        with _interrupts_held():
            _start(workers, (open_store, work, failure), min(process_count, len(jobs)))
        busy = list(workers)
        for connection in busy:
            connection.send(waiting.popleft())
        while busy:
            for ready in wait(busy):
                assert isinstance(ready, Connection)
                update = _received(ready, failure)
                if update is not _FINISHED:
                    yield update
                elif waiting:
                    ready.send(waiting.popleft())
                else:
                    busy.remove(ready)
    finally:
        _stop(workers)


class _Failure(str):
    """Why a process ends."""


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let a Ctrl-C of meanwhile come at the end. Processes that are started meanwhile inherit that it is held."""
    if threading.current_thread() is not threading.main_thread():
        yield  # No Ctrl-C comes here.
        return
    interrupts: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    resource_tracker.ensure_running()  # The first process would start it, and that lets through what is held.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if interrupts:
            signal.raise_signal(signal.SIGINT)


def _start(workers: dict[Connection, SpawnProcess], arguments: tuple[Any, ...], count: int) -> None:
    context = multiprocessing.get_context("spawn")
    for _ in range(count):
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, *arguments), daemon=True)
        process.start()
        theirs.close()
        workers[ours] = process


def _received(connection: Connection, failure: type[Exception]) -> Any:
    try:
        received = connection.recv()
    except (EOFError, OSError) as error:
        raise failure("a process ended unexpectedly (was it killed?): start again") from error
    if isinstance(received, _Failure):
        raise failure(str(received))
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


def _work(
    connection: Connection,
    open_store: Callable[[], EventStore],
    work: Callable[[EventStore, Any], Generator[Any, None, None]],
    failure: type[Exception],
) -> None:
    """Do jobs until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        store = open_store()
        while True:
            job = connection.recv()
            with closing(work(store, job)) as updates:
                for update in updates:
                    connection.send(update)
            connection.send(_FINISHED)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # Finished, interrupted, or the parent is gone.
    except failure as error:
        connection.send(_Failure(error))
    except (EventStoreError, OSError) as error:
        connection.send(_Failure(f"{type(error).__name__}: {error}"))
