"""What a dashboard of all accounts shows: totals, what goes through in a second, exposure, how far the projections are
behind, and the prices that moved most.

Every section is read from running sums and from the market's board, at most once a second for all dashboards of a
process. The state has a number that grows with every change; a client that has the state of a number is sent the
sections that changed since.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async
from django.conf import settings

from accounts.domain.values import BASIS_POINTS, format_amount
from eventstore.errors import EventStoreError
from eventstore.store import get_store
from market.quote_board import read_board
from market.quotes import Quote
from readmodels.firm import firm_queries
from readmodels.firm.firm_shapes import FirmTotals, exposure_shapes
from readmodels.models import DeadLetter, ProjectionCheckpoint
from readmodels.projections.rows import Row

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 1.0
MOVERS: Final = 5
"""Symbols that rose, and symbols that fell."""
FLOW_SECONDS_MAX: Final = 5.0
"""A longer time without a look says nothing about a second."""

Sections = Mapping[str, Any]


class State(NamedTuple):
    """What is shown, and the number of that state in this process."""

    version: int
    sections: Sections


class Dashboard:
    """The state of one event loop; whoever asks within a second of another is told the same."""

    def __init__(self) -> None:
        self._reading = asyncio.Lock()
        self._state = State(0, {})
        self._totals: list[Row] = []
        self._read_at = float("-inf")

    async def state(self) -> State:
        """Return what is to be shown now; raises django.db.Error."""
        async with self._reading:
            if time.monotonic() - self._read_at >= 0.9 * TICK_SECONDS:
                sections = await database_sync_to_async(self._read)()
                if sections != self._state.sections:
                    self._state = State(self._state.version + 1, sections)
            return self._state

    def _read(self) -> Sections:
        now = time.monotonic()
        totals, symbols = firm_queries.totals(), firm_queries.symbols()
        flow = _flow(self._totals, totals, now - self._read_at)
        self._totals, self._read_at = totals, now
        return {
            "totals": [FirmTotals.show(row) for row in totals],
            "flow": flow,
            "exposure": {
                "symbols": exposure_shapes(symbols, by_sector=False),
                "sectors": exposure_shapes(symbols, by_sector=True),
            },
            "lag": _lag(),
            "movers": _movers(),
        }


_dashboards: WeakKeyDictionary[asyncio.AbstractEventLoop, Dashboard] = WeakKeyDictionary()


def this_dashboard() -> Dashboard:
    """Return the dashboard of the running event loop."""
    return _dashboards.setdefault(asyncio.get_running_loop(), Dashboard())


def changed(before: Sections, after: Sections) -> Sections:
    """Return the sections that are not what they were."""
    return {name: section for name, section in after.items() if section != before.get(name)}


def _flow(before: list[Row], after: list[Row], seconds: float) -> list[dict[str, Any]] | None:
    """Return what went through in a second, by currency; None when the last look was too long ago to say."""
    if seconds > FLOW_SECONDS_MAX:
        return None
    nothing = {"trades": 0, "refusals": 0, "volume": 0}
    earlier = {row["currency"]: row for row in before}
    found = []
    for row in after:
        past = earlier.get(row["currency"], nothing)
        trades, refusals, volume = (round(int(row[name] - past[name]) / seconds) for name in nothing)
        found.append(
            {
                "currency": row["currency"],
                "trades_per_second": trades,
                "refusals_per_second": refusals,
                "value_per_second": format_amount(volume),
            }
        )
    return found


def _lag() -> dict[str, Any]:
    """Return how far the projections are behind the events; `seconds` is None where the event store does not answer."""
    checkpoints = list(ProjectionCheckpoint.objects.values_list("partition", "seq", "stopped_because"))
    found = {
        "batches": None,
        "seconds": None,
        "stopped_partitions": [partition for partition, _, reason in checkpoints if reason],
        "dead_letters": DeadLetter.objects.count(),
    }
    try:
        behind = _behind({partition: seq for partition, seq, _ in checkpoints})
        return {**found, "batches": sum(behind.values()), "seconds": _seconds_behind(checkpoints, behind)}
    except EventStoreError as error:
        log.warning("the lag of the projections is not known", reason=str(error))
        return found


def _behind(seqs: Mapping[int, int]) -> dict[int, int]:
    heads = get_store().heads()
    return {part: head - seqs.get(part, 0) for part, head in heads.items() if head > seqs.get(part, 0)}


def _seconds_behind(checkpoints: list[tuple[int, int, str]], behind: Mapping[int, int]) -> float:
    """Return the age of the oldest event that is not projected, of the partition with the most batches of them."""
    if not behind:
        return 0.0
    partition = max(behind, key=lambda each: behind[each])
    seq = next((seq for each, seq, _ in checkpoints if each == partition), 0)
    batches = get_store().read_batches(partition=partition, after_seq=seq, limit=1, with_event_ids=False)
    recorded_at = batches[0].commits[0].timestamp if batches else 0
    return round(max(0.0, time.time() - recorded_at / 1_000_000), 1) if recorded_at else 0.0


def _movers() -> dict[str, Any]:
    """Return the symbols that rose and fell most since the close before, of the market's board."""
    sheet = read_board(redis_url=settings.REDIS_URL, now_us=int(datetime.now(UTC).timestamp() * 1_000_000))
    known = [(_move(quote.price, quote.previous_close), quote) for quote in sheet.quotes if quote.previous_close]
    moves = sorted(known, key=lambda each: (-each[0], each[1].symbol))
    return {
        "phase": sheet.phase.value,
        "up": [_mover(quote, move) for move, quote in moves[:MOVERS] if move > 0],
        "down": [_mover(quote, move) for move, quote in reversed(moves[-MOVERS:]) if move < 0],
    }


def _mover(quote: Quote, move: int) -> dict[str, Any]:
    sign = "-" if move < 0 else ""
    return {
        "symbol": quote.symbol,
        "price": format_amount(quote.price),
        "change_percent": f"{sign}{abs(move) // 100}.{abs(move) % 100:02d}",
    }


def _move(price: int, previous_close: int) -> int:
    """Return the change since the close before in basis points, rounded half away from zero."""
    change = price - previous_close
    size = (abs(change) * BASIS_POINTS * 2 + previous_close) // (2 * previous_close)
    return size if change >= 0 else -size
