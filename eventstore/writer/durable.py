"""Getting batches written although answers are lost: what became of a write is found out by its batch id."""

from collections.abc import Sequence

from eventstore.engines.base import AppendOutcome, Engine
from eventstore.errors import EventStoreError, OutcomeUnknown, StoreUnavailable
from eventstore.record import StoredBatch
from eventstore.writer.limits import UNKNOWN_TRIES_MAX


def append_each(engine: Engine, batches: Sequence[StoredBatch]) -> list[AppendOutcome]:
    """Write batches, each on its own; return for each None, the batch that stands in its place, or its error."""
    outcomes: Sequence[AppendOutcome]
    try:
        outcomes = engine.append(batches)
    except EventStoreError as error:
        outcomes = [error] * len(batches)
    return [
        _settled(engine, batch) if isinstance(outcome, OutcomeUnknown) else outcome
        for batch, outcome in zip(batches, outcomes, strict=True)
    ]


def _settled(engine: Engine, batch: StoredBatch) -> AppendOutcome:
    """Find out what became of a batch whose write was not answered; write it again if nothing stands there."""
    outcome: AppendOutcome
    for _ in range(UNKNOWN_TRIES_MAX):
        try:
            standing = engine.read(partition=batch.partition, after_seq=batch.seq - 1, limit=1)
            outcome = standing[0] if standing else engine.append([batch])[0]
        except OutcomeUnknown:
            continue
        except StoreUnavailable as error:  # It could not be looked at: the write that was sent may stand there.
            return _unknown(batch, error)
        except EventStoreError as error:
            return error
        if isinstance(outcome, OutcomeUnknown):
            continue
        if isinstance(outcome, StoreUnavailable):
            return _unknown(batch, outcome)
        if isinstance(outcome, StoredBatch) and outcome.batch_id == batch.batch_id:
            return None
        return outcome
    return _unknown(batch)


def _unknown(batch: StoredBatch, reason: EventStoreError | None = None) -> OutcomeUnknown:
    found = "" if reason is None else f" ({reason})"
    return OutcomeUnknown(
        f"the storage did not say in {UNKNOWN_TRIES_MAX} tries whether partition {batch.partition}, seq {batch.seq} "
        f"was written{found}: ask again with the same command id"
    )
