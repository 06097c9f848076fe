"""The platform as an integrator's program sees it: GraphQL with retries of the same command id, REST, nothing else."""

import threading
import time
import uuid
from collections import Counter

import httpx

from accounts.codec import account_codec
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore

TRADE = """mutation($input: ExecuteTradeInput!) { executeTrade(input: $input) { __typename
  ... on TradeExecuted { version commandId tradeId cashAfter positionQuantity }
  ... on CommandRefused { code limit actual version commandId } } }"""
OPEN = """mutation($input: OpenAccountInput!) { openAccount(input: $input) { __typename
  ... on AccountOpened { accountId version } ... on CommandRefused { code } } }"""
DEPOSIT = """mutation($input: DepositCashInput!) { depositCash(input: $input) { __typename
  ... on CashDeposited { version cashAfter } ... on CommandRefused { code } } }"""
RETRY_SECONDS_MAX = 60


class Api:
    """One API key."""

    def __init__(self, base_url: str, key: str) -> None:
        self._http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=15)
        self.retries = 0

    def get(self, path: str, **parameters):
        answer = self._http.get(path, params=parameters)
        answer.raise_for_status()
        return answer.json()

    def command(self, query: str, **fields):
        """Send a command until its outcome is known, always under the same command id."""
        fields = {"commandId": str(uuid.uuid4()), **fields}
        deadline = time.monotonic() + RETRY_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                answer = self._http.post("/graphql", json={"query": query, "variables": {"input": fields}}).json()
            except (httpx.HTTPError, ValueError):
                self.retries += 1
                time.sleep(0.1)
                continue
            if "errors" in answer:
                assert answer["errors"][0]["extensions"]["code"] in ("OUTCOME_UNKNOWN", "OVERLOADED"), answer
                self.retries += 1
                continue
            ((_, result),) = answer["data"].items()
            return result
        raise AssertionError("the platform did not come back")

    def open(self, cash: str = "100000") -> str:
        account_id = self.command(OPEN, name="E2E")["accountId"]
        self.command(DEPOSIT, accountId=account_id, amount=cash)
        return account_id

    def buy(self, account_id: str, **fields):
        trade = {"symbol": "KO", "side": "BUY", "quantity": 1, "price": "10", **fields}
        return self.command(TRADE, accountId=account_id, **trade)


class Load:
    """Several threads that trade without a pause; `acknowledged` maps each command id to its answer."""

    def __init__(self, base_url: str, key: str, account_ids: list[str], threads: int = 4) -> None:
        self.acknowledged: dict[str, dict] = {}
        self.accounts: dict[str, str] = {}
        self.retries = 0
        self.errors: list[BaseException] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._trade, args=(Api(base_url, key), account_ids, n)) for n in range(threads)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(RETRY_SECONDS_MAX)
        assert self.errors == []

    def wait_for(self, count: int) -> None:
        target = len(self.acknowledged) + count
        deadline = time.monotonic() + RETRY_SECONDS_MAX
        while len(self.acknowledged) < target and not self.errors:
            assert time.monotonic() < deadline, "the load does not go on"
            time.sleep(0.02)

    def _trade(self, api: Api, account_ids: list[str], number: int) -> None:
        try:
            while not self._stop.is_set():
                account_id = account_ids[number % len(account_ids)]
                number += 1
                command_id = str(uuid.uuid4())
                self.accounts[command_id] = account_id
                self.acknowledged[command_id] = api.buy(account_id, commandId=command_id)
            self.retries += api.retries
        except BaseException as error:  # Told to the test, which fails with it.
            self.errors.append(error)


def open_sqlite_store(data_dir) -> EventStore:
    return EventStore.open(SQLiteEngine(data_dir / "events"), codec=account_codec(), partition_count=16)


def stored_commands(store: EventStore) -> tuple[Counter, dict[str, list[int]]]:
    """Read the journal itself: how often each command id is there, and every account's versions in order."""
    commands: Counter = Counter()
    versions: dict[str, list[int]] = {}
    for partition in range(store.partition_count):
        for batch in store.read_all(partition=partition):
            for commit in batch.commits:
                commands[(commit.aggregate_id, commit.command_id)] += 1
                found = range(commit.first_version, commit.last_version + 1)
                versions.setdefault(commit.aggregate_id, []).extend(found)
    return commands, versions


def assert_each_once(load: Load, store: EventStore) -> None:
    """Every acknowledged command is in the journal once, at the version that was acknowledged; no version has a gap."""
    with store:
        commands, versions = stored_commands(store)
    for command_id in load.acknowledged:
        assert commands[(load.accounts[command_id], command_id)] == 1
    assert max(commands.values()) == 1
    for account_id, found in versions.items():
        assert found == list(range(1, len(found) + 1)), account_id
    by_version = Counter((load.accounts[c], answer["version"]) for c, answer in load.acknowledged.items())
    assert max(by_version.values()) == 1


def wait_until_reconciled(platform, timeout: float = 30) -> str:
    """Return what reconcile prints once the projections have caught up; fails when they do not."""
    deadline = time.monotonic() + timeout
    while True:
        behind = platform.manage("projection_status")
        rows = [line.split("│") for line in behind.stdout.splitlines() if line.startswith("│")]
        if behind.returncode == 0 and rows and all(row[4].strip() == "0" for row in rows):
            break
        assert time.monotonic() < deadline, behind.stdout + behind.stderr
        time.sleep(0.2)
    done = platform.manage("reconcile")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
