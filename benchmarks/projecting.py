"""A projector that works off what there is, to measure it: `python -m benchmarks.projecting [STAGES | ORM EVENTS]`.

Prints how many events it projected and the seconds; with STAGES, also the seconds that each stage took. What it runs is
the task of the workers, in a process of its own; several of them share the partitions. With ORM, so many trades that
are in the tables already are taken out and put in again as a program with an ORM would: a transaction for each event,
each row with `save()` or `create()`.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import django
from django.db import transaction

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingplatform.settings")
django.setup()

from eventstore.column_batches import ColumnBatch  # noqa: E402 - models exist only now.
from eventstore.provider import get_store  # noqa: E402
from readmodels import plain_writes, projector, tables, tasks  # noqa: E402
from readmodels.models import AccountSummary, StoredDay, StoredPosition, TradeHistory  # noqa: E402
from readmodels.projections import account_summary, daily_pnl, portfolio_positions, trade_history  # noqa: E402
from readmodels.projections.rows import Recorded, recorded_events  # noqa: E402

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
    if "ORM" in sys.argv:
        print(json.dumps(_orm(int(sys.argv[-1]))))
        return
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


def _orm(event_count: int) -> dict[str, Any]:
    """Project the newest trades of a partition one by one."""
    store = get_store()
    batches = store.read_batches(partition=0, after_seq=store.heads()[0] - event_count // 100, limit=event_count)
    found = [event for batch in batches for commit in batch.commits for event in recorded_events(commit)]
    trades = [event for event in found if type(event.event).__name__ == "TradeExecuted"][-event_count:]
    for trade in trades:
        TradeHistory.objects.filter(account_id=trade.account_id, version=trade.version).delete()
    started = time.perf_counter()
    for trade in trades:
        with transaction.atomic():
            _save(trade)
    return {"events": len(trades), "seconds": time.perf_counter() - started}


def _save(trade: Recorded) -> None:
    account = AccountSummary.objects.get(account_id=trade.account_id)
    row = {field.name: getattr(account, field.name) for field in account._meta.concrete_fields}
    account_summary.apply(row, trade)
    for name, value in row.items():
        setattr(account, name, value)
    account.save()
    for model, last in (
        (StoredPosition, portfolio_positions.traded(None, trade)),
        (StoredDay, daily_pnl.row_of(trade)),
    ):
        keys = {name: last.pop(name) for name in ("account_id", "symbol", "date") if name in last}
        model.objects.update_or_create(defaults=last, **keys)
    TradeHistory.objects.create(**trade_history.row_of(trade))


if __name__ == "__main__":
    main()
