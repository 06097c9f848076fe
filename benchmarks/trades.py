"""Trades to measure with: seeded, 5,000 accounts with 20 symbols each, about a third refused."""

import random
import uuid
from collections.abc import Sequence

from accounts.domain.commands import AccountCommand, ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.state import Account
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from benchmarks.instruments import DEMO_SYMBOLS
from eventstore.store import EventStore
from eventstore.writer.group_commit import GroupCommit
from eventstore.writer.request import Request

ACCOUNTS = 5_000
SYMBOLS_OF_AN_ACCOUNT = 20
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


def trade_requests(count: int, seed: int = 2, symbols: Sequence[str] = DEMO_SYMBOLS) -> list[Request[AccountCommand]]:
    """Return trades in all these symbols, each account in some of them; sells of what is not held, and buys beyond the
    limit of a symbol, are refused.
    """
    numbers = random.Random(seed)
    ids = account_ids()

    def symbol_of(account: int) -> str:
        return symbols[(SYMBOLS_OF_AN_ACCOUNT * account + numbers.randrange(SYMBOLS_OF_AN_ACCOUNT)) % len(symbols)]

    return [
        Request(
            ids[account := numbers.randrange(len(ids))],
            str(uuid.UUID(int=numbers.getrandbits(128), version=4)),
            "bench",
            ExecuteTrade(
                symbol_of(account),
                "SELL" if numbers.random() < 0.4 else "BUY",
                numbers.randint(1, 20) * SHARE,
                numbers.randint(100_000, 2_000_000),
                None,
            ),
        )
        for _ in range(count)
    ]
