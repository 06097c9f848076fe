"""How many requests an API key may send: a token bucket for each key, shared by all web processes through Valkey.

A bucket holds a minute's worth of requests and fills up evenly: so a key may send that many at once, and from then on
its rate. A request only ever asks the bucket of its own process, a dictionary and some arithmetic. What was taken there
is sent to Valkey in the background, every `SYNC_SECONDS`, all keys in one round trip, and the bucket is then as empty
as the shared one. The price: between two such moments each process may let through what the others have taken already,
so a limit is exceeded by what the processes answer in a tenth of a second, once, and the debt is kept.

While Valkey is away each process goes on with its own buckets: the limit is then one for each process.

`hold_to_rate_limits` is Django's middleware, for REST and GraphQL alike. A request without an API key passes with one
look at its headers. A key becomes known when it is found valid, so the first request of a key in a process is counted
after it was answered; what is no valid key is refused by whoever authenticates it and has no limit to show.
"""

import math
import threading
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

import redis
import structlog
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from redis.backoff import NoBackoff
from redis.retry import Retry

from edge.problems import Problem
from identity.api_keys import bearer_key, key_digest

log = structlog.get_logger(__name__)

SYNC_SECONDS: Final = 0.1
AWAY_SECONDS: Final = 1.0
"""How long an unreachable Valkey is left alone before it is tried again."""
VALKEY_TIMEOUT_SECONDS: Final = 1.0
BUCKETS_MAX: Final = 10_000
WINDOW_SECONDS: Final = 60
_FORGET_MILLISECONDS: Final = 2 * WINDOW_SECONDS * 1_000
"""A bucket that was left alone for so long is full, however deep its debt was."""

_TAKE: Final = """
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


class RateLimitState(NamedTuple):
    """The state of a key's limit after a request was asked for."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    """Until the bucket is full again."""
    retry_after_ms: int
    """Until one request is allowed; 0 when it is now."""


class Taken(NamedTuple):
    """What a process took from a key's bucket since it last synced."""

    name: str
    limit: int
    requests: int


class ValkeyBuckets:
    """Shared buckets in Valkey: one script for each key, all in one round trip, with the server's clock."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=VALKEY_TIMEOUT_SECONDS,
            socket_connect_timeout=VALKEY_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),  # For a pooled connection that a restarted server has forgotten.
        )

    def sync(self, taken: list[Taken]) -> list[float]:
        """Take from the buckets and return how full each is now, below zero for a debt; raises redis.RedisError."""
        pipeline = self._client.pipeline(transaction=False)
        for name, limit, requests in taken:
            window = WINDOW_SECONDS * 1_000
            pipeline.eval(_TAKE, 1, f"rate:{name}", limit, requests, window, _FORGET_MILLISECONDS)
        return [float(level) for level in pipeline.execute()]


class _Bucket:
    __slots__ = ("at", "level", "limit", "name", "unsent")

    def __init__(self, name: str, limit: int, at: float) -> None:
        self.name = name
        self.limit = limit
        self.level = float(limit)
        self.at = at
        self.unsent = 0

    def fill(self, now: float) -> None:
        self.level = min(self.limit, self.level + (now - self.at) * self.limit / WINDOW_SECONDS)
        self.at = now

    def state(self, *, is_allowed: bool) -> RateLimitState:
        seconds_each = WINDOW_SECONDS / self.limit
        return RateLimitState(
            is_allowed=is_allowed,
            limit=self.limit,
            remaining=max(0, math.floor(self.level)),
            reset_seconds=math.ceil((self.limit - self.level) * seconds_each),
            retry_after_ms=0 if is_allowed else math.ceil((1 - self.level) * seconds_each * 1_000),
        )


class RateLimits:
    """The buckets of this process; `clock` gives seconds that never go back."""

    def __init__(self, shared: ValkeyBuckets, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._clock = clock
        self._buckets: dict[bytes, _Bucket] = {}
        self._lock = threading.Lock()
        self._is_away = False
        self.has_news = threading.Event()

    def know(self, key: str, *, name: str, limit: int) -> None:
        """Learn the limit of a key that was found valid just now; `name` is its public part, 0 is no limit."""
        hashed = key_digest(key)
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

    def take(self, key: str, *, is_answered: bool = False) -> RateLimitState | None:
        """Take one request from a key's bucket; None when the key is not known here, or has no limit.

        A request that `is_answered` already is counted whatever is left: it was the one by which the key became known.
        """
        with self._lock:
            bucket = self._buckets.get(key_digest(key))
            if bucket is None:
                return None
            bucket.fill(self._clock())
            is_allowed = is_answered or bucket.level >= 1
            if is_allowed:
                bucket.level -= 1
                bucket.unsent += 1
            state = bucket.state(is_allowed=is_allowed)
        if is_allowed and not self.has_news.is_set():
            self.has_news.set()
        return state

    def sync(self) -> bool:
        """Tell Valkey what was taken, and learn what the other processes took; False when Valkey is away."""
        self.has_news.clear()
        with self._lock:
            sent = [bucket for bucket in self._buckets.values() if bucket.unsent]
            taken = [Taken(bucket.name, bucket.limit, bucket.unsent) for bucket in sent]
            for bucket in sent:
                bucket.unsent = 0
        if not taken:
            return True
        try:
            levels = self._shared.sync(taken)
        except redis.RedisError as error:
            self._note_away(True, str(error))
            return False
        self._note_away(False, "")
        with self._lock:
            now = self._clock()
            for bucket, level in zip(sent, levels, strict=True):
                bucket.fill(now)
                # The smaller counts: a Valkey that was emptied knows of nothing that was taken.
                bucket.level = min(bucket.level, level - bucket.unsent)
        return True

    def sync_forever(self) -> None:
        """Share what is taken with the other processes, as long as this one runs."""
        while True:
            self.has_news.wait()
            time.sleep(SYNC_SECONDS if self.sync() else AWAY_SECONDS)

    def _note_away(self, is_away: bool, reason: str) -> None:
        if is_away and not self._is_away:
            log.warning("rate limits are not shared: every process goes on with its own", reason=reason)
        elif self._is_away and not is_away:
            log.info("rate limits are shared again")
        self._is_away = is_away


@lru_cache(maxsize=1)
def rate_limits() -> RateLimits:
    """Return the rate limits of this process, which a thread of their own shares with the others."""
    limits = RateLimits(ValkeyBuckets(settings.REDIS_URL))
    threading.Thread(target=limits.sync_forever, name="rate-limits", daemon=True).start()
    return limits


@sync_and_async_middleware
def hold_to_rate_limits(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Return the middleware; under an asynchronous server it costs no thread."""
    if iscoroutinefunction(get_response):
        answer = cast(Callable[[HttpRequest], Awaitable[HttpResponseBase]], get_response)

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            key = bearer_key(request.META.get("HTTP_AUTHORIZATION", ""))
            if key is None:
                return await answer(request)
            state = rate_limits().take(key)
            if state is not None and not state.is_allowed:
                return _refusal(request, state)
            return _with_headers(await answer(request), key, state)

        return middleware

    def middleware_without_loop(request: HttpRequest) -> HttpResponseBase:
        key = bearer_key(request.META.get("HTTP_AUTHORIZATION", ""))
        state = None if key is None else rate_limits().take(key)
        if state is not None and not state.is_allowed:
            return _refusal(request, state)
        response: HttpResponseBase = get_response(request)
        return response if key is None else _with_headers(response, key, state)

    return middleware_without_loop


def _with_headers(response: HttpResponseBase, key: str, state: RateLimitState | None) -> HttpResponseBase:
    if state is None:
        state = rate_limits().take(key, is_answered=True)
    if state is not None:
        response.headers["X-RateLimit-Limit"] = str(state.limit)
        response.headers["X-RateLimit-Remaining"] = str(state.remaining)
        response.headers["X-RateLimit-Reset"] = str(state.reset_seconds)
    return response


def _refusal(request: HttpRequest, state: RateLimitState) -> HttpResponseBase:
    message = f"this API key may send {state.limit:,} requests a minute: wait {state.retry_after_ms:,} ms"
    problem = Problem(429, "RATE_LIMITED", message, {"retry_after_ms": state.retry_after_ms})
    body, content_type = problem.body(request.path_info)
    response = HttpResponse(body, status=problem.status, content_type=content_type)
    response.headers["Retry-After"] = str(math.ceil(state.retry_after_ms / 1_000))
    return _with_headers(response, "", state)
