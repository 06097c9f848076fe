"""Answers of the REST API, kept in Valkey by their entity tags.

A tag names the account, what is asked, the role of who asks, and the version that the account's rows stand on; it is
made from the database for every request, after the permission was checked. So what is found under a tag is never older
than what the database would say now: nothing has to be invalidated, and no lost message can leave anything stale.
Without Valkey every answer is made anew.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

T = TypeVar("T")

KEPT_SECONDS: Final = 60
"""An answer that nobody asks for again goes away."""

ANSWER_BYTES_MAX: Final = 256 * 1024
"""Larger answers are not kept."""

WAIT_SECONDS_MAX: Final = 0.05
"""How long Valkey may take: making an answer anew does not take longer."""

AWAY_SECONDS: Final = 5.0
"""How long Valkey is left alone after it did not answer."""


class KeptAnswers:
    """The answers of all web processes; a copy for each process, to be used from any thread."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=WAIT_SECONDS_MAX,
            socket_connect_timeout=WAIT_SECONDS_MAX,
            retry=Retry(NoBackoff(), 1),  # For a pooled connection that a restarted server has forgotten.
        )
        self._clock = clock
        self._away_until = 0.0

    def find(self, tag: str) -> bytes | None:
        """Return the answer with this tag, if it is kept."""
        body: Any = self._ask(lambda: self._client.get(_key(tag)))
        return body

    def keep(self, tag: str, body: bytes) -> None:
        """Keep an answer."""
        if len(body) <= ANSWER_BYTES_MAX:
            self._ask(lambda: self._client.set(_key(tag), body, ex=KEPT_SECONDS))

    def _ask(self, ask: Callable[[], T]) -> T | None:
        if self._clock() < self._away_until:
            return None
        try:
            return ask()
        except redis.RedisError as error:
            log.warning("answers not kept for a while", seconds=AWAY_SECONDS, reason=str(error))
            self._away_until = self._clock() + AWAY_SECONDS
            return None


@lru_cache(maxsize=1)
def kept_answers() -> KeptAnswers:
    """Return the kept answers of this process."""
    return KeptAnswers(settings.REDIS_URL)


def _key(tag: str) -> str:
    return f"answer:{tag}"
