"""Signs of life of processes that nobody can ask, in the cache: who does its work gives one, a second at most.

A sign is kept for `KEPT_SECONDS`, so how old it is follows from how long it is still kept, by the server's own clock.
It is a courtesy: without the server none is given, and nothing waits for it.
"""

import time
from typing import Final

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

PROJECTOR: Final = "readmodels.pulse.projector"
BEAT: Final = "readmodels.pulse.beat"
PAUSE_SECONDS: Final = 1.0
KEPT_SECONDS: Final = 3_600

_given_at: dict[str, float] = {}


def give_pulse(name: str) -> None:
    """Say that the process of this name does its work."""
    now = time.monotonic()
    if now - _given_at.get(name, float("-inf")) < PAUSE_SECONDS:
        return
    _given_at[name] = now
    try:
        cache.set(name, 1, timeout=KEPT_SECONDS)
    except RedisError as error:
        log.warning("a sign of life not given", of=name, reason=str(error))
