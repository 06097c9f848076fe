"""The cache of accounts of the past, in Redis: only of what can never change, and never needed to be right.

An entry is the state of one version of an account, and from when until when it was that; so all instants between two
events share it. Entries are in the fields of `SLOTS` hashes, each with at most `ENTRIES_PER_SLOT` of them (a full one
loses any other entry for a new one) of at most `ENTRY_BYTES_MAX`, gone after `TTL_SECONDS`. The store's id is in the
key, so another store's accounts are never found. An entry whose hash is not its own is ignored: that finds accidents,
not somebody who may write to Redis.

Without Redis everything is slower and nothing is wrong. One line in the log says so, and Redis is left alone for
`AWAY_SECONDS`.
"""

import time
import zlib
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import msgspec
import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.codec import load_account
from edge.breaker import Breaker
from eventstore.record import microseconds
from eventstore.store import get_store

SLOTS: Final = 512
ENTRIES_PER_SLOT: Final = 128
ENTRY_BYTES_MAX: Final = 4_096
TTL_SECONDS: Final = 3_600
REDIS_TIMEOUT_SECONDS: Final = 0.25
AWAY_SECONDS: Final = 5.0
FORMAT: Final = 1
"""In every key; another format of the entries needs another number."""

_HASH_BYTES: Final = 32

# A field is "account|version|since|until", and "until" is not a part of the span.
_FIND: Final = """
local at = tonumber(ARGV[3])
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local account, version, since, before = string.match(field, '^(.+)|(%d+)|(%d+)|(%d+)$')
  if account == ARGV[1] and (version == ARGV[2] or (at and tonumber(since) <= at and at < tonumber(before))) then
    return redis.call('HGET', KEYS[1], field)
  end
end
return false
"""
_KEEP: Final = """
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local account, version = string.match(field, '^(.+)|(%d+)|%d+|%d+$')
  if account == ARGV[1] and version == ARGV[2] then redis.call('HDEL', KEYS[1], field) end
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then
  redis.call('HDEL', KEYS[1], redis.call('HRANDFIELD', KEYS[1]))
end
redis.call('HSET', KEYS[1], table.concat({ARGV[1], ARGV[2], ARGV[3], ARGV[4]}, '|'), ARGV[7])
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[6]) end
"""

log = structlog.get_logger(__name__)


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is kept of an account at a version; `state` as accounts/codec.py dumps it, `timestamp` UTC microseconds."""

    version: int
    timestamp: int
    actor: str
    command_id: str
    event_type: str
    event_id: str
    state: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Kept).decode


class Cache:
    """The cache of one store; may be used from several threads."""

    def __init__(self, *, redis_url: str, store_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store_id = store_id
        self._breaker = Breaker(AWAY_SECONDS, clock=clock)
        self._client = redis.Redis.from_url(
            redis_url,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),  # For a pooled connection that a restarted server has forgotten.
        )
        self._find = self._client.register_script(_FIND)
        self._keep = self._client.register_script(_KEEP)

    def find(self, account_id: str, *, at: datetime | None, version: int | None) -> Kept | None:
        """Return what is kept of an account at an instant or a version, None when nothing is, or nothing that can be
        read.
        """
        instant = "" if at is None else str(microseconds(at))
        found = self._ask(self._find, account_id, "" if version is None else str(version), instant)
        if found is None:
            return None
        kept = self._opened(account_id, found)
        if kept is None or (version is not None and kept.version != version):
            log.warning("temporal.cache.entry_ignored", account_id=account_id, version=version, at=instant)
            return None
        return kept

    def keep(self, account_id: str, kept: Kept, *, until: int) -> None:
        """Keep an account at a version, which it has been since its timestamp and until an instant (microseconds)."""
        entry = self._sealed(account_id, _encode(kept))
        if len(entry) <= ENTRY_BYTES_MAX:
            arguments = (kept.version, kept.timestamp, until, ENTRIES_PER_SLOT, TTL_SECONDS, entry)
            self._ask(self._keep, account_id, *arguments)

    def _ask(self, script: Callable[..., Any], account_id: str, *arguments: Any) -> bytes | None:
        if not self._breaker.may_ask():
            return None
        slot = zlib.crc32(account_id.encode()) % SLOTS
        try:
            answer: bytes | None = script(
                keys=[f"temporal:{FORMAT}:{self._store_id}:{slot}"], args=[account_id, *arguments]
            )
        except redis.RedisError as error:
            if self._breaker.note(answered=False):
                log.warning("temporal.cache.away", error=str(error), consequence="accounts of the past are read anew")
            return None
        self._breaker.note(answered=True)
        return answer

    def _sealed(self, account_id: str, body: bytes) -> bytes:
        return sha256(f"{self._store_id}|{account_id}|".encode() + body).digest() + body

    def _opened(self, account_id: str, entry: bytes) -> Kept | None:
        body = entry[_HASH_BYTES:]
        if self._sealed(account_id, body) != entry:
            return None
        try:
            kept = _decode(body)
            load_account(kept.state)
        except (msgspec.DecodeError, msgspec.ValidationError, ValueError):
            return None  # Of another release, perhaps.
        return kept


def configured_cache() -> Cache | None:
    """Return the cache of this process's store, None when TEMPORAL_CACHE is off."""
    if not settings.TEMPORAL_CACHE:
        return None
    return _cache(settings.REDIS_URL, get_store().metadata.store_id)


@lru_cache(maxsize=4)
def _cache(redis_url: str, store_id: str) -> Cache:
    return Cache(redis_url=redis_url, store_id=store_id)
