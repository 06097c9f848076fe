"""What a child process needs before it starts: to end with its parent, and, for PostgreSQL, not to be root.

Linux only, as is the local stack; all of it runs between fork and exec.
"""

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

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
