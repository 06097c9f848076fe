"""manage.py run_back_office: the process that applies corporate actions and marks accounts at each close."""

import signal
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand

from tradingplatform.corporate_actions.office import PAUSE_SECONDS, BackOffice

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = (
        "Apply announced corporate actions on their day, and mark every account at each session's close, until SIGTERM "
        "or SIGINT. What was begun is gone on with at the next start."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Look once a second."""
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        office = BackOffice(is_stopped=stopped.is_set)
        log.info("back office ready")
        while not stopped.wait(PAUSE_SECONDS):
            office.look()
