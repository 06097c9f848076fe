"""Verification in several real processes: the same result as in one, errors told, nothing left running, resumable."""

import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from multiprocessing.context import SpawnProcess
from pathlib import Path

import psutil
import pytest

from eventstore.audit.verify import (
    Job,
    VerificationFailed,
    forget_progress,
    progress_path,
    verify_in_processes,
)
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.errors import StoreUnavailable
from eventstore.tests.counter import CounterDecider, add, open_counters

NAMES = [f"counter-{n}" for n in range(20)]
BASE_DIR = Path(__file__).resolve().parents[3]


def open_at(folder):
    return open_counters(SQLiteEngine(folder), partition_count=4)


def open_nothing():
    raise StoreUnavailable("there is no such store")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store of four partitions of 100 batches with 5 events or so each."""
    path = tmp_path_factory.mktemp("store")
    store = open_at(path)
    writer = store.writer(CounterDecider())
    for group in range(100):
        writer.execute([add(name, 1, f"{group}") for name in NAMES])
    store.close()
    return path


def jobs(progress, is_resumed=False):
    return [Job(number, (), progress, is_resumed) for number in range(4)]


def verified(folder, progress, process_count, is_resumed=False):
    """Return the last update of every partition and all findings."""
    last, findings = {}, []
    opener = functools.partial(open_at, folder)
    for update in verify_in_processes(opener, jobs(progress, is_resumed), process_count=process_count):
        last[update.partition] = update
        findings += update.findings
    return last, findings


@pytest.mark.parametrize("process_count", [1, 3, 9])
def test_any_number_of_processes_verifies_everything_once(folder, tmp_path, process_count):
    last, findings = verified(folder, tmp_path / "progress", process_count)
    assert findings == []
    assert {number: update.batch_count for number, update in last.items()} == dict.fromkeys(range(4), 100)
    assert sum(update.event_count for update in last.values()) == 2_000
    assert all(update.is_finished for update in last.values())
    assert multiprocessing.active_children() == []


def test_a_finished_run_is_not_done_again_and_can_be_forgotten(folder, tmp_path):
    progress = tmp_path / "progress"
    verified(folder, progress, 2)
    assert sorted(path.name for path in progress.iterdir()) == [f"partition-{n}.msgpack" for n in range(4)]
    opener = functools.partial(open_at, folder)
    first = next(iter(updates := verify_in_processes(opener, jobs(progress, True), process_count=1)))
    assert (first.batch_count, first.is_finished) == (100, False)
    updates.close()
    forget_progress(progress)
    assert not progress.exists()


def test_a_run_that_was_stopped_leaves_no_process_and_says_how_far_it_was(folder, tmp_path):
    progress = tmp_path / "progress"
    updates = verify_in_processes(functools.partial(open_at, folder), jobs(progress), process_count=2)
    while not next(updates).is_finished:
        pass
    updates.close()
    assert multiprocessing.active_children() == []
    assert progress_path(progress, 0).exists()
    last, findings = verified(folder, progress, 2, is_resumed=True)
    assert findings == []
    assert sum(update.event_count for update in last.values()) == 2_000


def test_an_interrupt_while_processes_are_started_is_not_lost(folder, tmp_path, monkeypatch):
    """It comes when all are started, so that none of them is forgotten; and none of them is hit by it."""
    started, start = [], SpawnProcess.start

    def interrupted(process):
        signal.raise_signal(signal.SIGINT)
        start(process)
        started.append(process)
        os.kill(process.pid, signal.SIGINT)

    monkeypatch.setattr(SpawnProcess, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(verify_in_processes(functools.partial(open_at, folder), jobs(tmp_path), process_count=2))
    assert [process.exitcode for process in started] == [0, 0]


def test_damaged_progress_is_not_believed(folder, tmp_path):
    progress = tmp_path / "progress"
    verified(folder, progress, 2)
    content = progress_path(progress, 1).read_bytes()
    progress_path(progress, 1).write_bytes(content[: len(content) // 2])
    last, _ = verified(folder, progress, 2, is_resumed=True)
    assert {number: update.batch_count for number, update in last.items()} == dict.fromkeys(range(4), 100)


def test_a_store_that_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(VerificationFailed, match="there is no such store"):
        list(verify_in_processes(open_nothing, jobs(tmp_path), process_count=2))
    assert multiprocessing.active_children() == []


def test_a_process_that_was_killed_is_told(tmp_path):
    with pytest.raises(VerificationFailed, match="ended unexpectedly"):
        list(verify_in_processes(die, jobs(tmp_path), process_count=2))
    assert multiprocessing.active_children() == []


def test_processes_end_when_the_one_that_started_them_is_killed(folder, tmp_path):
    """Kill -9, so that nothing can be tidied up: the broken pipes must do it."""
    program = textwrap.dedent(
        f"""
        import functools, os, pathlib, signal
        from eventstore.tests.audit.test_verify_parallel import jobs, open_at, verify_in_processes
        if __name__ == "__main__":
            opener = functools.partial(open_at, pathlib.Path({str(folder)!r}))
            updates = verify_in_processes(opener, jobs(pathlib.Path({str(tmp_path)!r})), process_count=2)
            next(updates)
            import multiprocessing
            print(*[child.pid for child in multiprocessing.active_children()], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        env={**os.environ, "PYTHONPATH": str(BASE_DIR)},
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    for pid in pids:
        try:
            psutil.Process(pid).wait(20)
        except psutil.NoSuchProcess:
            continue
