"""A projector that works off what there is, to measure it: `python -m benchmarks.projecting [STAGES | ORM EVENTS]`.

Prints how many events it projected and the seconds; with STAGES, also the processor time of each stage, in Python and
in the process of PostgreSQL that serves it, which has to run on this machine. What it runs is the task of the workers,
in a process of its own; several of them share the partitions. With ORM, so many trades that are in the tables already
are taken out and put in again as a program with an ORM would: a transaction for each event, each row with `save()` or
`create()`.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import django
from django.db import connection, transaction

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingplatform.settings")
django.setup()

from accounts.domain.values import average_cost, value_of  # noqa: E402 - models exist only now.
from eventstore.store import get_store  # noqa: E402
from readmodels import tasks  # noqa: E402
from readmodels.models import AccountSummary, Name, StoredDay, StoredPosition, Trade  # noqa: E402
from readmodels.projections import account_summary, firm, trade_history  # noqa: E402
from readmodels.projections.rows import Recorded, day, recorded_events  # noqa: E402
from readmodels.projector import locks, projector, stored_rows, tables, writes  # noqa: E402

STAGES: Final[dict[str, tuple[tuple[Any, str], ...]]] = {
    "read": ((projector, "_next_batches"), (projector, "join")),
    "checkpoints": (
        *((tasks, "batches_behind"), (projector, "_locked_checkpoints"), (projector, "_move_checkpoints")),
        *((locks, "may_project"), (locks, "wait_to_add_sums")),
    ),
    "classify": ((writes, "current_versions"), (writes, "classify")),
    "encode": ((writes, "_copy_trades"),),
    "copy": ((tables, "copy_binary"),),
    "accounts": ((writes, "_move_accounts"),),
    "follow": ((stored_rows, "follow"), (tasks, "follow_aged")),
    "sums": ((firm, "sums_of"), (tables, "add_sums")),
    "publish": ((tasks, "publish"), (tasks, "deltas_to_publish")),
}
"""What each stage is; a stage inside another is not counted with that one."""
REST: Final = "rest"
IDLE_ROUNDS_MAX: Final = 3


class StageClock:
    """Processor time by stage, in nanoseconds: ours, and that of the process of PostgreSQL that serves us."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self._server = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
        self.python: Counter[str] = Counter()
        self.postgresql: Counter[str] = Counter()
        self._running = [REST]
        self._marked = self._now()

    def watch(self) -> None:
        """Put a clock around every stage."""
        for stage, places in STAGES.items():
            for owner, name in places:
                setattr(owner, name, self._timed(getattr(owner, name), stage))

    def mark(self) -> None:
        """Count the time since the last mark as the running stage's."""
        python, postgresql = self._now()
        self.python[self._running[-1]] += python - self._marked[0]
        self.postgresql[self._running[-1]] += postgresql - self._marked[1]
        self._marked = (python, postgresql)

    def _now(self) -> tuple[int, int]:
        return time.process_time_ns(), int(self._server.read_text().split()[0])

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def timed(*arguments: Any, **more: Any) -> Any:
            self.mark()
            self._running.append(stage)
            try:
                return function(*arguments, **more)
            finally:
                self.mark()
                self._running.pop()

        return timed


def main() -> None:
    """Project until nothing is left for a moment."""
    if "ORM" in sys.argv:
        print(json.dumps(_orm(int(sys.argv[-1]))))
        return
    clock = StageClock()
    if "STAGES" in sys.argv:
        clock.watch()
    events = idle = 0
    started = last = time.perf_counter()
    while idle < IDLE_ROUNDS_MAX:
        count = tasks.project_once()
        tasks.follow_aged()
        events += count
        if count:
            idle, last = 0, time.perf_counter()
        else:
            idle += 1
            time.sleep(0.1)
    clock.mark()
    seconds = last - started
    print(json.dumps({"events": events, "seconds": seconds, "python": clock.python, "postgresql": clock.postgresql}))


def _orm(event_count: int) -> dict[str, Any]:
    """Project the newest trades of a partition one by one."""
    store = get_store()
    batches = store.read_batches(partition=0, after_seq=store.heads()[0] - event_count // 100, limit=event_count)
    found = [event for batch in batches for commit in batch.commits for event in recorded_events(commit)]
    trades = [event for event in found if type(event.event).__name__ == "TradeExecuted"][-event_count:]
    for trade in trades:
        Trade.objects.filter(account_id=trade.account_id, version=trade.version).delete()
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
    row = trade_history.row_of(recorded)
    symbol, actor = (Name.objects.get_or_create(name=row.pop(name))[0].number for name in ("symbol", "actor"))
    is_buy, command_id = row.pop("side") == "BUY", row.pop("command_id")
    Trade.objects.create(**row, symbol=symbol, actor=actor, is_buy=is_buy, command_uuid=command_id)


if __name__ == "__main__":
    main()
