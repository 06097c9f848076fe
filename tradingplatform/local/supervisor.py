"""Starts processes, puts each one's name before its lines, starts those again that die, and stops all of them in order.

Every process runs under a guard, so nothing of it survives this one. A process that keeps dying is started again ever
more slowly; the others go on meanwhile.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Final

from tradingplatform.local.processes import BASE_DIR, Process

RESTART_SECONDS_MIN: Final = 1.0
RESTART_SECONDS_MAX: Final = 15.0
STEADY_SECONDS: Final = 30.0
STOP_SECONDS_MAX: Final = 7.0


class _Running:
    """One supervised process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.child: subprocess.Popen[str] | None = None
        self.started_at = 0.0
        self.pause = RESTART_SECONDS_MIN
        self.restart_at = 0.0


class Supervisor:
    """Runs processes until `stop`. Lines go to `write`, already with their name."""

    def __init__(
        self, processes: Sequence[Process], *, environment: Mapping[str, str], write: Callable[[str], None]
    ) -> None:
        self._all = {process.name: _Running(process) for process in processes}
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._write = write
        self._width = max((len(process.name) for process in processes), default=0)
        self._is_coloured = sys.stdout.isatty()

    def start(self, name: str) -> None:
        """Start one process (again)."""
        running = self._all[name]
        running.child = subprocess.Popen(
            [sys.executable, "-m", "tradingplatform.local.guard", *running.process.command],
            cwd=BASE_DIR,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        running.started_at = time.monotonic()
        running.restart_at = 0.0
        assert running.child.stdout is not None
        threading.Thread(target=self._copy, args=(running.process, running.child.stdout), daemon=True).start()

    def start_all(self) -> None:
        """Start every process, in order."""
        for name in self._all:
            self.start(name)

    def look_after(self) -> None:
        """Start again what has died and waited long enough; to be called a few times a second."""
        now = time.monotonic()
        for name, running in self._all.items():
            if running.child is None or running.child.poll() is None:
                continue
            if running.restart_at == 0.0:
                is_steady = now - running.started_at > STEADY_SECONDS
                running.pause = RESTART_SECONDS_MIN if is_steady else min(running.pause * 2, RESTART_SECONDS_MAX)
                running.restart_at = now + running.pause
                code = running.child.returncode
                self._say(running.process, f"ended with code {code}; started again in {running.pause:g} s")
            elif now >= running.restart_at:
                self.start(name)

    def pid(self, name: str) -> int | None:
        """Return the process id of a process's guard."""
        child = self._all[name].child
        return None if child is None else child.pid

    def stop(self) -> None:
        """Stop every process, the last started first."""
        for running in reversed(self._all.values()):
            child, running.child = running.child, None
            if child is None or child.poll() is not None:
                continue
            child.terminate()
            try:
                child.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            self._say(running.process, "stopped")

    def _copy(self, process: Process, lines: IO[str]) -> None:
        for line in lines:
            self._say(process, line.rstrip("\n"))

    def _say(self, process: Process, text: str) -> None:
        name = process.name.ljust(self._width)
        if self._is_coloured:
            name = f"\x1b[{process.colour}m{name}\x1b[0m"
        self._write(f"{name} | {text}")


def platform_environment(**services: str) -> dict[str, str]:
    """Return the environment of the platform's processes: this one's, and where the services are."""
    return {**os.environ, **services}
