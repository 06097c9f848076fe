"""Celery tasks of the platform itself: what no app can do alone, because it needs the settings and the store."""

import time
from datetime import UTC, datetime
from typing import Any

from celery import shared_task
from django.conf import settings

from accounts.writer.bus.ports import get_bus
from eventstore.audit.checkpointing import make_checkpoint
from eventstore.audit.signing_keys import former_public_keys, signing_key
from eventstore.store import get_store
from tradingplatform import expiry


@shared_task(name="tradingplatform.sign_checkpoint", ignore_result=True)
def sign_checkpoint(**_: Any) -> int:
    """Sign a checkpoint when the journal has grown since the newest; return its number, 0 when there is nothing new.

    Workers that run it at once make one: who is late finds nothing new.
    """
    path = settings.EVENT_STORE_SIGNING_KEY
    made = make_checkpoint(
        get_store(),
        key=signing_key(path),
        former_keys=former_public_keys(path),
        now=time.time_ns() // 1_000,
        only_if_new=True,
    )
    return 0 if made is None else made.statement.number


@shared_task(name="tradingplatform.expire_orders", ignore_result=True)
def expire_orders(**_: Any) -> int:
    """End the orders whose time is over (expiry.py); return how many were ended."""
    return expiry.expire_orders(get_bus(), now=datetime.now(UTC))
