"""The load of the bulk benchmark: batches of trades over HTTP, from a process of its own.

`python -m benchmarks.bulk_load URL KEY REQUESTS TRADES REQUESTS_PER_SECOND [zipf]` (0: as fast as they are answered)
prints how many trades were sent, how many were accepted, the seconds from the first request to the last answer, and the
milliseconds that half and 99 in 100 of the requests waited for theirs, from the instant at which each was due.
Before the first request it prints "ready". With `zipf`, few accounts do most of the trades (zipf.py).
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator

from accounts.domain.commands import ExecuteTrade
from accounts.domain.values import SHARE, format_amount
from benchmarks import zipf
from benchmarks.measure import median, percentile
from benchmarks.trades import trade_requests
from market.instruments import all_symbols

CONNECTIONS = 3
QUERY = "mutation($trades: TradeBatch!) { submitTrades(trades: $trades) { accepted refused outcomes } }"


def bodies(requests: int, trades: int, *, is_zipf: bool = False) -> list[bytes]:
    """Return the bodies of all requests, made before any is sent."""
    seed = int(time.time())
    commands = (
        zipf.trade_requests(requests * trades, symbols=all_symbols(), seed=seed)
        if is_zipf
        else iter(trade_requests(requests * trades, seed=seed))
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
    left = iter(enumerate(bodies(int(requests), int(trades), is_zipf=more == ["zipf"])))
    print("ready", flush=True)
    lock = threading.Lock()
    accepted = [0]
    waits: list[float] = []
    started = time.perf_counter()

    def next_body() -> Iterator[tuple[float, bytes]]:
        while True:
            with lock:
                found = next(left, None)
            if found is None:
                return
            number, body = found
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
    print(int(requests) * int(trades), accepted[0], seconds, median(waits), percentile(waits, 0.99))


if __name__ == "__main__":
    main()
