"""Several changes of an account as one: what a client applies instead of each, with the same result.

Pure: deltas in, a delta out. Positions, orders and the account are last values, trades are all there; a delta leads
from the version that the first one starts at to the one that the last one ends at.
"""

from typing import Any, Final

Delta = dict[str, Any]

TRADES_MAX: Final = 200
"""Trades of one delta; a client that missed more is better served by a snapshot."""


def merged(first: Delta, second: Delta) -> Delta | None:
    """Return one delta for two that follow one another; None when they do not, or when it would be too large."""
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
