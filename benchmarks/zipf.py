"""Trades of a market in which few accounts do most: account number r trades 1/r as often as the first, Zipf(1).

Seeded. Sells are of what the account holds, and limits are wide, so nearly every command becomes a trade.
"""

import random
import uuid
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from accounts.domain.commands import AccountCommand, ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from benchmarks.trades import Writer
from eventstore.store import EventStore
from eventstore.writer.request import Request

ACCOUNTS: Final = 10_000
GROUP: Final = 4_000


def account_ids(seed: int = 3) -> list[str]:
    """Return the ids of the accounts, the busiest first."""
    numbers = random.Random(seed)
    return [str(uuid.UUID(int=numbers.getrandbits(128), version=4)) for _ in range(ACCOUNTS)]


def open_accounts(store: EventStore) -> Writer:
    """Open and fund every account; return the writer."""
    writer = store.writer(AccountDecider())
    for command_id, command in (
        ("open", OpenAccount("bench", "Benchmark", "USD")),
        ("deposit", DepositCash(10**13, "")),
        ("limits", ChangeRiskLimits(10_000, 10**15, 10**10)),
    ):
        writer.execute([Request(account_id, command_id, "bench", command) for account_id in account_ids()])
    return writer


def trade_requests(count: int, *, symbols: Sequence[str], seed: int = 4) -> Iterator[Request[AccountCommand]]:
    """Yield trades."""
    numbers = random.Random(seed)
    ids = account_ids()
    weights = list(accumulate(1 / rank for rank in range(1, len(ids) + 1)))
    held: dict[tuple[str, str], int] = {}
    for account_id in numbers.choices(ids, cum_weights=weights, k=count):
        place = (account_id, numbers.choice(symbols))
        quantity, holding = numbers.randint(1, 20) * SHARE, held.get(place, 0)
        is_sell = holding >= quantity and numbers.random() < 0.5
        held[place] = holding - quantity if is_sell else holding + quantity
        trade = ExecuteTrade(
            place[1], "SELL" if is_sell else "BUY", quantity, numbers.randint(100_000, 2_000_000), None
        )
        command_id = str(uuid.UUID(int=numbers.getrandbits(128), version=4))
        yield Request(account_id, command_id, "bench", trade)


def write_journal(store: EventStore, *, trades: int, symbols: Sequence[str]) -> None:
    """Open the accounts and execute trades, in groups as bulk load makes them."""
    open_accounts(store)
    execute_trades(store, trades=trades, symbols=symbols)


def execute_trades(store: EventStore, *, trades: int, symbols: Sequence[str], seed: int = 4) -> None:
    """Execute trades, in groups as bulk load makes them."""
    writer = store.writer(AccountDecider())
    requests = list(trade_requests(trades, symbols=symbols, seed=seed))
    for start in range(0, len(requests), GROUP):
        writer.execute(requests[start : start + GROUP])
