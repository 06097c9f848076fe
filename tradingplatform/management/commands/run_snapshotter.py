"""manage.py run_snapshotter: the process that turns the journal's tail into pages."""

import signal
import threading
import time
from typing import Any, Final

import structlog
from django.core.management.base import BaseCommand, CommandError

from eventstore.errors import EventStoreError, OutcomeUnknown, StoreUnavailable
from tradingplatform.bootstrap import make_snapshotter

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5.0


class Command(BaseCommand):
    help = (
        "Turn the journal's tail into pages: they make a start after a crash and a look into the past fast. Nothing "
        "is lost when it does not run; Ctrl-C stops it."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Look for due pages until a signal arrives; wait and go on when the storage is away."""
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        try:
            snapshotter = make_snapshotter()
            log.info("snapshotter ready")
            told: dict[int, str] = {}
            while not stopped.is_set():
                pause = PAUSE_SECONDS
                try:
                    pages = snapshotter.run(now=time.time_ns() // 1_000)
                    if pages:
                        log.info("pages written", pages=pages)
                    reasons = {partition: str(error) for partition, error in snapshotter.stopped.items()}
                    for partition in reasons.keys() - told.keys():
                        log.error("no pages of this partition", partition=partition, reason=reasons[partition])
                    told = reasons
                except (StoreUnavailable, OutcomeUnknown) as error:
                    log.warning("pages wait", reason=str(error))
                    pause = RETRY_SECONDS
                stopped.wait(pause)
        except EventStoreError as error:
            raise CommandError(f"no pages are written any more: {error}") from error
