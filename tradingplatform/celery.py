"""The Celery application: projection workers and beat."""

import os
import sys
import warnings

from celery import Celery
from celery.signals import after_task_publish, beat_init, setup_logging, task_postrun, worker_process_init
from django.db import close_old_connections

from eventstore.store import reset_store
from readmodels.pulse import BEAT, give_pulse

# In a container everything runs as root, and messages are JSON: there is nothing to warn of.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingplatform.settings")

app = Celery("tradingplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Celery closes Django's pool before and after every task: each then logs in to PostgreSQL twice and begins with cold
# caches there, which costs more than a round of projections. Here the pool has its connection back, as after a request.
app.conf.CELERY_DB_REUSE_MAX = sys.maxsize
task_postrun.connect(close_old_connections)


@setup_logging.connect
def _keep_structured_logs(**_: object) -> None:
    """Leave logging as the settings made it."""


@worker_process_init.connect
def _open_own_store(**_: object) -> None:
    """Forget what was opened before the fork: SQLite connections must not cross it."""
    reset_store()


@beat_init.connect
def _show_that_beat_works(**_: object) -> None:
    """Have beat give a sign of life with every message that the broker took."""
    after_task_publish.connect(_give_pulse_of_beat)


def _give_pulse_of_beat(**_: object) -> None:
    give_pulse(BEAT)
