"""What a process has done with the commands that it was given: how many of a kind, how they ended, how long it took.

Counted in one place for every way in (handlers.py); the writer shows it as a line of its log and over the bus
(`manage.py writer_status`). Figures are since the process began; the line of the log is since the line before.
"""

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from accounts.domain.commands import ExecuteTrade, PlaceOrder
from accounts.domain.events import CommandRefused
from accounts.kernels.answers import DONE, SAID_ELSEWHERE
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Booked, BriefResult, NotExecuted, Result
from accounts.writer.limits import METRICS_LOG_SECONDS
from accounts.writer.outcomes import CODE_NAMES, BatchResults
from eventstore.writer.group_commit import GroupTimes

log = structlog.get_logger(__name__)

ANSWERS_KEPT: Final = 10_000
"""Answer times that percentiles are of: the latest."""

EXECUTED: Final = "EXECUTED"
DUPLICATE: Final = "DUPLICATE"


class CommandCount(msgspec.Struct, frozen=True, array_like=True):
    """How often one kind of command ended in one way: EXECUTED, DUPLICATE, or the code of a refusal or failure."""

    command: str
    outcome: str
    count: int


class LaneTimes(msgspec.Struct, frozen=True, array_like=True):
    """Milliseconds from a request's arrival to its answer, of the latest requests of one lane."""

    requests: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class WriterStatus(msgspec.Struct, frozen=True, array_like=True):
    """A writer's figures."""

    partitions: str
    started_at: int
    queued: int
    overloaded: int
    groups: int
    deciding_seconds: float
    writing_seconds: float
    single: LaneTimes
    bulk: LaneTimes
    commands: list[CommandCount]
    accounts_held: int = 0
    accounts_let_go: int = 0
    """How many accounts are in memory, and how many were let go since the writer began because nobody asked for them.
    """
    clock_problem: str | None = None
    """Why no command is executed at present, when that is because of the machine's clock."""


class CommandMetrics:
    """Counts for one process; to be used from one thread."""

    def __init__(self) -> None:
        self.started_at = time.time_ns() // 1_000
        self.groups = 0
        self.overloaded = 0
        self.deciding_seconds = 0.0
        self.writing_seconds = 0.0
        self._ended: Counter[tuple[str, str]] = Counter()
        self._answered = {False: deque[float](maxlen=ANSWERS_KEPT), True: deque[float](maxlen=ANSWERS_KEPT)}

    def count_group(self, times: GroupTimes) -> None:
        self.groups += 1
        self.deciding_seconds += times.deciding_seconds
        self.writing_seconds += times.writing_seconds

    def count_results(self, commands: AccountCommands, start: int, results: Sequence[Result]) -> None:
        """Count commands from the place `start` on by what their callers are told in full."""
        for place, told in enumerate(results, start):
            self._ended[type(commands.command(place)).__name__, _ending_of(told)] += 1

    def count_batch(self, commands: AccountCommands, start: int, batch: BatchResults) -> None:
        """Count commands from the place `start` on by what their callers are told in short."""
        codes, are_duplicates = batch.rows["code"], batch.rows["is_duplicate"]
        bodies: Any = commands.bodies[start : start + len(codes)]
        are_orders = bodies["order"] >= 0
        is_plain = (bodies["other"] < 0) & (codes != SAID_ELSEWHERE)
        for kind, are_kind in ((ExecuteTrade, is_plain & ~are_orders), (PlaceOrder, is_plain & are_orders)):
            pairs, counts = np.unique(2 * codes[are_kind] + are_duplicates[are_kind], return_counts=True)
            for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
                self._ended[kind.__name__, _ending(pair >> 1, pair & 1)] += count
        rest = np.flatnonzero(~is_plain)
        names = [type(commands.command(place)).__name__ for place in (start + rest).tolist()]
        self._ended.update(zip(names, _endings(batch, rest), strict=True))

    def count_answer(self, *, is_bulk: bool, seconds: float) -> None:
        """Count a request that was answered."""
        self._answered[is_bulk].append(seconds)

    def counts(self) -> list[CommandCount]:
        """Return how often which commands ended how, the most frequent first."""
        return [CommandCount(of, ending, count) for (of, ending), count in self._ended.most_common()]

    def answers(self, *, is_bulk: bool) -> LaneTimes:
        """Return the answer times of a lane."""
        times = sorted(self._answered[is_bulk])
        if not times:
            return LaneTimes(0, 0.0, 0.0, 0.0)
        p50, p99, longest = (times[min(len(times) - 1, int(len(times) * share))] * 1_000 for share in (0.5, 0.99, 1))
        return LaneTimes(len(times), round(p50, 3), round(p99, 3), round(longest, 3))


class MetricsLog:
    """Writes a line of what was done since the line before, now and then, when anything was."""

    def __init__(self, metrics: CommandMetrics) -> None:
        self._metrics = metrics
        self._due_at = time.monotonic() + METRICS_LOG_SECONDS
        self._before = Counter[tuple[str, str]]()

    def write_if_due(self) -> None:
        """Write the line when it is time."""
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + METRICS_LOG_SECONDS
        now = Counter({(count.command, count.outcome): count.count for count in self._metrics.counts()})
        ended = now - self._before
        if not ended:
            return
        self._before = now
        single, bulk = self._metrics.answers(is_bulk=False), self._metrics.answers(is_bulk=True)
        log.info(
            "commands",
            seconds=METRICS_LOG_SECONDS,
            ended={f"{command} {outcome}": count for (command, outcome), count in ended.most_common()},
            single_p99_ms=single.p99_ms,
            bulk_p99_ms=bulk.p99_ms,
            overloaded=self._metrics.overloaded,
        )


def _ending(code: int, is_duplicate: bool) -> str:
    if is_duplicate:
        return DUPLICATE
    return EXECUTED if code == DONE else CODE_NAMES[code]


def _endings(batch: BatchResults, places: NDArray[np.int64]) -> Iterator[str]:
    """Yield how the commands at some places ended."""
    rows = batch.rows[places]
    for place, code, is_duplicate in zip(
        places.tolist(), rows["code"].tolist(), rows["is_duplicate"].tolist(), strict=True
    ):
        told = batch.others.get(place)
        yield _ending(code, is_duplicate) if told is None else _ending_of(told)


def _ending_of(told: Result | BriefResult) -> str:
    if isinstance(told, NotExecuted):
        return told.code
    if told.is_duplicate:
        return DUPLICATE
    if isinstance(told, Booked):
        return told.code or EXECUTED
    first = told.events[0]
    return first.code if isinstance(first, CommandRefused) else EXECUTED
