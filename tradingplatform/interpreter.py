"""What the interpreter is set to in the processes that answer commands. Without Django: the benchmarks measure with the
same settings.

Objects that live on are looked through for cycles again and again, unless that is said to be in vain: they are frozen
once everything is loaded, and the garbage collector runs seldom (https://docs.python.org/3/library/gc.html).
"""

import gc
import resource
import sys
from typing import Final

SWITCH_SECONDS: Final = 0.000_5
"""How long one thread may keep the interpreter while another waits for it: Python's own 5 ms are a command's time."""

WRITER_GARBAGE_THRESHOLDS: Final = (50_000, 20, 1_000)
"""The state of the accounts lives on and has no cycles: looking through it all the time costs a sixth of a trade."""

WEB_GARBAGE_THRESHOLDS: Final = (10_000, 10, 50)
"""Requests do leave cycles; a batch of thousands of commands makes objects by the ten thousand, and none."""

ANSWERED_GARBAGE_THRESHOLDS: Final = (1_000, 10, 50)
"""The same between two answers, when nobody waits: some ten commands leave so many objects. Looked for in the middle of
a command, those of a hundred took 3.5 ms of it, and that was its 99th percentile.
"""


def tune_writer() -> None:
    """Set this process up to be a writer, or the venue, once everything that it needs is loaded."""
    _tune(WRITER_GARBAGE_THRESHOLDS)


OPEN_FILES_MAX: Final = 65_536
"""Each connection is one: systems give a process 1,024 unless it asks for more."""


def tune_web() -> None:
    """Set this process up to answer requests, once everything that it needs is loaded."""
    _tune(WEB_GARBAGE_THRESHOLDS)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_MAX if hard == resource.RLIM_INFINITY else min(OPEN_FILES_MAX, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def collect_garbage() -> None:
    """Look for cycles if there is enough to look through; to be called when an answer has been sent."""
    counts = gc.get_count()
    if counts[0] >= ANSWERED_GARBAGE_THRESHOLDS[0]:
        older = [n for n in (1, 2) if counts[n] >= ANSWERED_GARBAGE_THRESHOLDS[n]]
        gc.collect(max(older, default=0))


def _tune(thresholds: tuple[int, int, int]) -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds)
