"""Turns the journal's tail into pages, in the way of a projection: read what is past the position, write, move on.

A stretch of the journal becomes pages when it holds enough events, or when the partition has been quiet for a while.
The position moves in the same step that makes the pages visible, so a crash leaves nothing to repair. Where each
stretch ended is kept: with the same ends, pages are made again to the same bytes.

With each stretch stands the version of the states in its pages. Those of a lower version than this release's are made
anew, a stretch of each partition at a time; those of a higher one are left alone, so that during an upgrade the old
release and the new one do not undo each other's work.
"""

from collections.abc import Iterator
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec.structs import astuple

from eventstore.columns.codec import EventCodec
from eventstore.engines.base import Engine
from eventstore.errors import EventStoreError, FeedGap, IntegrityError, UnknownEventType
from eventstore.idempotency.command_ids import CommandKeys
from eventstore.idempotency.remembered import Run, packed, run_name, seal_run
from eventstore.pages.evolver import Evolver
from eventstore.pages.page import PageReader, seal_page
from eventstore.pages.states import Folded, PageStates
from eventstore.pages.stretch import StretchColumns
from eventstore.reader import READ_BATCHES_AT_ONCE, Reader
from eventstore.record import StoredBatch, StoredPage, Stretch

S = TypeVar("S")

TAIL_EVENTS_MAX: Final = 200_000
"""Events of the whole store that may be in the journal alone; each partition has its equal share."""

REFRESH_LOOK_SECONDS: Final = 60
"""How often it is looked for pages of another version, once there are none: an older release may still be writing."""

QUIET_SECONDS: Final = 60
"""A partition without a new event for so long gets its pages however few events there are."""

KEPT_RUN_COMMANDS_MAX: Final = 40_000
"""Commands of a run beside the pages, 8 bytes each: DynamoDB keeps no item of 400 KB. A batch has fewer than that."""

STOPPED_LOOK_SECONDS: Final = 60
"""How often it is tried whether a partition that cannot be read can be read again."""


class _Seen(NamedTuple):
    """What is known of a partition's tail: where it began, how far it was read, what it holds."""

    position: int
    through_seq: int
    events: int
    last_timestamp: int


class Snapshotter(Generic[S]):
    """Makes the pages of one store; any number of them may run, the storage lets one move a position."""

    def __init__(
        self,
        evolver: Evolver[S],
        *,
        engine: Engine,
        codec: EventCodec,
        store_id: str,
        partition_count: int,
        tail_events_max: int = TAIL_EVENTS_MAX,
    ) -> None:
        self._keys = CommandKeys(store_id)
        self._evolver = evolver
        self._engine = engine
        self._codec = codec
        self._reader = Reader(engine, codec)
        self._partitions = range(partition_count)
        self._partition_events_max = max(1, tail_events_max // partition_count)
        self._seen: dict[int, _Seen] = {}
        self._pages = PageReader(engine, codec)
        self._states = PageStates(evolver, self._pages)
        self._look_for_outdated_at = dict.fromkeys(self._partitions, 0)
        self._look_again_at = dict.fromkeys(self._partitions, 0)
        self.stopped: dict[int, EventStoreError] = {}

    def run(self, *, now: int) -> int:
        """Write the pages that are due at `now` (UTC microseconds); return how many.

        A partition that cannot be read gets none, stands in `stopped` with the reason, and keeps no other from its own.
        """
        pages = 0
        for partition in self._partitions:
            if now < self._look_again_at[partition]:
                continue
            try:
                pages += self._run_partition(partition, now) + self._refresh(partition, now)
                self.stopped.pop(partition, None)
            except (FeedGap, IntegrityError, UnknownEventType) as error:
                self.stopped[partition] = error
                self._look_again_at[partition] = now + STOPPED_LOOK_SECONDS * 1_000_000
        return pages

    def write(self, *, partition: int, through_seq: int) -> int:
        """Turn a partition's tail into pages, up to a batch; return how many. 0 as well when another one was faster."""
        after_seq = self.position(partition)
        if through_seq <= after_seq:
            return 0
        through_seq = self._engine.reserve_page_range(partition=partition, after_seq=after_seq, through_seq=through_seq)
        stretch = Stretch(after_seq, through_seq, self._evolver.state_version)
        pages = list(self.make(partition=partition, after_seq=after_seq, through_seq=through_seq))
        return len(pages) if self._engine.put_pages(pages, partition=partition, stretch=stretch) else 0

    def make(self, *, partition: int, after_seq: int, through_seq: int) -> Iterator[StoredPage]:
        """Yield the pages of a stretch of the journal, which rest on the pages of the stretches before it, and the run
        of its commands.
        """
        stretch = self._read(partition, after_seq, through_seq)
        for aggregate_id, places in stretch.aggregates():
            first_version = int(stretch.commits.first_versions[places[0]])
            folded = self._before(aggregate_id, first_version)
            if first_version != folded.version + 1:
                raise IntegrityError(
                    f"the pages end at version {folded.version}",
                    partition=partition,
                    seq=None,
                    aggregate_id=aggregate_id,
                    version=first_version,
                )
            parts = list(stretch.cut(places))
            for number, part in enumerate(parts, start=1):
                columns = stretch.columns(part)
                yield seal_page(columns, state_before=self._evolver.dump(folded.state), codec=self._codec)
                if number < len(parts):
                    folded.fold(columns)
        yield from self._runs(stretch, partition=partition, after_seq=after_seq)

    def _runs(self, stretch: StretchColumns, *, partition: int, after_seq: int) -> Iterator[StoredPage]:
        """Yield the commands of a stretch as runs, each of as many batches as an engine can keep in one page."""
        keys, timestamps = stretch.keys(self._keys), stretch.commits.timestamps
        seqs, firsts, counts = np.unique(stretch.seqs, return_index=True, return_counts=True)
        start, first_seq = 0, after_seq + 1
        for place, (seq, first, count) in enumerate(zip(seqs.tolist(), firsts.tolist(), counts.tolist(), strict=True)):
            end = first + count
            is_last = place + 1 == len(seqs)
            if is_last or end - start + int(counts[place + 1]) > KEPT_RUN_COMMANDS_MAX:
                own = packed(keys[start:end], stretch.seqs[start:end])
                run = Run(own, first_seq, seq, int(timestamps[end - 1]))
                yield seal_run(run, partition=partition, first_timestamp=int(timestamps[start]))
                start, first_seq = end, seq + 1

    def rebuild(self) -> Iterator[int]:
        """Make every page again over the one that stands there, with the same ends; yield how many, by stretch."""
        for partition in self._partitions:
            for stretch in self._engine.page_stretches(partition=partition):
                yield self._replace(partition, stretch)

    def check(self) -> Iterator[StoredPage | None]:
        """Make every page again without writing it; yield None for each that is stored so, and those that differ.

        Pages with states of another version are left out (see `outdated`), and so is a run of commands that is missing:
        the journal answers for it.
        """
        for partition in self._partitions:
            for after_seq, through_seq, state_version in map(astuple, self._engine.page_stretches(partition=partition)):
                if state_version != self._evolver.state_version:
                    continue
                for page in self.make(partition=partition, after_seq=after_seq, through_seq=through_seq):
                    stored = self._engine.last_page(page.aggregate_id, version=page.last_version)
                    is_missing_run = stored is None and page.aggregate_id == run_name(partition)
                    yield None if stored == page or is_missing_run else page

    def outdated(self) -> int:
        """Return how many stretches of the journal are in pages with states of another version."""
        own = self._evolver.state_version
        of_partitions = [self._engine.page_stretches(partition=partition) for partition in self._partitions]
        return sum(stretch.state_version != own for stretches in of_partitions for stretch in stretches)

    def position(self, partition: int) -> int:
        """Return the seq up to which a partition's events are in pages."""
        return self._engine.page_position(partition=partition)

    def _run_partition(self, partition: int, now: int) -> int:
        seen = self._look(partition)
        is_quiet = now - seen.last_timestamp >= QUIET_SECONDS * 1_000_000
        if seen.events == 0 or (seen.events < self._partition_events_max and not is_quiet):
            return 0
        return self.write(partition=partition, through_seq=seen.through_seq)

    def _refresh(self, partition: int, now: int) -> int:
        """Make the pages of the first stretch with states of a lower version anew; return how many."""
        if now < self._look_for_outdated_at[partition]:
            return 0
        for stretch in self._engine.page_stretches(partition=partition):
            if stretch.state_version < self._evolver.state_version:
                return self._replace(partition, stretch)
        self._look_for_outdated_at[partition] = now + REFRESH_LOOK_SECONDS * 1_000_000
        return 0

    def _replace(self, partition: int, stretch: Stretch) -> int:
        pages = list(self.make(partition=partition, after_seq=stretch.after_seq, through_seq=stretch.through_seq))
        made = msgspec.structs.replace(stretch, state_version=self._evolver.state_version)
        self._engine.replace_pages(pages, partition=partition, stretch=made)
        return len(pages)

    def _look(self, partition: int) -> _Seen:
        """Count the events of the tail, reading only what is new since the last look."""
        position = self.position(partition)
        seen = self._seen.get(partition)
        if seen is None or seen.position != position:
            seen = _Seen(position, position, 0, 0)
        while seen.events < self._partition_events_max:
            batches = self._engine.read(partition=partition, after_seq=seen.through_seq, limit=READ_BATCHES_AT_ONCE)
            if not batches:
                break
            events = seen.events + sum(batch.event_count for batch in batches)
            seen = _Seen(position, batches[-1].seq, events, batches[-1].last_timestamp)
        self._seen[partition] = seen
        return seen

    def _read(self, partition: int, after_seq: int, through_seq: int) -> StretchColumns:
        read: list[StoredBatch] = []
        while after_seq < through_seq:
            limit = min(READ_BATCHES_AT_ONCE, through_seq - after_seq)
            batches = self._reader.stored(partition=partition, after_seq=after_seq, previous_hash=None, limit=limit)
            if not batches:
                raise FeedGap(partition=partition, expected_seq=after_seq + 1, found_seq=None)
            read += batches
            after_seq = batches[-1].seq
        return StretchColumns(read, self._reader.columns(read))

    def _before(self, aggregate_id: str, version: int) -> Folded[S]:
        """Return an aggregate before a version, from the last page that begins before it."""
        page = self._pages.last(aggregate_id, version=version - 1) if version > 1 else None
        if page is not None:
            return self._states.after(page)
        state = self._evolver.initial(aggregate_id)
        return Folded.alone(self._evolver, state=state, version=0, aggregate_id=aggregate_id, codec=self._codec)
