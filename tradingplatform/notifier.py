"""Wakes the projections after commits: one Celery message for any number of commits, sent from a thread of its own.

A hint and nothing more: it may be lost, doubled or late, since projections pull from their checkpoints and a beat
sweeps.
"""

import threading
import time

import structlog

import tradingplatform.celery  # noqa: F401 - tasks are sent through the platform's own application.
from accounts.writer.limits import NOTIFY_PAUSE_SECONDS, NOTIFYING_SHARE_MAX
from readmodels.tasks import send_hint

log = structlog.get_logger(__name__)


class CeleryNotifier:
    """Implements accounts.writer.bus.ports.Notifier."""

    def __init__(self) -> None:
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    def committed(self) -> None:
        """Note that there is something to project, and return at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
            self._thread.start()
        self._news.set()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._news.wait()
            self._news.clear()
            started = time.thread_time()
            try:
                send_hint()
            except Exception as error:  # The broker is away; the sweep finds the events when it is back.
                log.warning("projections not notified", reason=str(error))
                pause.wait(1)
            # The thread shares the interpreter with the writer: it may take so much of its time, and no more. Waiting
            # for the broker, or for the writer itself, takes none.
            sending_seconds = time.thread_time() - started
            pause.wait(max(NOTIFY_PAUSE_SECONDS, sending_seconds / NOTIFYING_SHARE_MAX))
