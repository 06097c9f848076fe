"""Keeps programs running, servers and processes alike: starts them, starts those again that end, stops all in order.

One that keeps ending is started again ever more slowly, and the others go on meanwhile. What happens is said in few
words: the first time with the end of the log, then that it keeps happening, then nothing until it runs again. A program
that hangs is not ended: /api/health/ready tells of it, and what it was doing may matter.

To be used from one thread, the main one: the kernel ends a child with the thread that started it.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, Final, NamedTuple, Protocol

from tradingplatform.local.logs import LogFile
from tradingplatform.local.servers import wait_for_end

RESTART_SECONDS_MIN: Final = 0.5
RESTART_SECONDS_MAX: Final = 15.0
STEADY_SECONDS: Final = 10.0
"""Whoever has run for so long has not ended at once."""
FAILURES_SAID_MAX: Final = 3
LOG_LINES_SAID: Final = 8


class Program(Protocol):
    """What is kept running."""

    @property
    def name(self) -> str:
        """Its name, on the screen and of its log."""

    @property
    def stop_signal(self) -> signal.Signals:
        """What asks it to end."""

    @property
    def stop_seconds_max(self) -> float:
        """How long it may take to."""

    @property
    def stop_order(self) -> int:
        """Those with the lowest number are asked to end first, together, and waited for before the next."""

    def launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start it and return at once; raises RuntimeError or OSError when that is not possible."""

    def is_ready(self) -> bool:
        """Tell whether it does its work; takes a second or two at most."""


class State(StrEnum):
    """Where a program is."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "ended"
    DONE = "done"
    STOPPED = "stopped"


class Row(NamedTuple):
    """What there is to say of one program; `since` is when its state began, in seconds of the clock."""

    name: str
    state: State
    pid: int | None
    since: float
    restarts: int
    note: str


class _Kept:
    """One program that is kept running."""

    def __init__(self, program: Program, log: LogFile) -> None:
        self.program = program
        self.log = log
        self.child: subprocess.Popen[bytes] | None = None
        self.state = State.STOPPED
        self.since = time.time()
        self.started_at = 0.0
        self.restart_at = 0.0
        self.restarts = 0
        self.has_begun = False
        self.failures = 0
        """How often it has ended in a row without running steadily in between."""
        self.reason = ""

    def enter(self, state: State) -> None:
        self.state = state
        self.since = time.time()

    def has_ended(self) -> bool:
        return self.child is not None and self.child.poll() is not None

    def note(self) -> str:
        if self.state is not State.WAITING:
            return ""
        wait = max(0.0, self.restart_at - time.monotonic())
        return f"{self.reason}; started again in {wait:.0f} s; see {self.log.path}"


class Supervisor:
    """Keeps programs running until `stop`. `say` is told, in whole lines, what people should know."""

    def __init__(self, programs: Sequence[Program] = (), *, log_dir: Path, say: Callable[[str], None]) -> None:
        self._log_dir = log_dir
        self._say = say
        self._all: dict[str, _Kept] = {}
        for program in programs:
            self.add(program)

    def add(self, *programs: Program) -> None:
        """Take in programs; they are started by `start`."""
        for program in programs:
            self._all[program.name] = _Kept(program, LogFile(self._log_dir, program.name))

    def start(self, *names: str) -> None:
        for name in names:
            self._start(self._all[name])

    def start_all(self) -> None:
        """Start every program, in order."""
        self.start(*self._all)

    def look_after(self) -> None:
        """Start again what has ended and waited long enough; to be called a few times a second."""
        for kept in self._all.values():
            kept.log.rotate()
            if kept.state in (State.STARTING, State.RUNNING) and kept.has_ended():
                self._note_end(kept)
            elif kept.state is State.STARTING and kept.program.is_ready():
                kept.enter(State.RUNNING)
            elif kept.state is State.RUNNING and kept.failures and self._is_steady(kept):
                if kept.failures >= FAILURES_SAID_MAX:
                    self._say(f"{kept.program.name} runs again")
                kept.failures = 0
            elif kept.state is State.WAITING and time.monotonic() >= kept.restart_at:
                kept.restarts += 1
                self._start(kept)

    def rows(self) -> list[Row]:
        """Return what there is to say of every program."""
        return [
            Row(name, kept.state, self._pid(kept), kept.since, kept.restarts, kept.note())
            for name, kept in self._all.items()
            if kept.state is not State.DONE and kept.has_begun
        ]

    def logs(self) -> dict[str, LogFile]:
        """Return the log of every program."""
        return {name: kept.log for name, kept in self._all.items()}

    def is_in(self, state: State, *names: str) -> bool:
        """Tell whether programs are in a state, all of them."""
        return all(self._all[name].state is state for name in names)

    def failing(self, *names: str) -> str | None:
        """Return what to say of the first of these that keeps ending, None when none does."""
        for name in names:
            kept = self._all[name]
            if kept.failures >= FAILURES_SAID_MAX:
                return _ended(kept)
        return None

    def pid(self, name: str) -> int | None:
        """Return the process id of what was launched: a server, or the guard of a process."""
        child = self._all[name].child
        return None if child is None else child.pid

    def stop(self, *, show: Callable[[], None] = lambda: None) -> None:
        """Stop every program, in order of `stop_order`; `show` is called after each."""
        for order in sorted({kept.program.stop_order for kept in self._all.values()}):
            together = [kept for kept in self._all.values() if kept.program.stop_order == order]
            for kept in together:
                if kept.child is not None and kept.child.poll() is None:
                    kept.child.send_signal(kept.program.stop_signal)
            for kept in together:
                child, kept.child = kept.child, None
                if child is not None:
                    wait_for_end(child, kept.program.stop_seconds_max)
                kept.enter(State.STOPPED)
                show()

    def _start(self, kept: _Kept) -> None:
        kept.started_at = time.monotonic()
        kept.has_begun = True
        try:
            with kept.log.open() as log:
                kept.child = kept.program.launch(log)
        except (OSError, RuntimeError) as error:
            kept.child = None
            self._wait(kept, f"could not be started ({error})")
        else:
            kept.enter(State.STARTING)

    def _note_end(self, kept: _Kept) -> None:
        assert kept.child is not None
        code = kept.child.returncode
        if code == 0 and getattr(kept.program, "is_one_shot", False):
            kept.enter(State.DONE)
            return
        if self._is_steady(kept):
            kept.failures = 0
        self._wait(kept, f"was ended by {_signal_name(-code)}" if code < 0 else f"ended with code {code}")

    def _wait(self, kept: _Kept, reason: str) -> None:
        """Have a program wait until it is started again, and say so."""
        kept.failures += 1
        kept.reason = reason
        pause = min(RESTART_SECONDS_MIN * 2 ** (kept.failures - 1), RESTART_SECONDS_MAX)
        kept.restart_at = time.monotonic() + pause
        kept.enter(State.WAITING)
        if kept.failures == 1:
            self._say(f"{_ended(kept)}\n{kept.program.name} is started again in {pause:g} s")
        elif kept.failures == FAILURES_SAID_MAX:
            self._say(
                f"{_ended(kept)}\n{kept.program.name} keeps ending: it is tried again, every "
                f"{RESTART_SECONDS_MAX:g} s at last, and nothing more is said until it runs"
            )

    def _is_steady(self, kept: _Kept) -> bool:
        return time.monotonic() - kept.started_at > STEADY_SECONDS

    def _pid(self, kept: _Kept) -> int | None:
        """Return the process id that people look for: the command's, not its guard's."""
        if kept.child is None or kept.state not in (State.STARTING, State.RUNNING):
            return None
        guard = kept.child.pid
        try:
            children = Path(f"/proc/{guard}/task/{guard}/children").read_text().split()
            is_guard = b"tradingplatform.local.guard" in Path(f"/proc/{guard}/cmdline").read_bytes()
        except OSError:
            return guard
        return int(children[0]) if is_guard and children else guard


def _ended(kept: _Kept) -> str:
    """Say how a program ended and, unless somebody killed it, what its log says at the end."""
    said = f"{kept.program.name} {kept.reason}"
    if kept.reason.endswith("SIGKILL"):
        return said
    lines = kept.log.tail(LOG_LINES_SAID)
    return "\n".join([f"{said}; the end of {kept.log.path}:", *(f"    {line}" for line in lines)])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
