"""What the demo consists of: its users, its accounts, who trades them. Made once; everything goes through the command
bus.

Passwords are fixed and public: this is for a machine that listens on loopback, and `load_demo` says so.
"""

from typing import Final, NamedTuple


class DemoUser(NamedTuple):
    """Somebody who can log in."""

    username: str
    full_name: str
    description: str
    is_staff: bool = False
    is_superuser: bool = False


class DemoAccount(NamedTuple):
    """An account with its first deposit; `strategy` names the demo trader that trades it, None leaves it to people."""

    owner: str
    name: str
    deposit: str
    strategy: str | None
    viewers: tuple[str, ...] = ()


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
    DemoUser("admin", "Administrator", "Operator: users, access and keys in the admin", True, True),
)

ACCOUNTS: Final = (
    DemoAccount("alice", "Personal account", "250000", None),
    DemoAccount("alice", "Momentum", "1000000", "momentum", viewers=("bob",)),
    DemoAccount("alice", "Mean reversion", "1000000", "mean_reversion"),
    DemoAccount("alice", "Equal weight", "500000", "rebalancer"),
    DemoAccount("alice", "Slow accumulation", "300000", "accumulator"),
    DemoAccount("bob", "Bob's account", "150000", "accumulator"),
)

# A demo trader goes on all day: its accounts may trade more in a day than the default million.
TRADED_ACCOUNTS_MAX_DAILY_VALUE: Final = "500000000"

FIRST_TRADES: Final = (("AAPL", 400), ("MSFT", 150), ("JPM", 120), ("KO", 300), ("XOM", 200))
"""Bought in every account that no strategy trades, so that its owner finds a portfolio."""
