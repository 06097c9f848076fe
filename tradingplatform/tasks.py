"""Celery tasks of the platform itself: what no app can do alone, because it needs the settings and the store."""

import time
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from celery import shared_task
from django.conf import settings

from accounts.actors import platform_actor
from accounts.application.envelope import Envelope, NotExecuted
from accounts.application.provider import get_bus
from accounts.domain.commands import ExpireOrder
from eventstore.audit.checkpointing import make_checkpoint
from eventstore.audit.signing_keys import former_public_keys, signing_key
from eventstore.provider import get_store
from readmodels.queries import day_orders_placed_before

log = structlog.get_logger(__name__)

EXPIRED_AT_ONCE_MAX: Final = 1_000
EXPIRY: Final = platform_actor("expiry")
"""Whose commands those are that the end of a trading day leads to."""


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


@shared_task(name="tradingplatform.expire_day_orders", ignore_result=True)
def expire_day_orders(**_: Any) -> int:
    """Expire DAY orders of earlier trading days (UTC); return how many commands were executed.

    The table only says which orders to ask for: whether one still works is the account's to say. A command's id is made
    from the order's, so that asking twice is asking once, and what failed is asked for again the next time.
    """
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    envelopes = [
        Envelope(account_id, f"expire-{order_id}", EXPIRY, ExpireOrder(order_id, "the trading day is over"))
        for account_id, order_id in day_orders_placed_before(midnight, limit=EXPIRED_AT_ONCE_MAX)
    ]
    results = get_bus().submit(envelopes) if envelopes else []
    for result in results:
        if isinstance(result, NotExecuted):
            log.warning("order not expired", account_id=result.account_id, code=result.code, reason=result.message)
    return sum(not isinstance(result, NotExecuted) for result in results)
