"""Trying again to project what was set aside: an account's dead letters, in order of version, all or nothing."""

from typing import Any

from django.db import transaction

from eventstore.provider import get_store
from eventstore.record import Commit
from readmodels import locks
from readmodels.event_writes import write_commits
from readmodels.models import DeadLetter, ProjectionCheckpoint
from readmodels.projections.changes import Changes


def retry_account(account_id: str) -> Changes:
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
        return write_commits([commit for place in places for commit in _commits(account_id, *place)])


def _commits(account_id: str, partition: int, seq: int) -> list[Commit[Any]]:
    (batch,) = get_store().read_batches(partition=partition, after_seq=seq - 1, limit=1)
    return [commit for commit in batch.commits if commit.aggregate_id == account_id]
