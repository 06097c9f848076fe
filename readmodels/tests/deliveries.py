"""Deliveries of a journal to the projector, for the proofs: any order, size and repetition, and a failure at any
statement that a round sends to PostgreSQL.
"""

import contextlib
from collections.abc import Iterator
from unittest.mock import patch

from django.db import connection

from readmodels.models import ProjectionCheckpoint
from readmodels.projector import projector, tables


class Crash(BaseException):
    """The process dies here: not an Exception, so nothing handles it."""


@contextlib.contextmanager
def crashing_at(number: int) -> Iterator[list[int]]:
    """Die before statement `number` (1 is the first) of what runs inside; yields a list that counts the statements."""
    sent: list[int] = []

    def count() -> None:
        sent.append(1)
        if len(sent) == number:
            raise Crash

    def counted(execute, query, parameters, *rest):
        count()
        return execute(query, parameters, *rest)

    def counting(original):
        def run(*arguments, **more):
            count()
            return original(*arguments, **more)

        return run

    with contextlib.ExitStack() as patched:
        patched.enter_context(connection.execute_wrapper(counted))
        for name in ("copy_binary", "execute", "fetch"):
            patched.enter_context(patch.object(tables, name, counting(getattr(tables, name))))
        yield sent


def deliver(partitions: list[int], *, events_max: int, batches_max: int, crash_at: int = 0, back_to: int = -1) -> None:
    """Deliver once to some partitions together; afterwards their checkpoints may be put back to batch `back_to`."""
    limits = {"EVENTS_AT_ONCE_MAX": events_max, "BATCHES_AT_ONCE_MAX": batches_max, "BATCHES_READ_MAX": batches_max}
    with contextlib.ExitStack() as inside:
        for name, value in limits.items():
            inside.enter_context(patch.object(projector, name, value))
        inside.enter_context(contextlib.suppress(Crash))
        inside.enter_context(crashing_at(crash_at))
        projector.project_together(partitions)
    if back_to >= 0:
        ProjectionCheckpoint.objects.filter(partition__in=partitions, seq__gt=back_to).update(seq=back_to)
