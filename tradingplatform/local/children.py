"""Child processes: they end with their parent, PostgreSQL does not run as root, and what a killed run or a killed guard
left behind is found and ended.

Only what is certainly ours is ended: a process that carries the mark of its data folder and name in its environment, or
the very program of a server, working in that server's own folder. Ending them with SIGKILL is safe, because every
process of the platform may be killed at any moment. Linux only, as is the local stack.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

MARK: Final = "TRADING_PROCESS"
"""The environment variable that the supervisor gives to each process: the data folder, a colon, the name."""
END_SECONDS_MAX: Final = 10.0
_LOOK_SECONDS: Final = 0.02
_PR_SET_PDEATHSIG: Final = 1
_CLONE_NEWUSER: Final = 0x10000000
_NOBODY: Final = 65534
_libc: Final = ctypes.CDLL(None, use_errno=True)


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send this process a signal when the parent dies, kill -9 included."""
    _libc.prctl(_PR_SET_PDEATHSIG, number)


def leave_root() -> None:
    """Become `nobody` in a user namespace, when this is root: PostgreSQL refuses to run as root.

    Outside the namespace the process is root as before, so its files need no other owner and no user has to be made.
    """
    if os.geteuid() != 0:
        return
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "PostgreSQL does not run as root and no user namespace can be made")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_NOBODY} 0 1")
    Path("/proc/self/gid_map").write_text(f"{_NOBODY} 0 1")


def mark_of(data_dir: Path, name: str = "") -> str:
    """Return the mark of one process; without a name, what the marks of all in a data folder begin with."""
    return f"{data_dir}:{name}"


def end_marked(mark: str, *, is_prefix: bool = False) -> int:
    """Kill what carries a mark, or one that begins with it; return how many processes there were."""
    wanted = f"{MARK}={mark}".encode()

    def find() -> list[int]:
        found = []
        for pid in _pids():
            variables = _read(pid, "environ").split(b"\0")
            if any(text.startswith(wanted) if is_prefix else text == wanted for text in variables):
                found.append(pid)
        return found

    return _end(find)


def end_servers(program: Path, folder: Path) -> int:
    """Kill the processes that run a program in a folder; return how many there were."""
    return _end(lambda: servers(program, folder))


def servers(program: Path, folder: Path) -> list[int]:
    """Return the processes that run a program in a folder."""
    executable, place = str(program.resolve()), str(folder.resolve())
    return [pid for pid in _pids() if _link(pid, "exe") == executable and _link(pid, "cwd") == place]


def _end(find: Callable[[], list[int]]) -> int:
    """Kill what is found until nothing is found any more."""
    ended: set[int] = set()
    deadline = time.monotonic() + END_SECONDS_MAX
    while found := find():
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes {found} of an earlier run do not end: end them by hand")
        ended.update(found)
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_LOOK_SECONDS)
    return len(ended)


def _pids() -> Iterable[int]:
    own = os.getpid()
    return (int(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) != own)


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # It ended, or belongs to somebody else.
        return b""


def _link(pid: int, name: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/{name}")
    except OSError:
        return ""
