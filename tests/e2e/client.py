"""The platform as an integrator's program sees it: GraphQL with retries of the same command id, REST, nothing else."""

import time
import uuid

from accounts.codec import account_codec
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore
from tests.chaos.counting import problems
from tests.chaos.load import Caller, Load
from tests.chaos.target import read_store

TRADE = """mutation($input: ExecuteTradeInput!) { executeTrade(input: $input) { __typename
  ... on TradeExecuted { version commandId tradeId cashAfter positionQuantity }
  ... on CommandRefused { code limit actual version commandId } } }"""
OPEN = """mutation($input: OpenAccountInput!) { openAccount(input: $input) { __typename
  ... on AccountOpened { accountId version } ... on CommandRefused { code } } }"""
DEPOSIT = """mutation($input: DepositCashInput!) { depositCash(input: $input) { __typename
  ... on CashDeposited { version cashAfter } ... on CommandRefused { code } } }"""

PLACE = """mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename
  ... on OrderPlaced { version order { orderId } } ... on CommandRefused { code } } }"""
CANCEL = """mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { __typename
  ... on OrderCancelled { version } ... on CommandRefused { code } } }"""


class Api(Caller):
    """One API key."""

    def get(self, path: str, **parameters):
        answer = self._http.get(path, params=parameters)
        answer.raise_for_status()
        return answer.json()

    def command(self, query: str, **fields):
        """Send a command until its outcome is known, always under the same command id."""
        return self.ask(query, {"input": {"commandId": str(uuid.uuid4()), **fields}})

    def open(self, cash: str = "100000") -> str:
        account_id = self.command(OPEN, name="E2E")["accountId"]
        self.command(DEPOSIT, accountId=account_id, amount=cash)
        return account_id

    def buy(self, account_id: str, **fields):
        trade = {"symbol": "KO", "side": "BUY", "quantity": 1, "price": "40", **fields}
        return self.command(TRADE, accountId=account_id, **trade)

    def place(self, account_id: str, **fields):
        order = {"symbol": "KO", "side": "BUY", "quantity": 1, "type": "LIMIT", "limitPrice": "10", **fields}
        return self.ask(PLACE, {"input": {"accountId": account_id, "clientOrderId": str(uuid.uuid4()), **order}})


def wait_until_open(api: Api) -> None:
    """Return while the replayed market is open: it is closed for ten seconds of every two minutes."""
    deadline = time.monotonic() + 30
    while api.get("/api/market")["session"]["phase"] != "OPEN":
        assert time.monotonic() < deadline, "the market does not open"
        time.sleep(0.1)


def open_sqlite_store(data_dir) -> EventStore:
    return EventStore.open(SQLiteEngine(data_dir / "events"), codec=account_codec(), partition_count=16)


def assert_each_once(load: Load, store: EventStore) -> None:
    """Every acknowledged command is in the journal once, at the version that was acknowledged; no version has a gap."""
    assert load.errors == []
    with store:
        assert problems(load.acknowledged, read_store(store)) == []


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
