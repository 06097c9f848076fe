"""The simulated year: a platform of its own replays so many sessions in seconds each, while accounts trade, shares are
split, dividends are paid and a symbol changes; then its books have to be right, to the last unit.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from tests.chaos.chaos import is_projected
from tests.chaos.load import Caller
from tests.chaos.target import Target
from tests.year.actions import announce, unapplied
from tests.year.books import Books
from tests.year.traders import Traders

SECONDS_PER_DAY = 2
CASH = 1_000_000
CATCH_UP_SECONDS_MAX = 120.0
LOOK_SECONDS = 0.1
VENUE_STOPS_SECONDS = 5.0
"""A stop counts within about a second; fills that are under way are done then."""
COMMANDS = (("verify_events",), ("reconcile",), ("replay", "--check"))
OPEN = """mutation($input: OpenAccountInput!) { openAccount(input: $input) { __typename
  ... on AccountOpened { accountId } } }"""
DEPOSIT = "mutation($input: DepositCashInput!) { depositCash(input: $input) { __typename } }"
FEES = "mutation($input: ChangeFeeScheduleInput!) { changeFeeSchedule(input: $input) { __typename } }"
LIMITS = "mutation($input: ChangeRiskLimitsInput!) { changeRiskLimits(input: $input) { __typename } }"
CANCEL_ALL = "mutation($input: CancelAllOrdersInput!) { cancelAllOrders(input: $input) { __typename } }"
SCHEDULES: tuple[dict[str, str], ...] = (
    {"perOrder": "1"},
    {"perShare": "0.005", "minimum": "1"},
    {"percent": "0.1", "minimum": "0.35"},
    {},
)

Say = Callable[[str], None]


@dataclass
class Year:
    """What was done, and what was found wrong."""

    sessions: int = 0
    orders: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return it for people."""
        found = [f"{self.sessions} sessions"]
        for what, counted in (("orders", self.orders), ("events", self.events)):
            found.append(f"{sum(counted.values()):,} {what}: ")
            found[-1] += ", ".join(f"{count:,} {name}" for name, count in counted.most_common())
        return found + ([f"WRONG: {problem}" for problem in self.problems] or ["nothing is wrong"])


def run(target: Target, *, sessions: int, accounts: int, orders: int, seed: int, say: Say) -> Year:
    """Replay so many sessions, with some hundred orders a second placed by these accounts, and check what is left."""
    year = Year()
    try:
        say("starting the platform")
        target.start()
        _live(target, year, sessions=sessions, accounts=accounts, orders=orders, seed=seed, say=say)
        _check(target, year, say)
    except Exception as error:  # Whatever it is, the platform did not do what it should.
        year.problems.append(repr(error))
    finally:
        say("stopping the platform")
        left = target.stop()
    year.problems += [f"left behind: {process}" for process in left]
    return year


def _live(target: Target, year: Year, *, sessions: int, accounts: int, orders: int, seed: int, say: Say) -> None:
    _manage(target, "market", "pause", "--reason", "the year is prepared")
    operator = Caller(target.base_url, _key(target, "admin"))
    trader_key = _key(target, "alice")
    trader = Caller(target.base_url, trader_key)
    account_ids = [_open(trader, operator, number) for number in range(accounts)]
    with httpx.Client(base_url=target.base_url, headers={"Authorization": f"Bearer {trader_key}"}) as http:
        first = _market(http)
        actions = announce(target, first["session"]["date"], sessions)
        say(f"{accounts} accounts; {actions} corporate actions are announced")
        _manage(target, "market", "resume", "--reason", "the year begins")
        traders = Traders(trader, account_ids, cash=CASH, seed=seed)
        seen: set[str] = set()
        while len(seen) <= sessions:
            market = _market(http)
            date = market["session"]["date"]
            if date not in seen:
                seen.add(date)
                if len(seen) % 20 == 1:
                    say(f"session {len(seen)}, {date}; {sum(traders.outcomes.values()):,} orders")
            prices = {each["symbol"]: Decimal(each["price"]) for each in market["instruments"] if each["price"]}
            if market["session"]["phase"] == "OPEN" and prices:
                traders.place(prices, orders)
            time.sleep(LOOK_SECONDS)
        year.sessions, year.orders = len(seen) - 1, traders.outcomes
        say("waiting for the last corporate actions")
        deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
        while missing := unapplied(target):
            if time.monotonic() > deadline:
                year.problems += [f"not applied: {action}" for action in missing]
                break
            time.sleep(1)
    operator.ask(CANCEL_ALL, {"input": {"everybody": True, "reason": "the year is over"}})
    _manage(target, "venue", "stop", "--reason", "the year is over")  # The demo's traders go on.
    time.sleep(VENUE_STOPS_SECONDS)


def _check(target: Target, year: Year, say: Say) -> None:
    say("waiting for the projections")
    deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
    while not is_projected(target):
        if time.monotonic() > deadline:
            year.problems.append("the projections did not catch up")
            return
        time.sleep(0.5)
    for command in COMMANDS:
        say(f"running {' '.join(command)}")
        done = target.manage(*command)
        if done.returncode != 0:
            year.problems.append(f"{' '.join(command)} failed: {(done.stdout + done.stderr)[-2_000:]}")
    say("comparing the books")
    year.problems += list(_differences(target, year))


def _differences(target: Target, year: Year) -> Iterator[str]:
    books: dict[str, Books] = defaultdict(Books)
    with target.open_store() as store:
        for partition in range(store.partition_count):
            for batch in store.read_all(partition=partition):
                for commit in batch.commits:
                    for event in commit.events:
                        year.events[type(event).__name__] += 1
                        books[commit.aggregate_id].add(event)
    now = datetime.now(UTC).isoformat()
    headers = {"Authorization": f"Bearer {_key(target, 'admin')}"}
    with httpx.Client(base_url=target.base_url, headers=headers, timeout=30) as http:
        for account_id, own in books.items():
            shown = http.get(f"/api/accounts/{account_id}/portfolio").raise_for_status().json()
            then = http.get(f"/api/accounts/{account_id}/as-of", params={"at": now}).raise_for_status().json()
            for what, account, positions in (
                ("the portfolio", shown["account"], shown["positions"]),
                ("the account as of now", then, then["positions"]),
            ):
                for difference in own.differences(account, positions):
                    yield f"{account_id}, {what}: {difference}"


def _key(target: Target, username: str) -> str:
    return _manage(target, "create_api_key", username, "--name", "year", "--requests-per-minute", "0").strip()


def _manage(target: Target, *command: str) -> str:
    done = target.manage(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _open(trader: Caller, operator: Caller, number: int) -> str:
    account_id = str(trader.ask(OPEN, {"input": {"name": f"Year {number}"}})["accountId"])
    trader.ask(DEPOSIT, {"input": {"accountId": account_id, "amount": str(CASH)}})
    limits = {
        "maxPositionPercent": "30",
        "maxDailyValue": "100000000000",
        "maxTradeValue": "1000000",
        "priceBandPercent": "10",
    }
    operator.ask(LIMITS, {"input": {"accountId": account_id, **limits}})
    schedule = SCHEDULES[number % len(SCHEDULES)]
    if schedule:
        operator.ask(FEES, {"input": {"accountId": account_id, **schedule}})
    return account_id


def _market(http: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = http.get("/api/market").raise_for_status().json()
    return found
