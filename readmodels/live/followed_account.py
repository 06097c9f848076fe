"""One account as one client follows it: what was sent to it, what waits to be sent, and when.

The first change after a quiet moment goes out at once; what comes within `PAUSE_SECONDS` of it is sent together then,
what happens to orders after `ORDERS_PAUSE_SECONDS` already: who placed one waits for its fill.
Pure but for the clock that it is given; the sending is the consumer's.
"""

from typing import Any, Final

Delta = dict[str, Any]

TRADES_MAX: Final = 200
"""Trades of one delta; a client that missed more is better served by a snapshot."""

PAUSE_SECONDS: Final = 0.1
"""Between two messages about one account to one client."""

ORDERS_PAUSE_SECONDS: Final = 0.02
"""The same before a message that says what became of orders."""


class FollowedAccount:
    """An account from the moment on when its group is joined; `version` is None until its snapshot is read."""

    __slots__ = ("_early", "_sent_at", "_waiting", "is_stale", "owner_name", "role", "version")

    def __init__(self, *, role: str) -> None:
        self.role = role
        self.owner_name: str | None = None
        self.version: int | None = None
        self.is_stale = False
        """Whether deltas do not lead any further, so that a snapshot has to be sent."""
        self._sent_at = 0.0
        self._waiting: Delta | None = None
        self._early: list[Delta] = []

    def start(self, *, version: int, owner_name: str | None = None) -> None:
        """Note what the snapshot that is sent now says; changes after it may have come already."""
        self.version, self.owner_name = version, owner_name
        for delta in self._early:
            self.take(delta)
        self._early.clear()

    def take(self, delta: Delta) -> None:
        """Note a change; one that the client has, or will have with what waits, is left out."""
        if self.version is None:
            self._early.append(delta)
        elif self.is_stale or delta["version"] <= self.version:
            return
        elif self._waiting is None:
            self._waiting = delta
        elif delta["version"] > self._waiting["version"]:
            self._waiting = merged(self._waiting, delta)
            self.is_stale = self._waiting is None

    def wait_seconds(self, now: float) -> float | None:
        """Return how long it is until something is to be sent, None when nothing waits."""
        if self.version is None or (self._waiting is None and not self.is_stale):
            return None
        is_of_orders = not self.is_stale and self._waiting is not None and bool(self._waiting["orders"])
        pause_seconds = ORDERS_PAUSE_SECONDS if is_of_orders else PAUSE_SECONDS
        return max(0.0, self._sent_at + pause_seconds - now)

    def next_message(self, now: float) -> dict[str, Any] | None:
        """Return the delta to send now, None when it is a snapshot (`is_stale`) that has to be sent."""
        self._sent_at = now
        delta, self._waiting = self._waiting, None
        if delta is None or self.is_stale:
            return None
        self.version = delta["version"]
        return {
            "type": "delta",
            "from_version": delta["from_version"],
            "version": delta["version"],
            "account": {**delta["account"], "role": self.role, "owner_name": self.owner_name},
            "positions": delta["positions"],
            "orders": delta["orders"],
            "trades": delta["trades"],
        }


def merged(first: Delta, second: Delta) -> Delta | None:
    """Return one delta for two that follow one another; None when they do not, or when it would be too large.

    Positions, orders and the account are last values, trades are all there.
    """
    trades = first["trades"] + second["trades"]
    if second["from_version"] != first["version"] or len(trades) > TRADES_MAX:
        return None
    return {
        **second,
        "from_version": first["from_version"],
        "positions": _latest(first["positions"], second["positions"], "symbol"),
        "orders": _latest(first["orders"], second["orders"], "order_id"),
        "trades": trades,
    }


def _latest(first: list[dict[str, Any]], second: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return list({row[key]: row for row in (*first, *second)}.values())
