"""What the demo consists of, its users and accounts, and the file that tells the demo traders of the accounts: which
trade, by which strategy, with which API key, and where. `manage.py load_demo` writes DATA_DIR/demo.json:

    {"web_url": "http://127.0.0.1:8000",
     "accounts": [{"account_id": "...", "name": "...", "strategy": "momentum", "api_key": "..."}],
     "integrators": [{"account_id": "...", "name": "...", "username": "integrator", "api_key": "..."}]}

The keys of integrators are for people who try the API: a program with such a key books trades that it executed itself.

Passwords are fixed and public: this is for a machine that listens on loopback, and `load_demo` says so.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from tradingplatform.demo.strategies import STRATEGIES

FILE_NAME: Final = "demo.json"


class DemoUser(NamedTuple):
    """Somebody who can log in."""

    username: str
    full_name: str
    description: str
    is_staff: bool = False
    is_superuser: bool = False
    role: str | None = None
    """A role on the platform that is a group."""


class SeedAccount(NamedTuple):
    """An account with its first deposit; `strategy` names the demo trader that trades it, None leaves it to people.
    `integrators` are traders of it whose programs book what they executed elsewhere.
    """

    owner: str
    name: str
    deposit: str
    strategy: str | None
    viewers: tuple[str, ...] = ()
    integrators: tuple[str, ...] = ()


PASSWORD: Final = "demo-password"  # noqa: S105 - public on purpose.

USERS: Final = (
    DemoUser("alice", "Alice Young", "Trader: five accounts, four of them traded by simple strategies"),
    DemoUser("bob", "Bob Stone", "Trader: one account of his own, and he may look at one of Alice's"),
    DemoUser(
        "compliance",
        "Carol Reyes",
        "Compliance officer: the admin, every account; freezes, and changes risk limits",
        is_staff=True,
    ),
    DemoUser(
        "integrator",
        "Broker Gateway",
        "Integrator: books what was executed elsewhere, on Alice's personal account",
        role="integrator",
    ),
    DemoUser("admin", "Administrator", "Operator: users, access and keys in the admin", True, True),
)

ACCOUNTS: Final = (
    SeedAccount("alice", "Personal account", "250000", None, integrators=("integrator",)),
    SeedAccount("alice", "Momentum", "1000000", "momentum", viewers=("bob",)),
    SeedAccount("alice", "Mean reversion", "1000000", "mean_reversion"),
    SeedAccount("alice", "Equal weight", "500000", "rebalancer"),
    SeedAccount("alice", "Slow accumulation", "300000", "accumulator"),
    SeedAccount("bob", "Bob's account", "150000", "accumulator"),
)

# A demo trader goes on all day: its accounts may trade more in a day than the default million.
TRADED_ACCOUNTS_MAX_DAILY_VALUE: Final = "500000000"

FIRST_TRADES: Final = (("AAPL", 400), ("MSFT", 150), ("JPM", 120), ("KO", 300), ("XOM", 200))
"""Bought in every account that no strategy trades, so that its owner finds a portfolio."""


class UnusableDemoFile(Exception):
    """The file is there and cannot be used; the message says which part of it and what to do."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One account and the key that may trade on it; the key is never shown."""

    account_id: str
    name: str
    strategy: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DemoFile:
    """The accounts, and the address of the web server that load_demo knew of."""

    web_url: str
    accounts: tuple[DemoAccount, ...]


def read_demo_file(path: Path) -> DemoFile:
    """Read the file; raises FileNotFoundError while there is none, and `UnusableDemoFile`."""
    try:
        return _parse(json.loads(path.read_bytes()))
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableDemoFile(
            f"{path} is not what load_demo writes ({error!r}); remove it and run manage.py load_demo"
        ) from error


def _parse(content: dict[str, Any]) -> DemoFile:
    accounts = tuple(
        DemoAccount(
            account_id=str(each["account_id"]),
            name=str(each["name"]),
            strategy=str(each["strategy"]),
            api_key=str(each["api_key"]),
        )
        for each in content["accounts"]
    )
    for account in accounts:
        if account.strategy not in STRATEGIES:
            raise ValueError(
                f"account {account.name!r} has the strategy {account.strategy!r}; known: {', '.join(STRATEGIES)}"
            )
    return DemoFile(web_url=str(content["web_url"]), accounts=accounts)
