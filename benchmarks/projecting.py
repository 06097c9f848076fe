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

from accounts.domain.values import average_cost, value_of  # noqa: E402 - models exist only now.
from eventstore.provider import get_store  # noqa: E402
from readmodels import tasks  # noqa: E402
from readmodels.models import AccountSummary, StoredDay, StoredPosition, TradeHistory  # noqa: E402
from readmodels.projections import account_summary, trade_history  # noqa: E402
from readmodels.projections.rows import Recorded, day, recorded_events  # noqa: E402
from readmodels.projector import projector, tables, writes  # noqa: E402

STAGES: Final[dict[str, tuple[tuple[Any, str], ...]]] = {
    "read": ((projector, "_next_batches"), (projector, "join")),
    "classify": ((writes, "classify"),),
    "encode": ((writes.binary, "rows"),),
    "copy": ((tables, "copy_binary"),),
    "replace": ((tables, "execute"),),
    "publish": ((tasks, "publish"), (tasks, "deltas_to_publish")),
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


def _save(recorded: Recorded) -> None:
    trade = recorded.event
    account = AccountSummary.objects.get(account_id=recorded.account_id)
    for column, field in account_summary.OF_TRADES.items():
        setattr(account, column, day(trade.day) if column == "day_date" else getattr(trade, field))
    account.version, account.updated_at = recorded.version, recorded.at
    account.save()
    StoredPosition.objects.update_or_create(
        account_id=recorded.account_id,
        symbol=trade.symbol,
        defaults={
            "quantity": trade.position_quantity,
            "reserved_quantity": 0,
            "cost": trade.position_cost,
            "avg_cost": average_cost(trade.position_cost, trade.position_quantity),
            "last_price": trade.price,
            "market_value": value_of(trade.position_quantity, trade.price),
            "realized_pnl": trade.position_realized_pnl,
            "version": recorded.version,
            "updated_at": recorded.at,
        },
    )
    StoredDay.objects.update_or_create(
        account_id=recorded.account_id,
        date=day(trade.day),
        defaults={
            "trades": trade.day_trades,
            "volume": trade.day_volume,
            "realized_pnl": trade.day_realized_pnl,
            "version": recorded.version,
        },
    )
    TradeHistory.objects.create(**trade_history.row_of(recorded))


if __name__ == "__main__":
    main()
