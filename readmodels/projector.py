"""The projector: takes batches past the checkpoints of partitions, writes the rows and the checkpoints in one
transaction.

Idempotent and ordered: a batch that is delivered twice, or a worker that dies anywhere, changes nothing in the result.
A hole or an altered batch stops the partition and says so. An event that cannot be projected goes to the dead letters,
and so do the later events of its account, in order; all other accounts go on.

Several partitions go together, plain trades and refusals as columns (`plain_writes.py`), all else event by event
(`event_writes.py`). When anything at all goes wrong with that, nothing of it is kept, and each partition is projected
alone, event by event. What goes wrong with one then, whatever it is, stops that one and says so.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction

from eventstore.column_batches import ColumnBatch
from eventstore.errors import EventStoreError
from eventstore.provider import get_store
from eventstore.record import Batch, Commit
from readmodels import locks, plain_writes, tables
from readmodels.event_writes import write_commits
from readmodels.models import DeadLetter, ProjectionCheckpoint
from readmodels.projections import account_summary
from readmodels.projections.changes import Changes, VersionSkipped
from readmodels.projections.plain_trades import Sorted, accounts_among, of_accounts, sort_out

log = structlog.get_logger(__name__)

EVENTS_AT_ONCE_MAX: Final = 24_000
"""Events of a round; the more there are, the more of them share a row that is replaced. It takes under a second."""
BATCHES_AT_ONCE_MAX: Final = 256
BATCHES_READ_MAX: Final = 16
PARTITIONS_AT_ONCE_MAX: Final = 8
"""Partitions of a round; the others are left to other workers, or to the next round."""


class Projected(NamedTuple):
    """What one round did: the changes to tell others about, and whether there may be more to do. `plain` are those that
    nobody has put into words yet (followed.py).
    """

    changes: tuple[Changes, ...]
    event_count: int
    may_have_more: bool
    plain: Sorted | None = None


NOTHING: Final = Projected((), 0, False)


def project_partition(partition: int, *, to_seq: int | None = None) -> Projected:
    """Project the next events of a partition, to its end or to batch `to_seq`; does nothing when another worker is at
    it, or while a rebuild lets nobody write.
    """
    return project_together([partition], to_seq=to_seq)[0]


def project_together(partitions: Sequence[int], *, to_seq: int | None = None) -> list[Projected]:
    """Project the next events of several partitions, those that no other worker is at, as `project_partition` does."""
    try:
        with transaction.atomic():
            return [_project_in_columns(partitions, to_seq)]
    except Exception as error:  # Whatever it was: the way that isolates it is the slow one.
        if _is_connection_lost():
            raise
        log.error("partitions not projected together; projecting each alone", partitions=partitions, exc_info=error)
    return [_project_or_stop(partition, to_seq) for partition in partitions]


def _project_in_columns(partitions: Sequence[int], to_seq: int | None) -> Projected:
    checkpoints = _locked_checkpoints(partitions) if locks.may_project() else []
    batches: list[ColumnBatch] = []
    for checkpoint in checkpoints:
        try:
            own = _next_in_columns(checkpoint, to_seq, EVENTS_AT_ONCE_MAX // len(checkpoints) or 1)
        except EventStoreError as error:
            _stop(checkpoint, error)
            continue
        if own:
            checkpoint.seq, checkpoint.stopped_because = own[-1].seq, ""
            batches += own
    if not batches:
        return NOTHING
    standing = _standing(accounts_among(batches))
    found = sort_out(batches, standing.versions)
    changes = write_batches(of_accounts(batches, found.other_accounts)) if found.other_accounts else []
    if found.versions:
        plain_writes.write(found, standing)
    _move_checkpoints(checkpoints)
    return Projected(tuple(changes), sum(batch.event_count for batch in batches), True, found)


def _standing(keys: set[bytes]) -> plain_writes.Standing:
    """Return the accounts whose trades and refusals can be taken as columns."""
    standing = plain_writes.standing_accounts(list(keys))
    if DeadLetter.objects.exists():
        for account_id in held_accounts(str(UUID(bytes=key)) for key in keys):
            standing.versions.pop(UUID(account_id).bytes, None)
    return standing


def _move_checkpoints(checkpoints: Sequence[ProjectionCheckpoint]) -> None:
    ProjectionCheckpoint.objects.bulk_update(checkpoints, ["seq", "stopped_because"])


def _project_or_stop(partition: int, to_seq: int | None) -> Projected:
    """Project a partition alone; when even that fails, the others after it must not wait for it for ever."""
    try:
        return project_alone(partition, to_seq=to_seq)
    except Exception as error:
        if _is_connection_lost():
            raise
        with transaction.atomic():
            checkpoint = _locked_checkpoint(partition)
            if checkpoint is not None:
                _stop(checkpoint, error)
        return NOTHING


def project_alone(partition: int, *, to_seq: int | None = None) -> Projected:
    """Project the next events of one partition, event by event."""
    with transaction.atomic():
        checkpoint = _locked_checkpoint(partition) if locks.may_project() else None
        if checkpoint is None:
            return NOTHING
        try:
            batches = _next_batches(partition, checkpoint.seq, to_seq)
            changes = write_batches(batches)
        except (EventStoreError, VersionSkipped) as error:
            _stop(checkpoint, error)
            return NOTHING
        if not batches:
            return NOTHING
        checkpoint.seq, checkpoint.stopped_because = batches[-1].seq, ""
        checkpoint.save(update_fields=["seq", "stopped_because"])
    return Projected(tuple(changes), sum(batch.event_count for batch in batches), True)


def write_batches(batches: Sequence[Batch]) -> list[Changes]:
    """Write the rows of batches, in a transaction of the caller; accounts with a poison event are set aside."""
    held = held_accounts(commit.aggregate_id for batch in batches for commit in batch.commits)
    commits = [commit for batch in batches for commit in batch.commits if commit.aggregate_id not in held]
    try:
        with transaction.atomic():
            changes = [write_commits(commits)]
    except VersionSkipped:
        raise
    except Exception as error:  # Whatever one event raises must not stop the other accounts.
        if _is_connection_lost():
            raise
        log.error("batch not projected as a whole; projecting account by account", exc_info=error)
        changes, poisoned = _write_account_by_account(commits)
        held |= poisoned
    _set_aside(batches, held)
    return changes


def held_accounts(account_ids: Any) -> dict[str, str]:
    """Return which of these accounts have dead letters; their later events have to wait."""
    found = DeadLetter.objects.filter(account_id__in=set(account_ids)).values_list("account_id", flat=True)
    return {str(account_id): "" for account_id in found}


def _locked_checkpoint(partition: int) -> ProjectionCheckpoint | None:
    return next(iter(_locked_checkpoints([partition])), None)


def _locked_checkpoints(partitions: Iterable[int]) -> list[ProjectionCheckpoint]:
    """Lock the checkpoints of partitions, but for those that another worker has locked."""
    rows = ProjectionCheckpoint.objects.select_for_update(skip_locked=True).order_by("partition")
    wanted = set(partitions)
    if ProjectionCheckpoint.objects.filter(partition__in=wanted).count() < len(wanted):
        new = [ProjectionCheckpoint(partition=partition, seq=0) for partition in wanted]
        ProjectionCheckpoint.objects.bulk_create(new, ignore_conflicts=True)
    return list(rows.filter(partition__in=wanted))


def _next_in_columns(checkpoint: ProjectionCheckpoint, to_seq: int | None, events_max: int) -> list[ColumnBatch]:
    store, after_seq = get_store(), checkpoint.seq
    batches: list[ColumnBatch] = []
    event_count = 0
    while event_count < events_max and len(batches) < BATCHES_AT_ONCE_MAX:
        limit = BATCHES_READ_MAX if to_seq is None else min(BATCHES_READ_MAX, to_seq - after_seq)
        read = (
            store.read_column_batches(partition=checkpoint.partition, after_seq=after_seq, limit=limit)
            if limit > 0
            else []
        )
        batches += read
        if len(read) < limit or not read:
            break
        after_seq = read[-1].seq
        event_count += sum(batch.event_count for batch in read)
    return batches


def _next_batches(partition: int, after_seq: int, to_seq: int | None) -> list[Batch]:
    store = get_store()
    batches: list[Batch] = []
    event_count = 0
    while event_count < EVENTS_AT_ONCE_MAX and len(batches) < BATCHES_AT_ONCE_MAX:
        limit = BATCHES_READ_MAX if to_seq is None else min(BATCHES_READ_MAX, to_seq - after_seq)
        read = store.read_batches(partition=partition, after_seq=after_seq, limit=limit) if limit > 0 else []
        if not read:
            break
        batches += read
        after_seq = read[-1].seq
        event_count += sum(batch.event_count for batch in read)
    return batches


def _stop(checkpoint: ProjectionCheckpoint, error: Exception) -> None:
    reason = str(error) if isinstance(error, EventStoreError | VersionSkipped) else f"{type(error).__name__}: {error}"
    if checkpoint.stopped_because != reason:
        log.error("projection stopped", partition=checkpoint.partition, seq=checkpoint.seq, reason=reason)
        checkpoint.stopped_because = reason
        checkpoint.save(update_fields=["stopped_because"])


def _write_account_by_account(commits: Sequence[Commit[Any]]) -> tuple[list[Changes], dict[str, str]]:
    by_account: dict[str, list[Commit[Any]]] = {}
    for commit in commits:
        by_account.setdefault(commit.aggregate_id, []).append(commit)
    written: list[Changes] = []
    poisoned: dict[str, str] = {}
    for account_id, own in by_account.items():
        for commit in own:
            try:
                with transaction.atomic():
                    written.append(write_commits([commit]))
            except VersionSkipped:
                raise
            except Exception as error:
                if _is_connection_lost():
                    raise
                poisoned[account_id] = f"{type(error).__name__}: {error}"
                log.error("event set aside", account_id=account_id, version=commit.first_version, exc_info=error)
                break
    return written, poisoned


def _set_aside(batches: Sequence[Batch], held: dict[str, str]) -> None:
    """Keep the events of held accounts that are not in the tables as dead letters, the first with its error."""
    if not held:
        return
    rows = tables.read_rows(table=account_summary.TABLE, column="account_id", values=list(held))
    versions = {str(row["account_id"]): row["version"] for row in rows}
    letters: list[DeadLetter] = []
    for batch in batches:
        for commit in batch.commits:
            if commit.aggregate_id not in held:
                continue
            for index, event in enumerate(commit.events):
                version = commit.first_version + index
                if version <= versions.get(commit.aggregate_id, 0):
                    continue
                letters.append(
                    DeadLetter(
                        account_id=commit.aggregate_id,
                        version=version,
                        partition=batch.partition,
                        seq=batch.seq,
                        event_type=type(event).__name__,
                        error=held[commit.aggregate_id],
                    )
                )
                held[commit.aggregate_id] = ""
    DeadLetter.objects.bulk_create(letters, ignore_conflicts=True)


def _is_connection_lost() -> bool:
    return connection.connection is None or connection.connection.closed
