"""How many requests an API key may send: a token bucket for each key, shared by all web processes through Valkey.

A bucket holds a minute's worth of requests and fills up evenly: so a key may send that many at once, and from then on
its rate. A request only ever asks the bucket of its own process, a dictionary and some arithmetic. What was taken there
is told to Valkey in the background, every `SETTLE_SECONDS`, all keys in one round trip, and the bucket is then as empty
as the shared one. The price: between two such moments each process may let through what the others have taken already,
so a limit is exceeded by what the processes answer in a tenth of a second, once, and the debt is kept.

While Valkey is away each process goes on with its own buckets: the limit is then one for each process.
"""

import hashlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

SETTLE_SECONDS: Final = 0.1
AWAY_SECONDS: Final = 1.0
"""How long an unreachable Valkey is left alone before it is tried again."""
VALKEY_TIMEOUT_SECONDS: Final = 1.0
BUCKETS_MAX: Final = 10_000
WINDOW_SECONDS: Final = 60
_FORGET_MILLISECONDS: Final = 2 * WINDOW_SECONDS * 1_000
"""A bucket that was left alone for so long is full, however deep its debt was."""

_SETTLE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local limit, taken = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = limit
if state[1] then
  level = math.min(limit, tonumber(state[1]) + (now - tonumber(state[2])) * limit / tonumber(ARGV[3]))
end
level = math.max(-limit, level - taken)
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return string.format('%.6f', level)
"""


class Standing(NamedTuple):
    """Where a key stands after asking for a request."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    """Until the bucket is full again."""
    retry_after_ms: int
    """Until one request is allowed; 0 when it is now."""


class Taken(NamedTuple):
    """What a process took from a key's bucket since it last told."""

    name: str
    limit: int
    requests: int


class SharedBuckets(Protocol):
    """The buckets that all processes share."""

    def settle(self, taken: Sequence[Taken]) -> list[float]:
        """Take from the buckets and return how full each is now, below zero for a debt; raises redis.RedisError."""


class ValkeyBuckets:
    """Shared buckets in Valkey: one script for each key, all in one round trip, with the server's clock."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=VALKEY_TIMEOUT_SECONDS,
            socket_connect_timeout=VALKEY_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),  # For a pooled connection that a restarted server has forgotten.
        )

    def settle(self, taken: Sequence[Taken]) -> list[float]:
        """Take from the buckets and return how full each is now."""
        pipeline = self._client.pipeline(transaction=False)
        for name, limit, requests in taken:
            window = WINDOW_SECONDS * 1_000
            pipeline.eval(_SETTLE, 1, f"rate:{name}", limit, requests, window, _FORGET_MILLISECONDS)
        return [float(level) for level in pipeline.execute()]


class _Bucket:
    __slots__ = ("at", "level", "limit", "name", "untold")

    def __init__(self, name: str, limit: int, at: float) -> None:
        self.name = name
        self.limit = limit
        self.level = float(limit)
        self.at = at
        self.untold = 0

    def fill(self, now: float) -> None:
        self.level = min(self.limit, self.level + (now - self.at) * self.limit / WINDOW_SECONDS)
        self.at = now

    def standing(self, *, is_allowed: bool) -> Standing:
        seconds_each = WINDOW_SECONDS / self.limit
        return Standing(
            is_allowed=is_allowed,
            limit=self.limit,
            remaining=max(0, math.floor(self.level)),
            reset_seconds=math.ceil((self.limit - self.level) * seconds_each),
            retry_after_ms=0 if is_allowed else math.ceil((1 - self.level) * seconds_each * 1_000),
        )


class RateLimits:
    """The buckets of this process; `clock` gives seconds that never go back."""

    def __init__(self, shared: SharedBuckets, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._clock = clock
        self._buckets: dict[bytes, _Bucket] = {}
        self._lock = threading.Lock()
        self._is_away = False
        self.has_news = threading.Event()

    def know(self, key: str, *, name: str, limit: int) -> None:
        """Learn the limit of a key that was found valid just now; `name` is its public part, 0 is no limit."""
        hashed = _hash(key)
        with self._lock:
            bucket = self._buckets.get(hashed)
            if limit == 0:
                self._buckets.pop(hashed, None)
            elif bucket is None:
                if len(self._buckets) >= BUCKETS_MAX:
                    del self._buckets[next(iter(self._buckets))]
                self._buckets[hashed] = _Bucket(name, limit, self._clock())
            else:
                bucket.limit = limit
                bucket.level = min(bucket.level, limit)

    def take(self, key: str, *, is_answered: bool = False) -> Standing | None:
        """Take one request from a key's bucket; None when the key is not known here, or has no limit.

        A request that `is_answered` already is counted whatever is left: it was the one by which the key became known.
        """
        with self._lock:
            bucket = self._buckets.get(_hash(key))
            if bucket is None:
                return None
            bucket.fill(self._clock())
            is_allowed = is_answered or bucket.level >= 1
            if is_allowed:
                bucket.level -= 1
                bucket.untold += 1
            standing = bucket.standing(is_allowed=is_allowed)
        if is_allowed and not self.has_news.is_set():
            self.has_news.set()
        return standing

    def settle(self) -> bool:
        """Tell Valkey what was taken, and learn what the other processes took; False when Valkey is away."""
        self.has_news.clear()
        with self._lock:
            told = [bucket for bucket in self._buckets.values() if bucket.untold]
            taken = [Taken(bucket.name, bucket.limit, bucket.untold) for bucket in told]
            for bucket in told:
                bucket.untold = 0
        if not taken:
            return True
        try:
            levels = self._shared.settle(taken)
        except redis.RedisError as error:
            self._note_away(True, str(error))
            return False
        self._note_away(False, "")
        with self._lock:
            now = self._clock()
            for bucket, level in zip(told, levels, strict=True):
                bucket.fill(now)
                # The smaller counts: a Valkey that was emptied knows of nothing that was taken.
                bucket.level = min(bucket.level, level - bucket.untold)
        return True

    def _note_away(self, is_away: bool, reason: str) -> None:
        if is_away and not self._is_away:
            log.warning("rate limits are not shared: every process goes on with its own", reason=reason)
        elif self._is_away and not is_away:
            log.info("rate limits are shared again")
        self._is_away = is_away


class ProcessRateLimits(RateLimits):
    """Rate limits that a thread of their own settles, from the first request of a key on."""

    def __init__(self) -> None:
        super().__init__(ValkeyBuckets(settings.REDIS_URL))
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def know(self, key: str, *, name: str, limit: int) -> None:
        """Learn a key's limit; the first one starts the thread."""
        super().know(key, name=name, limit=limit)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._settle_forever, name="rate-limits", daemon=True)
                self._thread.start()

    def _settle_forever(self) -> None:
        while True:
            self.has_news.wait()
            time.sleep(SETTLE_SECONDS if self.settle() else AWAY_SECONDS)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
