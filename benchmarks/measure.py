"""What every group shares: a measured figure, percentiles, and how the machine is named."""

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tradingplatform.interpreter import WRITER_GARBAGE_THRESHOLDS


class Figure(msgspec.Struct):
    """One measured value; `budget` as in the design ("<= 2", ">= 100000"), empty where there is none."""

    metric: str
    value: float
    unit: str
    note: str = ""
    budget: str = ""

    @property
    def is_met(self) -> bool | None:
        """Tell whether the budget is met; None without one."""
        if not self.budget:
            return None
        relation, limit = self.budget.split()
        return {"<=": self.value <= float(limit), "<": self.value < float(limit), ">=": self.value >= float(limit)}[
            relation
        ]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rate(count: int, action: Callable[[], object]) -> float:
    """Run an action that does `count` things; return things per second."""
    started = time.perf_counter()
    action()
    return count / (time.perf_counter() - started)


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    """Append how many milliseconds the block took."""
    started = time.perf_counter()
    yield
    into.append((time.perf_counter() - started) * 1_000)


@contextmanager
def as_in_the_writer() -> Iterator[None]:
    """Look for garbage as seldom as the writer process does (interpreter.py) while the block runs."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*WRITER_GARBAGE_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


LOOP_ADDITIONS = 10_000_000


def machine() -> str:
    """Return what the figures were measured on, and how fast it was just now: shared machines differ by the hour."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())
    named = f"{os.cpu_count()} x {model}, Python {platform.python_version()}, Linux {platform.release().split('-')[0]}"
    return f"{named}; a bare loop of {LOOP_ADDITIONS:,} additions took {_loop_seconds():.2f} s"


def _loop_seconds() -> float:
    """Return the best of three: what a core does when nobody disturbs it."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        total = 0
        for number in range(LOOP_ADDITIONS):
            total += number
        seconds.append(time.perf_counter() - started)
    return min(seconds)
