"""Where the time of a trade goes: the stages of the pipeline, timed while it runs.

Each stage is one function that the pipeline calls for many trades at once, so looking at the clock around it costs
nothing that could be measured. What the whole costs beyond their sum is the rest of the writer's work: partitions,
remembered ids, outcomes and metrics.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pkgutil import resolve_name
from typing import Any, Final
from unittest.mock import patch

from benchmarks.measure import Figure

STAGES: Final = {
    "decode": ("JSON of submitTrades to rows of trades", ["accounts.api.parsing.batches.scan_trades"]),
    "decide": ("the rules, and the accounts that they lead to", ["accounts.kernels.decide.decide_commands"]),
    "events": ("the events of decided trades", ["accounts.writer.machine.add_events"]),
    "hash": (
        "each event's exact bytes, their SHA-256, Merkle roots",
        ["eventstore.writer.group.leaf_hashes", "eventstore.writer.group.merkle_root_of"],
    ),
    "payload": (
        "columns, zstd",
        [
            "eventstore.writer.group.payload_columns",
            "eventstore.columns.codec.EventCodec.compress_bytes",
        ],
    ),
    "store": ("batches of 16 partitions together to SQLite, durable", ["eventstore.writer.group_commit.append_each"]),
    "answer": ("outcomes to JSON", ["accounts.api.bulk.answer_json"]),
}
"""What each stage is, and the functions that it is."""


class StageTimes:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    def figures(self, trades: int) -> Iterator[Figure]:
        """Yield the microseconds of each stage for so many trades."""
        for stage, (note, _) in STAGES.items():
            yield Figure(f"commands.stage_{stage}_us", self.seconds[stage] / trades * 1e6, "us a trade", note)

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same, and counts its time."""

        @wraps(function)
        def measured(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[stage] += time.perf_counter() - started

        return measured


@contextmanager
def timed_stages() -> Iterator[StageTimes]:
    """Time the stages of what runs in the block."""
    times = StageTimes()
    with ExitStack() as patches:
        for stage, (_, functions) in STAGES.items():
            for name in functions:
                module, _, attribute = name.rpartition(".")
                owner = resolve_name(module)
                patches.enter_context(patch.object(owner, attribute, times.timed(stage, getattr(owner, attribute))))
        yield times
