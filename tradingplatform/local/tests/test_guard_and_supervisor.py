"""Nothing that was started is ever left: guards, supervisors and kill -9. What dies is started again, in order it is
stopped.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid

import pytest

from tradingplatform.local.processes import BASE_DIR, Process
from tradingplatform.local.supervisor import Supervisor, platform_environment
from tradingplatform.local.tests.processes_of import marked, wait_for

# A process with a child that does not care about signals' first wish.
FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]])
print("started", flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture
def mark():
    made = f"mark-{uuid.uuid4()}"
    yield made
    for process in marked(made):
        process.kill()


def guarded(*command):
    return subprocess.Popen(
        [sys.executable, "-m", "tradingplatform.local.guard", *command], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True
    )


class TestGuard:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_the_whole_family_ends_with_the_guard(self, mark, number):
        guard = guarded(sys.executable, "-c", FAMILY, mark)
        guard.stdout.readline()
        wait_for(lambda: len(marked(mark)) == 3)
        guard.send_signal(number)
        guard.wait(10)
        assert marked(mark) == []

    def test_a_command_that_ignores_the_wish_is_killed(self, mark):
        guard = guarded(sys.executable, "-c", STUBBORN, mark)
        guard.stdout.readline()
        guard.terminate()
        guard.wait(15)
        assert marked(mark) == []

    def test_the_family_ends_when_the_guards_parent_is_killed(self, mark):
        parent = f"""
            import subprocess, sys, time
            command = [sys.executable, "-m", "tradingplatform.local.guard", sys.executable, "-c", {FAMILY!r}, "{mark}"]
            subprocess.Popen(command)
            time.sleep(600)
        """
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(parent)], cwd=BASE_DIR)
        wait_for(lambda: len(marked(mark)) == 4)
        process.kill()
        process.wait()
        wait_for(lambda: marked(mark) == [])

    def test_the_command_is_asked_to_end_when_the_guard_itself_is_killed(self, mark):
        guard = guarded(sys.executable, "-c", "import time; print(1, flush=True); time.sleep(600)", mark)
        guard.stdout.readline()
        guard.kill()
        guard.wait()
        wait_for(lambda: marked(mark) == [])

    def test_the_exit_code_is_passed_on(self):
        assert guarded(sys.executable, "-c", "raise SystemExit(7)").wait(10) == 7


def python(name, code, mark):
    return Process(name, (sys.executable, "-c", code, mark), 32)


class TestSupervisor:
    def test_lines_carry_their_name_and_what_dies_is_started_again(self, mark):
        lines = []
        processes = [
            python("steady", "import time; print('here', flush=True); time.sleep(600)", mark),
            python("dying", "print('once more', flush=True)", mark),
        ]
        supervisor = Supervisor(processes, environment=platform_environment(), write=lines.append)
        supervisor.start_all()
        try:

            def twice():
                supervisor.look_after()
                return sum("once more" in line for line in lines) >= 2

            wait_for(twice, 20)
            steady = supervisor.pid("steady")
            assert os.path.exists(f"/proc/{steady}")
        finally:
            supervisor.stop()
        assert "steady | here" in lines
        assert any("ended with code 0; started again in" in line for line in lines)
        assert marked(mark) == []

    def test_the_last_one_started_is_the_first_one_stopped(self, mark):
        lines = []
        wait = "import time; time.sleep(600)"
        names = ["first", "second", "third"]
        supervisor = Supervisor(
            [python(name, wait, mark) for name in names], environment=platform_environment(), write=lines.append
        )
        supervisor.start_all()
        wait_for(lambda: len(marked(mark)) == 6)
        started = time.monotonic()
        supervisor.stop()
        assert time.monotonic() - started < 10
        assert [line.split()[0] for line in lines] == ["third", "second", "first"]
        assert marked(mark) == []

    def test_kill_9_of_the_supervisor_leaves_nobody(self, mark):
        program = f"""
            import sys, time
            from tradingplatform.local.processes import Process
            from tradingplatform.local.supervisor import Supervisor, platform_environment
            family = Process("family", (sys.executable, "-c", {FAMILY!r}, "{mark}"), 32)
            Supervisor([family], environment=platform_environment(), write=print).start_all()
            time.sleep(600)
        """
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=BASE_DIR)
        wait_for(lambda: len(marked(mark)) == 4)
        process.kill()
        process.wait()
        wait_for(lambda: marked(mark) == [])
