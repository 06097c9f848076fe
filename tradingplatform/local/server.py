"""What the embedded servers share: a folder, a port that stays the same, how one is launched and stopped.

The supervisor of `make run` launches servers and looks after them like any other process (supervisor.py). Whoever
needs just a server, as tests do, calls `start` and `stop`.
"""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, ClassVar

from tradingplatform.local.children import end_with_parent
from tradingplatform.local.leftovers import end_servers
from tradingplatform.local.logs import LogFile
from tradingplatform.local.ports import free_port


class EmbeddedServer(ABC):
    """One server on one port of loopback. It ends with the process that launched it, kill -9 included."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_seconds_max: ClassVar[float] = 60.0
    stop_seconds_max: ClassVar[float] = 20.0
    stop_order: ClassVar[int] = 2
    """After the processes that use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    @abstractmethod
    def url(self) -> str:
        """The server's address, the same however often it is started."""

    @property
    @abstractmethod
    def program(self) -> Path:
        """The executable; raises RuntimeError when it is not installed."""

    @abstractmethod
    def arguments(self) -> list[str]:
        """Return what the executable is started with."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Tell whether the server answers."""

    @property
    def working_folder(self) -> Path:
        """Where the process works: by it, what a killed run left behind is found."""
        return self._folder

    @property
    def typed(self) -> bytes:
        """What the server reads from its standard input."""
        return b""

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return None if self._child is None else self._child.pid

    def prepare(self) -> None:
        """Make what the server needs on disk, and see that none of an earlier start is left."""
        end_servers(self.program, self.working_folder)

    def before_exec(self) -> None:
        """What the new process does before it becomes the server."""
        end_with_parent(self.stop_signal)

    def launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the process and return at once; raises RuntimeError or OSError when that is not possible."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        child = subprocess.Popen(
            [str(self.program), *self.arguments()],
            cwd=self.working_folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=self.before_exec,
        )
        assert child.stdin is not None
        try:
            child.stdin.write(self.typed)
            child.stdin.close()
        except BrokenPipeError:  # It ended at once; whoever looks after it sees that.
            pass
        return child

    def start(self) -> str:
        """Start the server, wait until it answers and return its address."""
        log = LogFile(self._folder, self.name)
        with log.open() as file:
            self._child = self.launch(file)
        deadline = time.monotonic() + self.start_seconds_max
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                end = "\n".join(log.tail(5))
                raise RuntimeError(f"{self.name} ended while starting; the end of {log.path}:\n{end}")
            if self.is_ready():
                return self.url
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self.name} did not answer for {self.start_seconds_max:g} s: see {log.path}")

    def stop(self) -> None:
        """Stop the server that `start` started, and wait for it."""
        if self._child is not None:
            self._child.send_signal(self.stop_signal)
            wait_for_end(self._child, self.stop_seconds_max)
            self._child = None


def wait_for_end(child: subprocess.Popen[bytes], seconds_max: float) -> None:
    """Wait for a process that was asked to end, and kill it when it does not."""
    try:
        child.wait(seconds_max)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
