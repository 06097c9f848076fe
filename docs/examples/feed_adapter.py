#!/usr/bin/env python3
"""A feed's adapter: reads ticks and pushes them to the platform. Python's standard library alone; copy and change it.

    feed_of_yours | TRADING_URL=http://127.0.0.1:8000 TRADING_KEY=... python3 feed_adapter.py

Ticks are lines of JSON on standard input, each an entry of pushQuotes (docs/market.md):

    {"symbol": "KO", "price": "50.25", "bid": "50.24", "ask": "50.26", "at": "2026-01-31T14:30:00.25Z"}

Instead of these lines, a real feed's client calls `offer` for every tick. Of each symbol the latest tick is sent, five
times a second, and every `REPEAT_SECONDS` what the feed said last is said again with the instant of then, as long as
the feed itself is heard: so a symbol that is seldom traded is not stale, and one whose feed has died is.
"""

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

SEND_SECONDS = 0.2
REPEAT_SECONDS = 20.0
SILENCE_SECONDS = 30.0  # A feed that says nothing for so long is taken for dead: nothing is repeated.
QUOTES_MAX = 1_000
QUERY = "mutation($quotes: QuoteBatch!) { pushQuotes(quotes: $quotes) { accepted refused outcomes } }"


class Adapter:
    """Holds the latest tick of each symbol until it was sent."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self._lock = threading.Lock()
        self._latest: dict[str, dict[str, str]] = {}
        self._waiting: dict[str, dict[str, str]] = {}
        self._heard_at = time.monotonic()
        self._repeated_at = time.monotonic()

    def offer(self, tick: dict[str, str]) -> None:
        """Take a tick of the feed."""
        tick = {"at": datetime.now(UTC).isoformat(), **tick}
        with self._lock:
            self._latest[tick["symbol"]] = self._waiting[tick["symbol"]] = tick
            self._heard_at = time.monotonic()

    def send(self) -> None:
        """Send what waits; what could not be sent waits on, unless a newer tick has come."""
        batch = self._next_batch()
        while batch:
            try:
                answer = self._post(batch)
            except OSError as error:  # No connection, a time-out, an answer that is none: tried again later.
                sys.stderr.write(f"not sent, tried again: {error}\n")
                with self._lock:
                    self._waiting = {**{tick["symbol"]: tick for tick in batch}, **self._waiting}
                return
            for tick, outcome in zip(batch, answer["outcomes"], strict=True):
                if outcome is not None and outcome["code"] != "OLDER_THAN_HELD":
                    sys.stderr.write(f"{tick['symbol']} was refused: {outcome['code']}: {outcome['message']}\n")
            batch = self._next_batch()

    def _next_batch(self) -> list[dict[str, str]]:
        with self._lock:
            now = time.monotonic()
            if now - self._repeated_at >= REPEAT_SECONDS and now - self._heard_at < SILENCE_SECONDS:
                self._repeated_at = now
                at = datetime.now(UTC).isoformat()
                self._waiting = {**{name: {**tick, "at": at} for name, tick in self._latest.items()}, **self._waiting}
            return [self._waiting.pop(symbol) for symbol in list(self._waiting)[:QUOTES_MAX]]

    def _post(self, quotes: list[dict[str, str]]) -> dict:
        body = json.dumps({"query": QUERY, "variables": {"quotes": quotes}}).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}/graphql", body, headers)  # noqa: S310 - of your own address.
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            answer = json.load(error)
        if "errors" in answer:
            error = answer["errors"][0]
            code = error.get("extensions", {}).get("code")
            if code in ("UNAUTHENTICATED", "FORBIDDEN", "BAD_REQUEST"):
                raise SystemExit(f"{code}: {error['message']}")  # Trying again does not help.
            raise OSError(f"{code}: {error['message']}")
        return answer["data"]["pushQuotes"]


def main() -> None:
    """Push what comes on standard input until it ends."""
    adapter = Adapter(os.environ["TRADING_URL"].rstrip("/"), os.environ["TRADING_KEY"])
    ended = threading.Event()

    def read() -> None:
        for line in sys.stdin:
            adapter.offer(json.loads(line))
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    while not ended.wait(SEND_SECONDS):
        adapter.send()
    adapter.send()


if __name__ == "__main__":
    main()
