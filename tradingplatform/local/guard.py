"""Runs one command and makes sure that nothing of it is left: `python -m tradingplatform.local.guard COMMAND ...`.

The command gets a process group of its own. When the guard is told to stop, or its parent dies (kill -9 included), it
asks the group to end and, after a while, kills it: web servers and workers have children that would otherwise go on
serving. It ends as the command did, by the same signal or with the same code.
"""

import os
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Final

from tradingplatform.local.children import end_with_parent

STOP_SECONDS_MAX: Final = 5.0
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(command: list[str]) -> int:
    """Run a command to its end; return its exit code, below zero the signal that ended it."""
    parent = os.getppid()
    end_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        return 1  # The parent died before the kernel was asked.

    def stop(*_: int | FrameType | None) -> None:
        raise SystemExit

    child: subprocess.Popen[bytes] | None = None
    try:
        for number in _STOPPING:
            signal.signal(number, stop)
        # Should the guard itself be killed, the kernel asks the command to end.
        child = subprocess.Popen(command, start_new_session=True, preexec_fn=end_with_parent)
        return child.wait()
    except SystemExit:
        return 0
    finally:
        for number in _STOPPING:
            signal.signal(number, signal.SIG_IGN)
        if child is not None:
            end_group(child)


def end_group(child: subprocess.Popen[bytes]) -> None:
    """End everything in a child's process group: politely, then not."""
    _signal_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while time.monotonic() < deadline:
        child.poll()
        if not _signal_group(child.pid, 0):
            return
        time.sleep(0.02)
    _signal_group(child.pid, signal.SIGKILL)
    child.wait()


def end_as(code: int) -> None:
    """End this process as a command that ended with this code."""
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; False when nothing of it is left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    end_as(main(sys.argv[1:]))
