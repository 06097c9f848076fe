"""Live feeds: from the moment that a trade is sent to the message that tells of it, with 500 clients connected.

One process holds all clients, so what it takes to read their messages is in the figures. Every message that a client
should get is waited for and counted.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.commands import TRADE
from benchmarks.measure import Figure, median, percentile
from benchmarks.server import DEPOSIT, OPEN, BenchmarkPlatform

CLIENTS: Final = 500
CLIENTS_OF_ALL: Final = 20
"""Those of them that follow all accounts at once; the others follow one account each."""
ACCOUNTS: Final = 96
TRADES: Final = 300
TRADES_PER_SECOND: Final = 10
CONNECTING_AT_ONCE: Final = 20
READY_SECONDS_MAX: Final = 60
MESSAGE_SECONDS_MAX: Final = 10


def run_websockets() -> Iterator[Figure]:
    """Measure."""
    with BenchmarkPlatform("writer", "projector", "beat", "web") as platform:
        account_ids = [_open(platform) for _ in range(ACCOUNTS)]
        measured = asyncio.run(_Clients(platform, account_ids).measure())
    deliveries = len(measured.milliseconds)
    note = (
        f"{CLIENTS} clients, {CLIENTS_OF_ALL} of them on all {ACCOUNTS + 1} accounts, the others on one each; "
        f"{TRADES} single trades, {TRADES_PER_SECOND} a second, {deliveries:,} messages; from before a command is sent"
    )
    yield Figure("readmodels.websocket_p50_ms", median(measured.milliseconds), "ms", note)
    yield Figure("readmodels.websocket_p95_ms", percentile(measured.milliseconds, 0.95), "ms", note, "< 100")
    yield Figure("readmodels.websocket_p99_ms", percentile(measured.milliseconds, 0.99), "ms", note)
    note = "the same trades, to the first of their messages"
    yield Figure("readmodels.websocket_first_p95_ms", percentile(measured.first_milliseconds, 0.95), "ms", note)
    seconds = f"{CLIENTS} clients with their snapshots, {CONNECTING_AT_ONCE} at a time"
    yield Figure("readmodels.websocket_connect_s", measured.connect_seconds, "s", seconds)


def _open(platform: BenchmarkPlatform) -> str:
    account_id: str = platform.command(OPEN, None)["openAccount"]["accountId"]
    platform.command(DEPOSIT, {"accountId": account_id, "amount": "1000000"})
    return account_id


class _Clients:
    """All clients of a run, and when each trade was sent."""

    def __init__(self, platform: BenchmarkPlatform, account_ids: list[str]) -> None:
        self._platform = platform
        self._account_ids = account_ids
        self._headers = {"Authorization": f"Bearer {platform.key}"}
        self._sent_at: dict[tuple[str, int], float] = {}
        self._arrived_at: dict[tuple[str, int], list[float]] = {}
        self.milliseconds: list[float] = []
        self.first_milliseconds: list[float] = []
        self.connect_seconds = 0.0

    async def measure(self) -> "_Clients":
        """Connect, trade, and wait until every client has every message that it should get."""
        await self._wait_for_rows()
        paths = ["/ws/accounts"] * CLIENTS_OF_ALL
        paths += [f"/ws/accounts/{self._account_ids[number % ACCOUNTS]}" for number in range(CLIENTS - CLIENTS_OF_ALL)]
        async with AsyncExitStack() as open_sockets:
            started = time.perf_counter()
            gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
            connecting = [self._connect(path, gate, open_sockets) for path in paths]
            sockets = await asyncio.gather(*connecting)
            self.connect_seconds = time.perf_counter() - started
            reading = [
                asyncio.create_task(self._read(socket, path)) for socket, path in zip(sockets, paths, strict=True)
            ]
            await self._trade()
            await self._wait_for_messages()
            for task in reading:
                task.cancel()
        self._reckon()
        return self

    async def _wait_for_rows(self) -> None:
        async with httpx.AsyncClient(base_url=self._platform.base_url, headers=self._headers, timeout=10) as http:
            for account_id in self._account_ids:
                (await http.get(f"/api/accounts/{account_id}", params={"min_version": 2})).raise_for_status()

    async def _connect(self, path: str, gate: asyncio.Semaphore, open_sockets: AsyncExitStack) -> ClientConnection:
        url = self._platform.base_url.replace("http", "ws") + path
        async with gate:
            socket = await open_sockets.enter_async_context(
                connect(url, additional_headers=self._headers, open_timeout=READY_SECONDS_MAX, compression=None)
            )
            snapshots = 1 + ACCOUNTS if path == "/ws/accounts" else 1
            while snapshots:
                message = json.loads(await asyncio.wait_for(socket.recv(), READY_SECONDS_MAX))
                snapshots -= message["type"] == "snapshot"
        return socket

    async def _read(self, socket: ClientConnection, path: str) -> None:
        of_path = path.rpartition("/")[2]
        async for text in socket:
            arrived_at = time.perf_counter()
            message: dict[str, Any] = json.loads(text)
            if message["type"] in ("delta", "snapshot"):  # A snapshot, when a heartbeat saw the change before its push.
                place = (message.get("account_id", of_path), message["version"])
                self._arrived_at.setdefault(place, []).append(arrived_at)

    async def _trade(self) -> None:
        async with httpx.AsyncClient(base_url=self._platform.base_url, headers=self._headers, timeout=10) as http:
            begun = time.perf_counter()
            for number in range(TRADES):
                await asyncio.sleep(max(0.0, begun + number / TRADES_PER_SECOND - time.perf_counter()))
                account_id = self._account_ids[number % ACCOUNTS]
                trade = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "1"}
                sent_at = time.perf_counter()
                answer = await http.post("/graphql", json={"query": TRADE, "variables": {"input": trade}})
                version = answer.json()["data"]["executeTrade"]["version"]
                self._sent_at[account_id, version] = sent_at

    def _expected(self, account_id: str) -> int:
        place = self._account_ids.index(account_id)
        return CLIENTS_OF_ALL + len(range(place, CLIENTS - CLIENTS_OF_ALL, ACCOUNTS))

    async def _wait_for_messages(self) -> None:
        expected = {place: self._expected(place[0]) for place in self._sent_at}
        deadline = time.perf_counter() + MESSAGE_SECONDS_MAX
        while (found := {place: len(self._arrived_at.get(place, [])) for place in expected}) != expected:
            missing = sum(expected.values()) - sum(found.values())
            assert time.perf_counter() < deadline, f"{missing} of {sum(expected.values())} messages did not come"
            await asyncio.sleep(0.05)

    def _reckon(self) -> None:
        for place, sent_at in self._sent_at.items():
            waited = [(arrived_at - sent_at) * 1_000 for arrived_at in self._arrived_at[place]]
            self.milliseconds += waited
            self.first_milliseconds.append(min(waited))
