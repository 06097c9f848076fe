"""A run: every way in by turns, an innocent client beside them, a look at logs and processes after each round."""

import re
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import httpx
from graphql import build_schema

from tests.chaos.counting import Acknowledged, problems
from tests.chaos.target import read_store
from tests.e2e.client import DEPOSIT, Api, open_sqlite_store, wait_until_reconciled
from tests.fuzz import judge as judging
from tests.fuzz.documents import Documents
from tests.fuzz.target import Headers, Target
from tests.fuzz.ways import ways_in
from tests.services.platform import BASE_DIR, Platform

DEMO_PASSWORD: Final = "demo-password"
CASES_A_TURN: Final = 5
SCHEMA: Final = BASE_DIR / "tradingplatform" / "schema.graphql"


class Innocent:
    """Somebody who uses the platform as it is meant: reads, deposits, notes how long each answer took."""

    def __init__(self, base_url: str, key: str) -> None:
        self.seconds: list[float] = []
        self.errors: list[str] = []
        self.deposits: list[Acknowledged] = []
        self._api = Api(base_url, key)
        self.account_id = self._api.open()
        self._client = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> "Innocent":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _go_on(self) -> None:
        asked: tuple[Callable[[], httpx.Response], ...] = (
            self._deposit,
            lambda: self._client.get(f"/api/accounts/{self.account_id}/portfolio"),
            lambda: self._client.get("/api/session"),
        )
        while not self._stop.is_set():
            for ask in asked:
                began = time.monotonic()
                try:
                    answer = ask()
                    if answer.status_code != 200 or "errors" in answer.json():
                        self.errors.append(f"{answer.status_code} {answer.text[:200]}")
                except (httpx.HTTPError, ValueError) as error:
                    self.errors.append(repr(error))
                self.seconds.append(time.monotonic() - began)
                self._stop.wait(0.02)

    def _deposit(self) -> httpx.Response:
        command_id = str(uuid.uuid4())
        fields = {"accountId": self.account_id, "amount": "0.01", "commandId": command_id}
        answer = self._client.post("/graphql", json={"query": DEPOSIT, "variables": {"input": fields}})
        if "CashDeposited" in answer.text:
            version = answer.json()["data"]["depositCash"]["version"]
            self.deposits.append(Acknowledged(self.account_id, command_id, version))
        return answer


@dataclass(frozen=True, slots=True)
class Campaign:
    """A prepared run against a platform that is ready."""

    platform: Platform
    target: Target
    ways: dict[str, Callable[[Random], None]]
    innocent: Innocent
    secrets: tuple[str, ...]
    logs: judging.Logs
    seed: int

    def run(
        self,
        *,
        names: Sequence[str] = (),
        seconds: float | None = None,
        rounds: int | None = None,
        only_case: int | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Send cases of the ways `names` (all) until the time or the rounds are over."""
        ways = {name: way for name, way in self.ways.items() if not names or name in names}
        before = self.platform.process_ids()
        deadline = None if seconds is None else time.monotonic() + seconds
        number = shown = 0
        with self.innocent:
            while (rounds is None or number < rounds) and (deadline is None or time.monotonic() < deadline):
                for name, way in ways.items():
                    progress(f"round {number + 1}, {name}: {self._so_far()}")
                    for place in range(CASES_A_TURN) if only_case is None else (only_case,):
                        self.one(name, way, number * CASES_A_TURN + place)
                    self.look(before, name, number)
                    for finding in self.target.judge.findings[shown:]:
                        progress(str(finding))
                    shown = len(self.target.judge.findings)
                number += 1
        for connection in self.target.held_open:
            connection.close()
        self.target.held_open.clear()
        self.target.judge.find(
            "innocent client", "", judging.faults_of_innocent(self.innocent.seconds, self.innocent.errors)
        )
        self.look(before, "the end", number)

    def _so_far(self) -> str:
        return f"{self.target.judge.cases.total():,} cases, {len(self.target.judge.findings)} findings"

    def one(self, name: str, way: Callable[[Random], None], number: int) -> None:
        """Send one case."""
        self.target.begin(name, number)
        try:
            way(Random(f"{self.seed}/{name}/{number}"))
        except OSError as error:
            self.target.judge.find(self.target.case, "", [f"no connection: {error!r}"])

    def look(self, before: dict[str, frozenset[int]], name: str, number: int) -> None:
        """Look at what happened beside the answers since the last look."""
        faults = judging.faults_of_processes(before, self.platform.process_ids())
        for process, text in self.logs.news().items():
            faults += judging.faults_of_log(process, text, self.secrets)
        first = number * CASES_A_TURN
        self.target.judge.find(f"{name} {first} to {first + CASES_A_TURN - 1}", "", faults)

    def check_journal(self) -> None:
        """Check that what was acknowledged is in the journal once, without gaps, unaltered, and in the read models."""
        find = self.target.judge.find
        with open_sqlite_store(self.platform.data_dir) as store:
            faults = problems(self.innocent.deposits, read_store(store))
        verified = self.platform.manage("verify_events")
        if verified.returncode != 0:
            faults.append(f"verify_events: {verified.stdout[-500:]}{verified.stderr[-500:]}")
        try:
            wait_until_reconciled(self.platform, timeout=60)
        except AssertionError as error:
            faults.append(f"reconcile: {str(error)[-800:]}")
        find("the journal", "", faults)


def prepared(platform: Platform, *, seed: int) -> Campaign:
    """Return a campaign against a platform: users, keys and sessions are made, an account with an order and trades."""
    keys = {name: platform.api_key(name) for name in ("fuzz-innocent", "compliance")}
    keys["fuzz-trader"] = platform.api_key("fuzz-trader", role="integrator")  # So that trades come further than it.
    api = Api(platform.base_url, keys["fuzz-trader"])
    account_id = api.open()
    version = api.buy(account_id)["version"]
    api.get(f"/api/accounts/{account_id}", min_version=version)
    sessions = {name: _session(platform.base_url, name) for name in (None, "bob", "admin")}
    credentials: dict[str, Headers] = {
        "nobody": [],
        "trader": _bearer(keys["fuzz-trader"]),
        "overseer": _bearer(keys["compliance"]),
        "csrf": sessions[None],
        "session": sessions["bob"],
        "staff": sessions["admin"],
    }
    judge = judging.Judge()
    target = Target(int(platform.port), judge, credentials, known_values(account_id))
    document = httpx.get(f"{platform.base_url}/api/schema", headers={"Accept": "application/json"}).json()
    documents = Documents(build_schema(SCHEMA.read_text()), target.known)
    admin_paths = _admin_paths(platform.base_url, sessions["admin"])
    cookies = [
        part.partition("=")[2] for pairs in sessions.values() for _, value in pairs for part in value.split("; ")
    ]
    return Campaign(
        platform=platform,
        target=target,
        ways=ways_in(target, documents, document, admin_paths),
        innocent=Innocent(platform.base_url, keys["fuzz-innocent"]),
        secrets=(*keys.values(), *(cookie for cookie in cookies if cookie)),
        logs=judging.Logs(platform.data_dir),
        seed=seed,
    )


def _bearer(key: str) -> Headers:
    return [("Authorization", f"Bearer {key}")]


def _session(base_url: str, username: str | None) -> Headers:
    """Return the headers of a browser's session, logged in or not."""
    with httpx.Client(base_url=base_url, timeout=20) as client:
        token = client.get("/api/session").json()["csrf_token"]
        if username is not None:
            body = {"username": username, "password": DEMO_PASSWORD}
            answer = client.post("/api/session", json=body, headers={"X-CSRFToken": token})
            answer.raise_for_status()
            token = answer.json()["csrf_token"]
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return [("Cookie", cookies), ("X-CSRFToken", token)]


def _admin_paths(base_url: str, session: Headers) -> list[str]:
    """Return the pages of the admin that its first page links to, and what these link to."""
    found = ["/admin/"]
    with httpx.Client(base_url=base_url, headers=session, timeout=20, follow_redirects=True) as client:
        for path in list(found):
            found += _links(client.get(path).text)
        for path in list(dict.fromkeys(found)):
            found += _links(client.get(path).text)[:40]
    return [path for path in dict.fromkeys(found) if "logout" not in path]


def _links(text: str) -> list[str]:
    return [path for path in re.findall(r'href="(/admin/[^"?#]*)', text) if "logout" not in path]


def known_values(account_id: str) -> dict[str, list[str]]:
    """Return sound values by the names that arguments, inputs and parameters have."""
    other = str(uuid.UUID(int=7))
    by_names = {
        ("id", "accountId", "account_id"): [account_id, account_id, account_id, other],
        ("orderId", "order_id"): [other, account_id],
        ("price", "limitPrice", "stopPrice", "amount", "maxDailyValue", "maxTradeValue", "trailAmount"): [
            *("10", "0.0001", "45.5", "922337203685477.5807", "10000000")
        ],
        ("from", "to", "at", "fromAt", "toAt", "expiresAt"): ["2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"],
        ("version", "minVersion", "fromVersion", "toVersion", "first", "limit"): ["1", "1", "2", "50"],
        ("commandId", "clientOrderId", "client_order_id"): ["f-1", "f-2", "f-3", "f-4"],
        ("symbol",): ["KO", "AAPL", "MSFT"],
        ("side",): ["BUY", "SELL"],
        ("quantity",): ["1", "10", "2.5", "0.000001", "1000000000", "3000000000"],
        ("type",): ["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"],
        ("timeInForce",): ["DAY", "GTC", "IOC", "FOK", "GTD"],
        ("currency",): ["USD", "EUR", "JPY"],
        ("name", "reason", "reference"): ["A text"],
        ("maxPositionPercent", "priceBandPercent", "trailPercent"): ["10.00", "100"],
        ("status",): ["open", "closed", "all"],
        ("period",): ["day", "week", "month"],
        ("zone",): ["UTC", "Europe/Berlin"],
        ("prefix",): ["0123456789ab"],
    }
    return {name: values for names, values in by_names.items() for name in names}
