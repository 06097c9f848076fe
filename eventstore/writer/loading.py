"""Loading what a writer starts with: an aggregate from its last page, and the commands that must not execute again."""

from typing import Generic, TypeVar

import structlog

from eventstore.columns.codec import EventCodec
from eventstore.engines.base import Engine
from eventstore.errors import IntegrityError
from eventstore.idempotency import remembered as memory
from eventstore.idempotency.command_ids import CommandKeys
from eventstore.idempotency.remembered import RememberedCommands, Run, open_run, run_name
from eventstore.pages.evolver import Evolver
from eventstore.pages.page import PageReader
from eventstore.pages.states import PageStates
from eventstore.reader import READ_BATCHES_AT_ONCE, Reader

S = TypeVar("S")

log = structlog.get_logger(__name__)


class PageLoader(Generic[S]):
    """Loads aggregates of one partition as of their last page."""

    def __init__(self, *, engine: Engine, codec: EventCodec, evolver: Evolver[S], partition: int) -> None:
        self._engine = engine
        self._partition = partition
        self._pages = PageReader(engine, codec)
        self._states = PageStates(evolver, self._pages)

    def position(self) -> int:
        """Return the seq through which the partition's events are in pages."""
        return self._engine.page_position(partition=self._partition)

    def load(self, aggregate_id: str) -> tuple[S, int] | None:
        """Return an aggregate's state and version as its pages leave it, None when it has none."""
        page = self._pages.last(aggregate_id)
        if page is None:
            return None
        folded = self._states.after(page)
        return folded.state, folded.version


class CommandLoader:
    """Loads the commands of a partition that are in pages: from their runs, or, where one is missing, from the
    journal.
    """

    def __init__(self, *, engine: Engine, reader: Reader, store_id: str) -> None:
        self._engine = engine
        self._reader = reader
        self._keys = CommandKeys(store_id)

    def load(self, remembered: RememberedCommands, *, partition: int, through_seq: int, latest: int) -> None:
        """Remember the commands through a seq, whose batch is of the instant `latest`, as many as have to be."""
        oldest = latest - memory.SECONDS * 1_000_000
        runs: list[Run] = []
        seq, count = through_seq, 0
        while seq > 0 and count < memory.COMMANDS:
            run = self._kept_run(partition, seq)
            if run is None:
                self._read_journal(remembered, partition, oldest=oldest, through_seq=seq)
                break
            if run.last_timestamp < oldest:
                remembered.complete_since = run.last_timestamp + 1
                break
            runs.append(run)
            seq, count = run.first_seq - 1, count + len(run.keys)
            if seq > 0 and count >= memory.COMMANDS:
                before = self._reader.stored(partition=partition, after_seq=seq - 1, previous_hash=None, limit=1)
                remembered.complete_since = before[0].last_timestamp + 1
        memory.load(reversed(runs), remembered)

    def _kept_run(self, partition: int, last_seq: int) -> Run | None:
        stored = self._engine.last_page(run_name(partition), version=last_seq)
        if stored is None or stored.last_version != last_seq:
            return None
        try:
            return open_run(stored, partition=partition)
        except IntegrityError as error:
            log.warning("eventstore.kept_commands_passed_over", reason=str(error), consequence="the journal is read")
            return None

    def _read_journal(self, remembered: RememberedCommands, partition: int, *, oldest: int, through_seq: int) -> None:
        seq = self._engine.seek(partition=partition, timestamp=oldest)
        remembered.complete_since, timestamp = (oldest if seq > 0 else 0), oldest
        while seq < through_seq:
            limit = min(READ_BATCHES_AT_ONCE, through_seq - seq)
            for batch in self._reader.stored(partition=partition, after_seq=seq, previous_hash=None, limit=limit):
                identities = self._reader.identities(batch)
                remembered.remember(self._keys.of_texts(identities), seq=batch.seq)
                remembered.move_on(seq=batch.seq, timestamp=batch.last_timestamp)
                seq, timestamp = batch.seq, batch.last_timestamp
        remembered.close_recent(seq=seq, timestamp=timestamp)
