"""Which changes of a round are published, and how they look: those of the accounts that somebody follows.

That is asked after the commit: whoever joined an account's group before is told here; whoever joins later reads a
snapshot that holds the change already. So nobody misses a change, and thousands of accounts that nobody looks at cost
nothing. What has changed is read from the tables, in one snapshot.
"""

import uuid
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, Final

import redis
import structlog
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

from readmodels import shapes
from readmodels.live.push import group_of
from readmodels.models import TradeHistory
from readmodels.projections import account_summary, portfolio_positions
from readmodels.projections.rows import Row
from readmodels.projector import binary_rows, tables
from readmodels.projector.writes import Written
from readmodels.queries import queries
from readmodels.shapes import account_shape

log = structlog.get_logger(__name__)

VALKEY_SECONDS_MAX: Final = 1.0


def deltas_to_publish(all_written: Iterable[Written]) -> list[dict[str, Any]]:
    """Return one message for each account that somebody follows and that a round has moved on, once it is committed.

    An account that has moved on meanwhile is left out: those who follow it find a gap, and ask for a snapshot.
    """
    return [delta for written in all_written for delta in _deltas(written)]


def _deltas(written: Written) -> list[dict[str, Any]]:
    keys: list[bytes] = binary_rows.uuids(written.keys).values.tolist()
    subscribed = subscribed_among(keys)
    versions = {
        str(uuid.UUID(bytes=key)): (int(written.from_versions[place]), int(written.versions[place]))
        for place, key in enumerate(keys)
        if key in subscribed
    }
    if not versions:
        return []
    with transaction.atomic():
        queries.read_one_snapshot()
        rows = tables.read_rows(table=account_summary.TABLE, column="account_id", values=versions)
        positions = _newer(portfolio_positions.VIEW, versions, "symbol")
        trades = _newer(TradeHistory._meta.db_table, versions, "version")
    deltas = {
        account_id: _delta(account_id, *versions[account_id], row)
        for account_id, row in ((str(row["account_id"]), row) for row in rows)
        if row["version"] == versions[account_id][1]
    }
    for name, shape, newer in (
        ("positions", shapes.Position.show, positions),
        ("orders", shapes.Order.show, written.orders),
        ("trades", shapes.Trade.show, trades),
    ):
        for row in newer:
            if (delta := deltas.get(str(row["account_id"]))) is not None:
                delta[name].append(shape(row))
    return list(deltas.values())


def _delta(account_id: str, from_version: int, version: int, row: Row) -> dict[str, Any]:
    return {
        "type": "account.delta",
        "account_id": account_id,
        "from_version": from_version,
        "version": version,
        "account": account_shape(row),
        "positions": [],
        "orders": [],
        "trades": [],
    }


def _newer(table: str, versions: dict[str, tuple[int, int]], order: str) -> list[Row]:
    return tables.read_newer_rows(
        table=table, order=order, versions={account_id: before for account_id, (before, _) in versions.items()}
    )


def subscribed_among(keys: Collection[bytes]) -> set[bytes]:
    """Return those accounts whose group somebody has joined; all of them where the channel layer cannot tell."""
    layer = get_channel_layer()
    if not isinstance(layer, RedisPubSubChannelLayer):
        return set(keys)
    configured: Any = settings.CHANNEL_LAYERS
    prefix = configured["default"]["CONFIG"]["prefix"]
    before = f"{prefix}__group__{group_of('')}"
    try:
        channels: Any = _redis().pubsub_channels(f"{before}*")
    except redis.RedisError as error:
        log.warning("changes not pushed", accounts=len(keys), reason=repr(error))
        return set()
    subscribed = {uuid.UUID(channel.decode().removeprefix(before)).bytes for channel in channels}
    return subscribed & set(keys)


@lru_cache(maxsize=1)
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=VALKEY_SECONDS_MAX,
        socket_connect_timeout=VALKEY_SECONDS_MAX,
        retry=Retry(NoBackoff(), 1),  # For a pooled connection that a restarted server has forgotten.
    )
