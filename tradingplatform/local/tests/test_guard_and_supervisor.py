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

from tradingplatform.local.ports import accepts
from tradingplatform.local.processes import BASE_DIR, GuardedProcess, Process, platform_environment
from tradingplatform.local.servers import EmbeddedValkey
from tradingplatform.local.supervisor import State, Supervisor
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
WAIT = "import time; time.sleep(600)"


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

    def test_it_ends_by_the_signal_that_ended_the_command(self):
        assert guarded(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)").wait(10) == -9


class TestSupervisor:
    @pytest.fixture
    def said(self):
        return []

    @pytest.fixture
    def supervise(self, mark, tmp_path, said):
        supervisors = []

        def make(**codes):
            programs = [
                GuardedProcess(
                    Process(name, (sys.executable, "-c", code, mark)),
                    data_dir=tmp_path,
                    environment=platform_environment(),
                )
                for name, code in codes.items()
            ]
            supervisors.append(Supervisor(programs, log_dir=tmp_path / "log", say=said.append))
            supervisors[0].start_all()
            return supervisors[0]

        yield make
        for supervisor in supervisors:
            supervisor.stop()

    def until(self, supervisor, condition, seconds=20):
        def holds():
            supervisor.look_after()
            return condition()

        wait_for(holds, seconds)

    def row(self, supervisor, name):
        return next(row for row in supervisor.rows() if row.name == name)

    def test_what_is_killed_is_started_again_and_the_others_go_on(self, supervise, mark, said):
        supervisor = supervise(steady=WAIT, killed=WAIT)
        self.until(supervisor, lambda: len(marked(mark)) == 4)
        steady, killed = (self.row(supervisor, name).pid for name in ("steady", "killed"))
        os.kill(killed, signal.SIGKILL)
        self.until(supervisor, lambda: self.row(supervisor, "killed").restarts == 1)
        self.until(supervisor, lambda: len(marked(mark)) == 4)
        assert self.row(supervisor, "killed").pid not in (None, killed)
        assert (self.row(supervisor, "steady").pid, self.row(supervisor, "steady").restarts) == (steady, 0)
        assert said == ["killed was ended by SIGKILL\nkilled is started again in 0.5 s"]

    def test_kill_9_of_a_guard_leaves_nothing_of_its_command(self, supervise, mark):
        """Its children would go on, and hold its port or its lock."""
        supervisor = supervise(family=FAMILY)
        self.until(supervisor, lambda: len(marked(mark)) == 3)
        before = {process.pid for process in marked(mark)}
        os.kill(supervisor.pid("family"), signal.SIGKILL)
        self.until(supervisor, lambda: self.row(supervisor, "family").restarts == 1)
        self.until(supervisor, lambda: len(marked(mark)) == 3)
        assert not before & {process.pid for process in marked(mark)}

    def test_what_keeps_ending_is_tried_ever_more_slowly_and_said_in_few_words(self, supervise, mark, said, tmp_path):
        supervisor = supervise(steady=WAIT, dying="print('no such table', flush=True); raise SystemExit(3)")
        self.until(supervisor, lambda: self.row(supervisor, "dying").restarts == 3)
        self.until(supervisor, lambda: self.row(supervisor, "dying").state is State.WAITING)
        first, second = said
        assert first.startswith(f"dying ended with code 3; the end of {tmp_path}/log/dying.log:\n    no such table\n")
        assert "dying keeps ending: it is tried again, every 15 s at last, and nothing more is said" in second
        assert "ended with code 3; started again in 4 s; see" in self.row(supervisor, "dying").note
        assert "no such table" in supervisor.failing("steady", "dying")
        assert self.row(supervisor, "steady").state is State.RUNNING

    def test_what_cannot_even_be_launched_is_tried_again_too(self, said, tmp_path):
        class Broken:
            name, stop_signal, stop_seconds_max, stop_order, tries = "broken", signal.SIGTERM, 1.0, 0, 0

            def launch(self, log):
                self.tries += 1
                raise OSError(28, "No space left on device")

        program = Broken()
        supervisor = Supervisor([program], log_dir=tmp_path, say=said.append)
        supervisor.start_all()
        self.until(supervisor, lambda: program.tries == 2)
        assert "broken could not be started ([Errno 28] No space left on device)" in said[0]
        supervisor.stop()

    def test_callers_are_stopped_before_writers_and_both_before_servers(self, supervise, mark, tmp_path):
        supervisor = supervise(writer=WAIT, web=WAIT, market=WAIT)
        server = EmbeddedValkey(tmp_path / "valkey")
        supervisor.add(server)
        supervisor.start("valkey")
        self.until(supervisor, lambda: len(marked(mark)) == 6 and supervisor.is_in(State.RUNNING, "valkey"))
        stopped = []

        def note():
            stopped.extend(
                row.name for row in supervisor.rows() if row.state is State.STOPPED and row.name not in stopped
            )

        started = time.monotonic()
        supervisor.stop(show=note)
        assert time.monotonic() - started < 10
        assert stopped == ["web", "market", "writer", "valkey"]
        assert marked(mark) == []
        assert not accepts(server.port)

    def test_kill_9_of_the_supervisor_leaves_nobody(self, mark, tmp_path):
        program = f"""
            import sys, time
            from pathlib import Path
            from tradingplatform.local.processes import GuardedProcess, Process, platform_environment
            from tradingplatform.local.supervisor import Supervisor
            family = Process("family", (sys.executable, "-c", {FAMILY!r}, "{mark}"))
            folder = Path({str(tmp_path)!r})
            guarded = GuardedProcess(family, data_dir=folder, environment=platform_environment())
            Supervisor([guarded], log_dir=folder, say=print).start_all()
            time.sleep(600)
        """
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=BASE_DIR)
        wait_for(lambda: len(marked(mark)) == 4)
        process.kill()
        process.wait()
        wait_for(lambda: marked(mark) == [])
