"""A projector that works off what there is, for the benchmark of catching up: `python -m benchmarks.projecting [STAGES]`.

Prints how many events it projected and the seconds; with STAGES, also the seconds that each stage took. What it runs is
the task of the workers, in a process of its own; several of them share the partitions.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingplatform.settings")
django.setup()

from eventstore.column_batches import ColumnBatch  # noqa: E402 - models exist only now.
from readmodels import plain_writes, projector, tables, tasks  # noqa: E402

STAGES: Final[dict[str, tuple[tuple[Any, str], ...]]] = {
    "read": ((projector, "_next_in_columns"),),
    "event_ids": ((ColumnBatch, "event_keys"),),
    "sort_out": ((projector, "sort_out"),),
    "encode": ((plain_writes.binary, "rows"), (plain_writes.binary, "texts"), (plain_writes.binary, "instants")),
    "copy": ((tables, "copy_binary"),),
    "replace": ((tables, "execute"),),
    "publish": ((tasks, "publish"), (tasks, "changes_to_publish")),
}
IDLE_ROUNDS_MAX: Final = 3


def main() -> None:
    """Project until nothing is left for a moment."""
    seconds: Counter[str] = Counter()
    if "STAGES" in sys.argv:
        for stage, places in STAGES.items():
            for owner, name in places:
                setattr(owner, name, _timed(getattr(owner, name), stage, seconds))
    events = idle = 0
    started = last = time.perf_counter()
    while idle < IDLE_ROUNDS_MAX:
        count = tasks.project_once()
        events += count
        if count:
            idle, last = 0, time.perf_counter()
        else:
            idle += 1
            time.sleep(0.1)
    print(json.dumps({"events": events, "seconds": last - started, "stages": seconds}))


def _timed(function: Callable[..., Any], stage: str, seconds: "Counter[str]") -> Callable[..., Any]:
    def timed(*arguments: Any, **more: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **more)
        finally:
            seconds[stage] += time.perf_counter() - started

    return timed


if __name__ == "__main__":
    main()
