"""Which changes of a round are published: all that were projected event by event, and of the plain events those of the
accounts that somebody follows.

That is asked after the commit: whoever joined an account's group before is told here; whoever joins later reads a
snapshot that holds the change already. So nobody misses a change, and thousands of accounts that nobody looks at cost
nothing.
"""

import uuid
from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final

import redis
import structlog
from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from eventstore.record import Commit
from readmodels import tables
from readmodels.live import group_of
from readmodels.projections import account_summary
from readmodels.projections.changes import Changes, changes_of
from readmodels.projections.plain_trades import Columns, Sorted
from readmodels.projector import Projected

log = structlog.get_logger(__name__)

VALKEY_SECONDS_MAX: Final = 1.0


def changes_to_publish(projected: Projected) -> list[Changes]:
    """Return all that has to be told of a round, once it is committed."""
    return [*projected.changes, *(_told_of(projected.plain) if projected.plain is not None else [])]


def _told_of(plain: Sorted) -> list[Changes]:
    """Return the changes that plain events made to accounts that are followed.

    An account that has moved on meanwhile is left out: those who follow it find a gap, and ask for a snapshot.
    """
    keys = followed_among(plain.versions.keys())
    if not keys:
        return []
    account_ids = [str(uuid.UUID(bytes=key)) for key in keys]
    rows = tables.read_rows(table=account_summary.TABLE, column="account_id", values=account_ids)
    now = {str(row["account_id"]): row for row in rows if row["version"] == plain.versions[row["account_id"].bytes]}
    commits = [*_commits(plain.trades, keys), *_commits(plain.refusals, keys)]
    commits = sorted(
        (commit for commit in commits if commit.aggregate_id in now), key=lambda commit: commit.first_version
    )
    before: dict[str, int] = {}
    for commit in commits:
        before.setdefault(commit.aggregate_id, commit.first_version - 1)
    return [changes_of(commits, {each: {**now[each], "version": version} for each, version in before.items()})]


def followed_among(keys: Collection[bytes]) -> set[bytes]:
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
    followed = {uuid.UUID(channel.decode().removeprefix(before)).bytes for channel in channels}
    return followed & set(keys)


@lru_cache(maxsize=1)
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=VALKEY_SECONDS_MAX,
        socket_connect_timeout=VALKEY_SECONDS_MAX,
        retry=Retry(NoBackoff(), 1),  # For a pooled connection that a restarted server has forgotten.
    )


def _commits(events: Columns, keys: set[bytes]) -> list[Commit[object]]:
    names = events.cls.__struct_fields__
    return [
        Commit(
            str(uuid.UUID(bytes=key)),
            events["version"][place],
            events["recorded_at"][place],
            events["command_id"][place],
            events["correlation_id"][place],
            events["causation_id"][place],
            events["actor"][place],
            None,
            (events.cls(*(events[name][place] for name in names)),),
            (str(uuid.UUID(bytes=events.event_keys[place])),),
        )
        for place, key in enumerate(events.keys)
        if key in keys
    ]
