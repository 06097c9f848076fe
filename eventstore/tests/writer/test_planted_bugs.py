"""The proofs prove themselves: stores with a planted bug, each caught by the check that is there to catch it."""

import msgspec
import pytest

from eventstore.audit.verify import PartitionRun
from eventstore.engines.memory import MemoryEngine
from eventstore.errors import FeedGap, IntegrityError
from eventstore.tests.counter import CounterDecider, add, histories, open_counters


class LosesWhatItAcknowledged(MemoryEngine):
    """Says that the third batch is durable, and forgets it."""

    def _append_one(self, batch):
        return None if batch.seq == 3 else super()._append_one(batch)


class LetsTheLastOneWin(MemoryEngine):
    """Overwrites what stands instead of refusing."""

    def _append_one(self, batch):
        self._partitions.setdefault(batch.partition, {})[batch.seq] = batch


class SkipsASequence(MemoryEngine):
    """Hides a batch from readers, as feeds with sequence numbers given out before the commit do."""

    def read(self, *, partition, after_seq, limit):
        found = super().read(partition=partition, after_seq=after_seq, limit=limit)
        return [batch for batch in found if batch.seq != 2]


class ReturnsABatchTwice(MemoryEngine):
    """Gives one batch in the place of the next one."""

    def read(self, *, partition, after_seq, limit):
        found = super().read(partition=partition, after_seq=after_seq, limit=limit)
        return [msgspec.structs.replace(found[0], seq=batch.seq) for batch in found]


def written(engine, count=6, writers=1):
    store = open_counters(engine, partition_count=1)
    all_writers = [store.writer(CounterDecider()) for _ in range(writers)]
    for writer in all_writers:
        writer.load(0)
    for number in range(count):
        all_writers[number % writers].execute([add("a", 1, str(number))])
    return store


def findings(store):
    return [finding for _, found in PartitionRun(store, 0).run() for finding in found]


def test_a_sound_store_passes_every_check():
    store = written(MemoryEngine(), writers=2)
    assert histories(store) == {"a": [1, 2, 3, 4, 5, 6]}
    assert findings(store) == []


@pytest.mark.parametrize(
    ("engine", "error"),
    [(LosesWhatItAcknowledged, FeedGap), (SkipsASequence, FeedGap), (ReturnsABatchTwice, IntegrityError)],
)
def test_a_reader_stops_at_what_is_missing_or_doubled(engine, error):
    store = written(engine())
    with pytest.raises(error):
        histories(store)
    assert findings(store)


def test_two_writers_on_a_store_that_overwrites_are_found_out():
    store = written(LetsTheLastOneWin(), writers=2)
    try:
        lost = histories(store) != {"a": [1, 2, 3, 4, 5, 6]}
    except IntegrityError:
        lost = True
    assert lost
