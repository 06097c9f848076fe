"""The load of the bulk benchmark: batches of trades over HTTP, from a process of its own.

`python -m benchmarks.bulk_load URL KEY REQUESTS TRADES REQUESTS_PER_SECOND [zipf]` (0: as fast as they are answered)
prints how many trades were sent, how many were accepted, the seconds from the first request to the last answer, and the
milliseconds that half and 99 in 100 of the requests waited for theirs, from the instant at which each was due. REQUESTS
such as "60s" are as many as come in 60 seconds. Before the first request it prints "ready". With `zipf`, few accounts
do most of the trades (zipf.py), in a hundred symbols; without it a thousand are traded.

So many trades are made beforehand; after them the same ones come again, as new commands.
"""

import http.client
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count

import numpy as np

from accounts.domain.commands import ExecuteTrade
from accounts.domain.values import SHARE, format_amount
from benchmarks import zipf
from benchmarks.instruments import HUNDRED_SYMBOLS, SYMBOLS
from benchmarks.measure import median, percentile
from benchmarks.trades import trade_requests

CONNECTIONS = 3
TRADES_MAX = 800_000
"""Trades that are made beforehand."""
QUERY = "mutation($trades: TradeBatch!) { submitTrades(trades: $trades) { accepted refused outcomes } }"


_COMMAND_ID = re.compile(rb'"commandId": "([0-9a-f-]{36})"')
_CHANGED = np.array([at for at in range(36) if at not in (8, 13, 14, 18, 19, 23)])
"""Digits of a UUID that say neither its version nor its variant."""
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)


class Body:
    """A request that can be sent any number of times, each time with command ids that nobody has seen."""

    def __init__(self, body: bytes) -> None:
        self._octets = np.frombuffer(bytearray(body), np.uint8)
        starts = np.array([found.start(1) for found in _COMMAND_ID.finditer(body)])
        self._digits = starts[:, np.newaxis] + _CHANGED

    def next(self, numbers: np.random.Generator) -> bytes:
        """Return it with new command ids."""
        self._octets[self._digits] = _DIGITS[numbers.integers(0, 16, self._digits.shape, np.uint8)]
        return self._octets.tobytes()


def bodies(requests: int, trades: int, *, is_zipf: bool = False) -> list[bytes]:
    """Return the bodies of all requests, made before any is sent."""
    seed = int(time.time())
    commands = (
        zipf.trade_requests(requests * trades, symbols=HUNDRED_SYMBOLS, seed=seed)
        if is_zipf
        else iter(trade_requests(requests * trades, seed=seed, symbols=SYMBOLS))
    )
    made = []
    for _ in range(requests):
        entries = []
        for _ in range(trades):
            request = next(commands)
            trade = request.command
            assert isinstance(trade, ExecuteTrade)
            entries.append(
                {
                    "accountId": request.aggregate_id,
                    "commandId": request.command_id,
                    "symbol": trade.symbol,
                    "side": trade.side,
                    "quantity": trade.quantity // SHARE,
                    "price": format_amount(trade.price),
                }
            )
        made.append(json.dumps({"query": QUERY, "variables": {"trades": entries}}).encode())
    return made


def main() -> None:
    """Send everything, over a few connections at once, and print the result."""
    url, key, requests, trades, rate, *more = sys.argv[1:]
    most = TRADES_MAX // int(trades)
    seconds_max = float(requests[:-1]) if requests.endswith("s") else float("inf")
    requests_max = most if requests.endswith("s") else int(requests)
    made = [Body(body) for body in bodies(min(requests_max, most), int(trades), is_zipf=more == ["zipf"])]
    left = count() if requests.endswith("s") else iter(range(requests_max))
    random_numbers = np.random.default_rng()
    print("ready", flush=True)
    lock = threading.Lock()
    accepted = [0]
    waits: list[float] = []
    started = time.perf_counter()

    def next_body() -> Iterator[tuple[float, bytes]]:
        while True:
            with lock:
                number = next(left, None)
                if number is None or time.perf_counter() - started > seconds_max:
                    return
                body = made[number % len(made)].next(random_numbers)
            due_at = started + number / float(rate) if float(rate) else time.perf_counter()
            time.sleep(max(0.0, due_at - time.perf_counter()))
            yield due_at, body

    def send() -> None:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        for due_at, body in next_body():
            connection.request("POST", "/graphql", body, headers)
            answer = json.loads(connection.getresponse().read())
            with lock:
                waits.append((time.perf_counter() - due_at) * 1_000)
                accepted[0] += answer["data"]["submitTrades"]["accepted"]
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    print(len(waits) * int(trades), accepted[0], seconds, median(waits), percentile(waits, 0.99))


if __name__ == "__main__":
    main()
