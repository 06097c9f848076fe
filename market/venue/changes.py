"""The one way to stop and to start the venue: a row in a log that is only ever added to, with who and why.

The state is what the last row says, so it survives every process. Who stops or starts waits for those who do the same
at that time, so that the rows are in the order of their commits.
"""

from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from market.instruments.changes import check_reason
from market.models import VenueChange
from market.venue.state import LATEST_CHANGE_SQL, RUNNING, VenueState

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('market_venuechange'))"


def set_stopped(*, is_stopped: bool, actor: str, reason: str) -> bool:
    """Stop or start the venue; False when it was that already and nothing was recorded. Raises InvalidReason."""
    checked_reason = check_reason(reason)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        if stored_state().is_stopped == is_stopped:
            return False
        VenueChange.objects.create(is_stopped=is_stopped, at=timezone.now(), actor=actor, reason=checked_reason)
    return True


def stored_state() -> VenueState:
    """Return the state as the database has it now."""
    with connection.cursor() as cursor:
        cursor.execute(LATEST_CHANGE_SQL)
        row = cursor.fetchone()
    return RUNNING if row is None else VenueState(*row)
