"""A run of the kill switch with its record: begun before anything is cancelled, closed when it is over.

Every way in comes through here, so none is left out of the history. What keeps the record from being written later on
is logged and does not stop the run: to end the orders comes first.
"""

from collections.abc import Callable
from typing import Any, Final

import structlog
from django.db import Error
from django.utils import timezone

from accounts.writer.bus.ports import Bus
from readmodels.queries.queries import OrderScope
from tradingplatform.kill_switch.cancelling import Cancelled, cancel_working_orders
from tradingplatform.kill_switch.models import KillSwitchRun

log = structlog.get_logger(__name__)

ERROR_LENGTH_MAX: Final = 500


def begin_run(*, scope: OrderScope, whose: str, actor: str, reason: str) -> KillSwitchRun:
    """Record that a run begins; `whose` says for people what its scope is."""
    now = timezone.now()
    return KillSwitchRun.objects.create(
        started_at=now,
        heard_at=now,
        actor=actor,
        reason=reason,
        whose=whose,
        account_ids=None if scope.account_ids is None else list(scope.account_ids),
    )


def run_recorded(
    run: KillSwitchRun,
    bus: Bus,
    *,
    scope: OrderScope,
    until: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Cancelled:
    """Cancel every order that works in a scope, and record what comes of it."""

    def note(asked: int) -> None:
        _update(run, asked=asked)
        progress(asked)

    try:
        done = cancel_working_orders(bus, scope=scope, actor=run.actor, reason=run.reason, until=until, progress=note)
    except BaseException as error:  # It is raised again; an interrupt on the command line is recorded as well.
        _update(run, finished_at=timezone.now(), error=f"{type(error).__name__}: {error}"[:ERROR_LENGTH_MAX])
        raise
    _update(run, finished_at=timezone.now(), **done._asdict())
    return done


def refuse_run(run: KillSwitchRun, error: str) -> None:
    """Record that a run was not begun after all."""
    _update(run, finished_at=timezone.now(), error=error)


def _update(run: KillSwitchRun, **fields: Any) -> None:
    try:
        KillSwitchRun.objects.filter(pk=run.pk).update(heard_at=timezone.now(), **fields)
    except Error as error:
        log.warning("a run of the kill switch is not recorded", run=run.pk, reason=str(error))
