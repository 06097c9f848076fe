"""Trades to measure with: seeded, 5,000 accounts, 20 symbols, about a third refused."""

import random
import uuid

from accounts.domain.commands import AccountCommand, ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.state import Account
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore.store import EventStore
from eventstore.writer.group_commit import GroupCommit
from eventstore.writer.request import Request
from market.instruments import all_symbols

ACCOUNTS = 5_000
GROUP = 1_000

Writer = GroupCommit[Account, AccountCommand]


def account_ids(seed: int = 1) -> list[str]:
    """Return the ids of the accounts."""
    numbers = random.Random(seed)
    return [str(uuid.UUID(int=numbers.getrandbits(128), version=4)) for _ in range(ACCOUNTS)]


def open_accounts(store: EventStore) -> Writer:
    """Open and fund every account; return the writer."""
    writer = store.writer(AccountDecider())
    for command_id, command in (
        ("open", OpenAccount("bench", "Benchmark", "USD")),
        ("deposit", DepositCash(2_000_000_000, "")),
        ("limits", ChangeRiskLimits(1_000, 10**14, 10**9)),
    ):
        writer.execute([Request(account_id, command_id, "bench", command) for account_id in account_ids()])
    return writer


def trade_requests(count: int, seed: int = 2) -> list[Request[AccountCommand]]:
    """Return trades; sells of what is not held, and buys beyond the limit of a symbol, are refused."""
    numbers = random.Random(seed)
    ids, symbols = account_ids(), all_symbols()
    return [
        Request(
            numbers.choice(ids),
            str(uuid.UUID(int=numbers.getrandbits(128), version=4)),
            "bench",
            ExecuteTrade(
                numbers.choice(symbols),
                "SELL" if numbers.random() < 0.4 else "BUY",
                numbers.randint(1, 20) * SHARE,
                numbers.randint(100_000, 2_000_000),
                None,
            ),
        )
        for _ in range(count)
    ]
