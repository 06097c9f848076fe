"""Log files: bounded while a process appends, read line by line, the end of them for whoever asks why."""

import subprocess
import sys

from tradingplatform.local import logs
from tradingplatform.local.logs import LogFile
from tradingplatform.local.tests.processes_of import wait_for


def test_a_log_stays_within_its_bound_while_a_process_appends_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "LOG_BYTES_MAX", 10_000)
    log = LogFile(tmp_path, "web")
    program = "import sys, time\nwhile True: print('x' * 99, flush=True); time.sleep(0.0005)"
    with log.open() as file:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=file)
    old = tmp_path / "web.log.1"
    try:
        for _ in range(3):
            old.unlink(missing_ok=True)
            wait_for(lambda: (log.rotate(), old.exists())[1])
            assert log.path.stat().st_size < 10_000
            assert set(old.read_text().splitlines()) == {"x" * 99}
    finally:
        process.kill()
        process.wait()


def test_new_lines_are_returned_once_and_whole(tmp_path):
    log = LogFile(tmp_path, "web")
    with log.open() as file:
        file.write(b"one\ntw")
        file.flush()
        assert log.new_lines() == ["one"]
        file.write(b"o\n\xff\n")
        file.flush()
        assert log.new_lines() == ["two", "\ufffd"]
        assert log.new_lines() == []


def test_the_tail_is_of_the_process_that_runs_now(tmp_path):
    log = LogFile(tmp_path, "web")
    with log.open() as file:
        file.write(b"of the one before\n")
    with log.open() as file:
        file.write(b"a\n\nb\nc\n")
        file.flush()
        assert log.tail(2) == ["b", "c"]
        assert log.tail(9) == ["a", "b", "c"]
    assert LogFile(tmp_path, "none").tail(3) == []
