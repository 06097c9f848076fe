"""The trades that every peer records: plain data, made before anything is timed.

They come out of the platform's own decisions, so the twenty figures of each trade are real ones; of what was refused
nothing is recorded. Versions run 1, 2, 3 ... within each account, as if it had only ever traded.
"""

from typing import Final

import msgspec

from accounts.codec import account_codec
from accounts.domain.events import TradeExecuted
from benchmarks.trades import GROUP, open_accounts, trade_requests
from eventstore.engines.memory import MemoryEngine
from eventstore.store import EventStore
from eventstore.writer.request import Committed

REQUESTS_PER_TRADE: Final = 2
"""How many trades are asked for to have one executed: about a third is refused, and the rest is not needed."""


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One executed trade and what the platform's store keeps about the command that led to it."""

    account_id: str
    version: int
    timestamp: int
    command_id: str
    correlation_id: str | None
    causation_id: str | None
    actor: str
    executed: TradeExecuted


class Effort(msgspec.Struct, frozen=True):
    """How much is measured: `single_events` one at a time, `batched_events` for each of `batch_sizes`, each `rounds`
    times of which the best one counts (a neighbour on the machine can only make a peer slower), and `replayed_events`.
    """

    single_events: int = 1_000
    batched_events: int = 15_000
    batch_sizes: tuple[int, ...] = (100, 1_000, 5_000)
    replayed_events: int = 30_000
    rounds: int = 3

    @property
    def events_max(self) -> int:
        """How many trades a peer needs at most."""
        return max(self.single_events, self.batched_events, self.replayed_events)


def executed_trades(count: int) -> list[Trade]:
    """Return executed trades of many accounts, interleaved as they arrived; the same ones each time but for the day."""
    trades: list[Trade] = []
    versions: dict[str, int] = {}
    with EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=16) as store:
        writer = open_accounts(store)
        requests = trade_requests(count * REQUESTS_PER_TRADE)
        for start in range(0, len(requests), GROUP):
            for outcome in writer.execute(requests[start : start + GROUP]):
                assert isinstance(outcome, Committed), f"a trade to measure with was not recorded: {outcome}"
                commit, event = outcome.commit, outcome.commit.events[0]
                if isinstance(event, TradeExecuted):
                    version = versions[commit.aggregate_id] = versions.get(commit.aggregate_id, 0) + 1
                    header = (commit.timestamp, commit.command_id, commit.correlation_id, commit.causation_id)
                    trades.append(Trade(commit.aggregate_id, version, *header, commit.actor, event))
            if len(trades) >= count:
                return trades[:count]
    raise RuntimeError(f"{count} executed trades are needed and {len(trades)} came about: ask for more of each")
