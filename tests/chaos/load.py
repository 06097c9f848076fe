"""The load: single trades and batches through GraphQL, each asked again under its own id until its outcome is known;
and somebody who follows an account live.
"""

import json
import threading
import time
import uuid
from typing import Any

import httpx
import websockets.sync.client
from websockets.exceptions import WebSocketException

from tests.chaos.counting import Acknowledged

TRADE = """mutation($input: ExecuteTradeInput!) { executeTrade(input: $input) { __typename
  ... on TradeExecuted { version } ... on CommandRefused { version code } } }"""
BATCH = "mutation($trades: TradeBatch!) { submitTrades(trades: $trades) { outcomes } }"
OPEN = """mutation($input: OpenAccountInput!) { openAccount(input: $input) { __typename
  ... on AccountOpened { accountId } } }"""
DEPOSIT = "mutation($input: DepositCashInput!) { depositCash(input: $input) { __typename } }"
ASK_AGAIN = {
    "CONFLICT",
    "DATABASE_UNAVAILABLE",
    "OUTCOME_UNKNOWN",
    "OVERLOADED",
    "STORE_UNAVAILABLE",
}
"""Codes after which nobody knows the outcome, or nothing was done: asking again under the same id is right."""
BATCH_TRADES = 40
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.05


class NotAnswered(Exception):
    """The platform did not come back."""


class Caller:
    """One program with an API key."""

    def __init__(self, base_url: str, key: str, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=15)
        self._patience_seconds = patience_seconds
        self.asked_again = 0

    def ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Return the data of an answer; asks again while there is none, or one that says so."""
        deadline = time.monotonic() + self._patience_seconds
        while time.monotonic() < deadline:
            try:
                answer = self._http.post("/graphql", json={"query": query, "variables": variables}).json()
            except (httpx.HTTPError, ValueError):
                answer = {}
            if answer.get("data") and "errors" not in answer:
                ((_, found),) = answer["data"].items()
                return dict(found)
            codes = {error.get("extensions", {}).get("code") for error in answer.get("errors", ())}
            if codes - ASK_AGAIN:
                raise AssertionError(f"answered with {json.dumps(answer)[:500]}")
            self.asked_again += 1
            time.sleep(PAUSE_SECONDS)
        raise NotAnswered(f"no answer for {self._patience_seconds:g} s")

    def open_account(self) -> str:
        """Open an account with cash."""
        opened = self.ask(OPEN, {"input": {"name": "Chaos", "commandId": str(uuid.uuid4())}})
        account_id = str(opened["accountId"])
        deposit = {"accountId": account_id, "amount": "100000000", "commandId": str(uuid.uuid4())}
        self.ask(DEPOSIT, {"input": deposit})
        return account_id

    def trade(self, account_id: str) -> Acknowledged:
        """Execute a trade."""
        command_id = str(uuid.uuid4())
        found = self.ask(TRADE, {"input": {**_trade(account_id), "commandId": command_id}})
        return Acknowledged(account_id, command_id, found["version"])

    def trade_in_bulk(self, account_ids: list[str]) -> list[Acknowledged]:
        """Execute a batch; what is not known of it is asked again, and only that."""
        waiting = {str(uuid.uuid4()): account_ids[n % len(account_ids)] for n in range(BATCH_TRADES)}
        known: list[Acknowledged] = []
        deadline = time.monotonic() + self._patience_seconds
        while waiting:
            entries = [{**_trade(account_id), "commandId": each} for each, account_id in waiting.items()]
            outcomes = self.ask(BATCH, {"trades": entries})["outcomes"]
            for entry, outcome in zip(entries, outcomes, strict=True):
                if "version" in outcome:
                    known.append(Acknowledged(entry["accountId"], entry["commandId"], outcome["version"]))
                    del waiting[entry["commandId"]]
                elif outcome["code"] not in ASK_AGAIN:
                    raise AssertionError(f"a trade of a batch was answered with {outcome}")
            if waiting:
                self.asked_again += len(waiting)
                if time.monotonic() > deadline:
                    raise NotAnswered(f"{len(waiting)} trades of a batch without an outcome")
                time.sleep(PAUSE_SECONDS)
        return known


class Load:
    """Several callers that trade without a pause; `acknowledged` grows meanwhile."""

    def __init__(
        self,
        base_url: str,
        key: str,
        account_ids: list[str],
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        singles: int = 4,
        bulks: int = 0,
        pause_seconds: float = 0.0,
    ) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.errors: list[BaseException] = []
        self._account_ids = account_ids
        self._pause_seconds = pause_seconds
        self._callers = [Caller(base_url, key, patience_seconds=patience_seconds) for _ in range(singles + bulks)]
        self._must_stop = threading.Event()
        tasks = [self._trade] * singles + [self._trade_in_bulk] * bulks
        self._threads = [
            threading.Thread(target=self._go_on, args=(task, caller, number))
            for number, (task, caller) in enumerate(zip(tasks, self._callers, strict=True))
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, once the outcome of everything that was sent is known."""
        self._must_stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def asked_again(self) -> int:
        """How often an outcome had to be asked for again."""
        return sum(caller.asked_again for caller in self._callers)

    def wait_for(self, count: int) -> None:
        """Return when so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.acknowledged) < wanted and not self.errors:
            assert time.monotonic() < deadline, "the load does not go on"
            time.sleep(0.02)

    def _go_on(self, task: Any, caller: Caller, number: int) -> None:
        try:
            while not self._must_stop.is_set():
                task(caller, number)
                number += 1
                if self._pause_seconds:
                    self._must_stop.wait(self._pause_seconds)
        except BaseException as error:  # Told in the summary, which fails with it.
            self.errors.append(error)

    def _trade(self, caller: Caller, number: int) -> None:
        self.acknowledged.append(caller.trade(self._account_ids[number % len(self._account_ids)]))

    def _trade_in_bulk(self, caller: Caller, _: int) -> None:
        self.acknowledged.extend(caller.trade_in_bulk(self._account_ids))


class Follower:
    """Follows one account over the WebSocket, connecting again whenever it is closed; knows the version shown."""

    def __init__(self, base_url: str, key: str, account_id: str) -> None:
        self.account_id = account_id
        self._address = f"{base_url.replace('http', 'ws', 1)}/ws/accounts/{account_id}"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._must_stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.version = 0
        self.connections = 0

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._must_stop.set()
        self._thread.join(10)

    def _follow(self) -> None:
        while not self._must_stop.is_set():
            try:
                with websockets.sync.client.connect(
                    self._address, additional_headers=self._headers, open_timeout=5, close_timeout=1
                ) as socket:
                    self.connections += 1
                    self._listen(socket)
            except (OSError, TimeoutError, WebSocketException):
                self._must_stop.wait(0.2)

    def _listen(self, socket: Any) -> None:
        self.version = 0
        while not self._must_stop.is_set():
            try:
                message = json.loads(socket.recv(timeout=0.5))
            except TimeoutError:
                continue
            if message["type"] == "snapshot" or (
                message["type"] == "delta" and message["from_version"] == self.version
            ):
                self.version = message["version"]
            elif message["type"] == "delta" and message["version"] > self.version:
                socket.send(json.dumps({"type": "resync"}))


def _trade(account_id: str) -> dict[str, Any]:
    return {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "40"}
