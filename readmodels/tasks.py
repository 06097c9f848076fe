"""Celery tasks of the projections. A message only says that there may be something: the work is found by
checkpoints.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from celery import shared_task
from django.core.cache import cache
from django.db import InterfaceError, OperationalError
from redis.exceptions import RedisError

from eventstore.store import get_store
from readmodels.live.push import publish
from readmodels.live.subscriptions import deltas_to_publish
from readmodels.models import ProjectionCheckpoint
from readmodels.projector.projector import BATCHES_READ_MAX, PARTITIONS_AT_ONCE_MAX, project_together
from readmodels.projector.stored_rows import ACCOUNTS_AT_ONCE_MAX, follow_aged
from readmodels.pulse import PROJECTOR, give_pulse

log = structlog.get_logger(__name__)

ROUNDS_MAX: Final = 50
HINT_EXPIRES_SECONDS: Final = 10
HINT_PENDING_SECONDS: Final = 1
"""How long a hint that got lost keeps others from being sent; the sweep is not slower."""
_HINT: Final = "readmodels.hint"
GATHER_SECONDS_MIN: Final = 0.02
GATHER_SECONDS_MAX: Final = 0.05
GATHER_SECONDS_PER_EVENT: Final = 1e-5
"""How long a worker lets events gather while many come in: a round costs some milliseconds however few it takes, and
the rows that it replaces are shared by more of them.
"""
LARGE_ROUND_EVENTS: Final = 3_000
"""Rounds of so many events say that the machine has enough to do; some 30,000 events a second make such rounds here."""
GATHERED_EVENTS_MIN: Final = 64
GATHERED_EVENTS_MAX: Final = 20_000
"""Between so many and so many events of a round. Fewer are not worth waiting for, more say that it is behind."""


@shared_task(name="readmodels.project", expires=HINT_EXPIRES_SECONDS, ignore_result=True)
def project(**_: Any) -> int:
    """Project until nothing is left, or the bound on rounds is reached; return how many events were projected.

    When the database does not answer, nothing is lost: the next sweep, a second later, starts at the checkpoints.
    """
    forget_hint()
    total = 0
    with _no_garbage_looked_for():
        for _round in range(ROUNDS_MAX):
            give_pulse(PROJECTOR)
            try:
                count = project_once()
                followed = follow_aged(is_under_load=count >= LARGE_ROUND_EVENTS)
            except (OperationalError, InterfaceError) as error:
                log.warning("projections wait for the database", reason=str(error).strip())
                return total
            total += count
            if count == 0 and followed < ACCOUNTS_AT_ONCE_MAX:
                return total
            if GATHERED_EVENTS_MIN <= count < GATHERED_EVENTS_MAX:
                time.sleep(min(max(GATHER_SECONDS_MIN, count * GATHER_SECONDS_PER_EVENT), GATHER_SECONDS_MAX))
    project.apply_async()
    return total


def send_hint() -> None:
    """Say that there may be something to project, unless that was said and no worker has heard it yet.

    Under load there is news every few milliseconds: the messages would cost more than the rounds that they ask for.
    """
    if cache.add(_HINT, 1, timeout=HINT_PENDING_SECONDS):
        project.apply_async(retry=False)


def forget_hint() -> None:
    """Let the next hint be sent. Before looking for what there is, so that nothing comes between unseen."""
    try:
        cache.delete(_HINT)
    except RedisError as error:  # It ends by itself.
        log.warning("a hint not forgotten", reason=str(error))


@contextmanager
def _no_garbage_looked_for() -> Iterator[None]:
    """Rounds make long lists that die by themselves; looking through them for cycles costs a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def project_once() -> int:
    """Project the next events of every partition that is behind; return how many there were.

    All of them together while few batches wait, as a round has its fixed cost; else in parts, which workers share.
    """
    total = 0
    behind = batches_behind()
    partitions = list(behind)
    is_far_behind = sum(behind.values()) > BATCHES_READ_MAX * len(behind)
    at_once = PARTITIONS_AT_ONCE_MAX if is_far_behind else len(behind)
    for start in range(0, len(behind), at_once or 1):
        for projected in project_together(partitions[start : start + at_once]):
            publish(deltas_to_publish(projected.written))
            total += projected.event_count
    return total


def batches_behind() -> dict[int, int]:
    """Return the partitions whose newest batch is not projected yet, and how many of their batches are not."""
    seqs = dict(ProjectionCheckpoint.objects.values_list("partition", "seq"))
    behind = {partition: seq - seqs.get(partition, 0) for partition, seq in get_store().heads().items()}
    return {partition: count for partition, count in behind.items() if count > 0}
