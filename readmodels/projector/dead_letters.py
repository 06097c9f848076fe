"""Trying again to project what was set aside: an account's dead letters, in order of version, all or nothing."""

from uuid import UUID

import numpy as np
from django.db import transaction

from eventstore.columns.batches import EventColumns, join
from eventstore.provider import get_store
from readmodels.models import DeadLetter, ProjectionCheckpoint
from readmodels.projector import locks
from readmodels.projector.writes import Written, write


def retry_account(account_id: str) -> Written:
    """Project an account's dead letters and forget them; raises what the projection raises, and changes nothing
    then.
    """
    letters = DeadLetter.objects.filter(account_id=account_id).order_by("version")
    places = sorted({(letter.partition, letter.seq) for letter in letters})
    with transaction.atomic():
        locks.wait_to_project()
        for partition in {partition for partition, _ in places}:
            # The projector of this partition waits: it must not set aside more of the account meanwhile.
            ProjectionCheckpoint.objects.select_for_update().get(partition=partition)
        letters.delete()
        return write(_events_of(account_id, places))


def _events_of(account_id: str, places: list[tuple[int, int]]) -> EventColumns:
    read = get_store().read_column_batches
    batches = [read(partition=partition, after_seq=seq - 1, limit=1) for partition, seq in places]
    events = join([batch for (batch,) in batches])
    is_own = (events.aggregate_keys == np.frombuffer(UUID(account_id).bytes, np.uint8)).all(axis=1)
    return events.of_commits(np.flatnonzero(is_own[events.aggregate_numbers]))
