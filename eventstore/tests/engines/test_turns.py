"""Turns at the SQLite journal: one at a time among threads and processes, given up by whoever dies."""

import signal
import subprocess
import sys
import threading

import pytest

from eventstore.engines.sqlite import turns as turns_module
from eventstore.engines.sqlite.turns import Turns
from eventstore.errors import StoreUnavailable

OTHER = """
import sys
from pathlib import Path
from eventstore.engines.sqlite.turns import Turns
with Turns(Path(sys.argv[1])).turn():
    print("has it", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path / "turn")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "has it\n"
    yield process
    process.kill()
    process.wait()


def test_a_turn_waits_for_that_of_another_process(tmp_path, other):
    order = []
    mine = Turns(tmp_path / "turn")

    def take():
        with mine.turn():
            order.append("mine")

    thread = threading.Thread(target=take)
    thread.start()
    order.append("the other ends")
    other.communicate("\n")
    thread.join()
    assert order == ["the other ends", "mine"]


def test_a_process_that_is_killed_gives_up_its_turn(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    with Turns(tmp_path / "turn").turn():
        pass


def test_a_turn_that_another_process_never_ends_is_a_clear_error(tmp_path, other, monkeypatch):
    monkeypatch.setattr(turns_module, "WAIT_SECONDS_MAX", 0.01)
    mine = Turns(tmp_path / "turn")
    with pytest.raises(StoreUnavailable, match="another process has been writing to the journal for"), mine.turn():
        pass
    other.communicate("\n")
    with mine.turn():
        pass


def test_a_turn_within_a_turn_is_the_same_one(tmp_path):
    mine = Turns(tmp_path / "turn")
    with mine.turn(), mine.turn():
        pass
    with Turns(tmp_path / "turn").turn():
        pass


def test_threads_share_no_turn(tmp_path):
    mine = Turns(tmp_path / "turn")
    inside = []

    def take():
        for _ in range(200):
            with mine.turn():
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == []
