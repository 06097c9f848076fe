"""The lock on writing the SQLite journal: one at a time among threads and processes, given up by whoever dies."""

import signal
import subprocess
import sys
import threading

import pytest

from eventstore.engines.sqlite import database
from eventstore.engines.sqlite.database import WriteLock
from eventstore.errors import StoreUnavailable

OTHER = """
import sys
from pathlib import Path
from eventstore.engines.sqlite.database import WriteLock
with WriteLock(Path(sys.argv[1])).held():
    print("has it", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "has it\n"
    yield process
    process.kill()
    process.wait()


def test_it_waits_for_another_process(tmp_path, other):
    order = []
    mine = WriteLock(tmp_path / "lock")

    def take():
        with mine.held():
            order.append("mine")

    thread = threading.Thread(target=take)
    thread.start()
    order.append("the other ends")
    other.communicate("\n")
    thread.join()
    assert order == ["the other ends", "mine"]


def test_a_process_that_is_killed_gives_it_up(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    with WriteLock(tmp_path / "lock").held():
        pass


def test_one_that_another_process_never_gives_up_is_a_clear_error(tmp_path, other, monkeypatch):
    monkeypatch.setattr(database, "WAIT_SECONDS_MAX", 0.01)
    mine = WriteLock(tmp_path / "lock")
    with pytest.raises(StoreUnavailable, match="another process has been writing to the journal for"), mine.held():
        pass
    other.communicate("\n")
    with mine.held():
        pass


def test_it_is_reentrant(tmp_path):
    mine = WriteLock(tmp_path / "lock")
    with mine.held(), mine.held():
        pass
    with WriteLock(tmp_path / "lock").held():
        pass


def test_threads_do_not_share_it(tmp_path):
    mine = WriteLock(tmp_path / "lock")
    inside = []

    def take():
        for _ in range(200):
            with mine.held():
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == []
