"""The projector: takes batches past the checkpoints of partitions, writes the rows and the checkpoints in one
transaction.

Idempotent and ordered: a batch that is delivered twice, or a worker that dies anywhere, changes nothing in the result.
A hole or an altered batch stops the partition and says so. An event that cannot be projected goes to the dead letters,
and so do the later events of its account, in order; all other accounts go on.

Several partitions go together (writes.py). When anything at all goes wrong with that, nothing of it is kept, and the
same is done with each partition alone, then with each of its accounts, then with each commit of the account at which it
goes wrong. What goes wrong with a partition otherwise, whatever it is, stops that one and says so.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
import structlog
from django.db import OperationalError, connection, transaction
from psycopg import sql

from eventstore.columns.batches import ColumnBatch, EventColumns, join
from eventstore.errors import EventStoreError
from eventstore.store import get_store
from readmodels.models import DeadLetter, ProjectionCheckpoint
from readmodels.projections.classified import VersionSkipped
from readmodels.projections.rows import uuid_text
from readmodels.projector import binary_rows, locks, tables
from readmodels.projector.writes import Written, current_versions, write

log = structlog.get_logger(__name__)

EVENTS_AT_ONCE_MAX: Final = 24_000
"""Events of a round; the more there are, the more of them share a row that is replaced. It takes under a second."""
BATCHES_AT_ONCE_MAX: Final = 256
BATCHES_READ_MAX: Final = 16
PARTITIONS_AT_ONCE_MAX: Final = 8
"""Partitions of a round that is far behind; the others are left to other workers, or to the next round."""


class Projected(NamedTuple):
    """What one round did: what was written, to tell others about; there may be more to do unless it was nothing."""

    written: list[Written]
    event_count: int


NOTHING: Final = Projected([], 0)


def project_partition(partition: int, *, to_seq: int | None = None) -> Projected:
    """Project the next events of a partition, to its end or to batch `to_seq`; does nothing when another worker is at
    it, or while a rebuild lets nobody write.
    """
    return project_together([partition], to_seq=to_seq)[0]


def project_together(partitions: Sequence[int], *, to_seq: int | None = None) -> list[Projected]:
    """Project the next events of several partitions, those that no other worker is at, as `project_partition` does."""
    try:
        with transaction.atomic():
            return [_project(partitions, to_seq, _write_whole)]
    except Exception as error:  # Whatever it was: the way that isolates it is the slow one.
        if _is_connection_lost():
            raise
        log.error("partitions not projected together; projecting each alone", partitions=partitions, exc_info=error)
    return [_project_alone(partition, to_seq) for partition in partitions]


def _project(
    partitions: Sequence[int], to_seq: int | None, write_events: Callable[[EventColumns], list[Written]]
) -> Projected:
    checkpoints = _locked_checkpoints(partitions) if locks.may_project() else []
    batches: list[ColumnBatch] = []
    for checkpoint in checkpoints:
        try:
            own = _next_batches(checkpoint, to_seq, EVENTS_AT_ONCE_MAX // len(checkpoints) or 1)
        except EventStoreError as error:
            _stop(checkpoint, error)
            continue
        batches += own
    if not batches:
        return NOTHING
    written = write_events(join(batches))
    _move_checkpoints({batch.partition: batch.seq for batch in batches})
    return Projected(written, sum(batch.event_count for batch in batches))


_MOVED: Final = sql.SQL(
    "UPDATE projection_checkpoints AS stored SET seq = given.seq, stopped_because = '' "
    "FROM unnest(%s, %s) AS given (partition, seq) WHERE stored.partition = given.partition"
)


def _move_checkpoints(seqs: Mapping[int, int]) -> None:
    """Note the newest batch of each partition that is in the tables; the ORM takes milliseconds for that."""
    tables.execute(_MOVED, [binary_rows.integer_array(list(seqs)), binary_rows.integer_array(list(seqs.values()))])


def _project_alone(partition: int, to_seq: int | None) -> Projected:
    """Project a partition account by account; when even that fails, the others after it must not wait for it for
    ever.
    """
    try:
        with transaction.atomic():
            return _project([partition], to_seq, _write_account_by_account)
    except Exception as error:
        if _is_connection_lost():
            raise
        with transaction.atomic():
            for checkpoint in _locked_checkpoints([partition]):
                _stop(checkpoint, error)
        return NOTHING


def _write_whole(events: EventColumns) -> list[Written]:
    """Write the rows of all events but those of accounts with dead letters, which become more of these."""
    held = held_accounts(_keys(events))
    if not held:
        return [write(events)]
    is_held = _are_of(events, held)
    written = write(events.of_commits(np.flatnonzero(~is_held)))
    _set_aside(events.of_commits(np.flatnonzero(is_held)), {})
    return [written]


def _write_account_by_account(events: EventColumns) -> list[Written]:
    """Write the rows of all events, or else of each account alone: only those with a poison event are set aside."""
    try:
        with transaction.atomic():
            return _write_whole(events)
    except (VersionSkipped, OperationalError):
        raise
    except Exception as error:  # Whatever one event raises must not stop the other accounts.
        if _is_connection_lost():
            raise
        log.error("batches not projected as a whole; projecting account by account", exc_info=error)
    held = held_accounts(_keys(events))
    written: list[Written] = []
    poisoned: dict[bytes, str] = {}
    for key in _keys(events):
        if key not in held:
            try:
                with transaction.atomic():
                    written.append(write(events.of_commits(np.flatnonzero(_are_of(events, [key])))))
            except (VersionSkipped, OperationalError):
                raise
            except Exception:
                if _is_connection_lost():
                    raise
                written += _write_up_to_poison(events, key, poisoned)
    _set_aside(events.of_commits(np.flatnonzero(_are_of(events, [*held, *poisoned]))), poisoned)
    return written


def _write_up_to_poison(events: EventColumns, key: bytes, poisoned: dict[bytes, str]) -> list[Written]:
    """Write the commits of an account up to the one at which it goes wrong, and note why."""
    written: list[Written] = []
    for commit in np.flatnonzero(_are_of(events, [key])):
        own = events.of_commits(np.array([commit]))
        try:
            with transaction.atomic():
                written.append(write(own))
        except OperationalError:  # The database's own trouble is no event's fault.
            raise
        except Exception as error:
            if _is_connection_lost():
                raise
            poisoned[key] = f"{type(error).__name__}: {error}"
            version = int(own.versions[0])
            log.error("event set aside", account_id=str(UUID(bytes=key)), version=version, exc_info=error)
            break
    return written


def held_accounts(keys: Sequence[bytes]) -> list[bytes]:
    """Return which of these accounts have dead letters; their later events have to wait."""
    if not DeadLetter.objects.exists():
        return []
    ids = [UUID(bytes=key) for key in keys]
    found = DeadLetter.objects.filter(account_id__in=ids).values_list("account_id", flat=True).distinct()
    return [account_id.bytes for account_id in found]


def _keys(events: EventColumns) -> list[bytes]:
    keys: list[bytes] = binary_rows.uuids(events.aggregate_keys).values.tolist()
    return keys


def _are_of(events: EventColumns, keys: Collection[bytes]) -> Any:
    """Tell which commits are of some accounts: b1[commits]."""
    is_wanted = np.array([key in keys for key in _keys(events)], bool)
    return is_wanted[events.aggregate_numbers]


def _locked_checkpoints(partitions: Iterable[int]) -> list[ProjectionCheckpoint]:
    """Lock the checkpoints of partitions, but for those that another worker has locked."""
    wanted = set(partitions)
    rows = ProjectionCheckpoint.objects.select_for_update(skip_locked=True).order_by("partition")
    found = list(rows.filter(partition__in=wanted))
    if len(found) == len(wanted) or ProjectionCheckpoint.objects.filter(partition__in=wanted).count() == len(wanted):
        return found
    new = [ProjectionCheckpoint(partition=partition, seq=0) for partition in wanted]
    ProjectionCheckpoint.objects.bulk_create(new, ignore_conflicts=True)
    return list(rows.filter(partition__in=wanted))


def _next_batches(checkpoint: ProjectionCheckpoint, to_seq: int | None, events_max: int) -> list[ColumnBatch]:
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


def _stop(checkpoint: ProjectionCheckpoint, error: Exception) -> None:
    reason = str(error) if isinstance(error, EventStoreError | VersionSkipped) else f"{type(error).__name__}: {error}"
    if checkpoint.stopped_because != reason:
        log.error("projection stopped", partition=checkpoint.partition, seq=checkpoint.seq, reason=reason)
        checkpoint.stopped_because = reason
        checkpoint.save(update_fields=["stopped_because"])


def _set_aside(events: EventColumns, errors: dict[bytes, str]) -> None:
    """Keep events that are not in the tables as dead letters, the first of an account with its error."""
    remaining = dict(errors)
    versions = current_versions(events.aggregate_keys).versions[events.aggregate_numbers]
    letters = []
    for place, commit in enumerate(events.commit_of.tolist()):
        if events.versions[place] > versions[commit]:
            key = events.aggregate_keys[events.aggregate_numbers[commit]]
            letters.append(
                DeadLetter(
                    account_id=uuid_text(key),
                    version=int(events.versions[place]),
                    partition=int(events.partitions[commit]),
                    seq=int(events.seqs[commit]),
                    event_type=events.cells.tags[events.cells.types[place]].partition("@")[0],
                    error=remaining.pop(key.tobytes(), ""),
                )
            )
    DeadLetter.objects.bulk_create(letters, ignore_conflicts=True)


def _is_connection_lost() -> bool:
    return connection.connection is None or connection.connection.closed


def retry_account(account_id: str) -> None:
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
        write(_events_of(account_id, places))


def _events_of(account_id: str, places: list[tuple[int, int]]) -> EventColumns:
    read = get_store().read_column_batches
    batches = [read(partition=partition, after_seq=seq - 1, limit=1) for partition, seq in places]
    events = join([batch for (batch,) in batches])
    is_own = (events.aggregate_keys == np.frombuffer(UUID(account_id).bytes, np.uint8)).all(axis=1)
    return events.of_commits(np.flatnonzero(is_own[events.aggregate_numbers]))
