"""An alarm of tampering is raised when two independent readings agree, and not when only the first one is wrong."""

import copy

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eventstore.audit.checkpointing import make_checkpoint
from eventstore.audit.proving import prove_event
from eventstore.audit.verify import PartitionRun
from eventstore.engines.memory import MemoryEngine
from eventstore.errors import FeedGap, IntegrityError
from eventstore.integrity.heads import ExpectedHead
from eventstore.tests.counter import CounterDecider, add, open_counters

KEY = Ed25519PrivateKey.generate()


def flipped(record, field="payload"):
    content = getattr(record, field)
    return msgspec.structs.replace(record, **{field: content[:-1] + bytes([content[-1] ^ 4])})


class Shaky(MemoryEngine):
    """Gives back wrong bytes while `wrong` says so; opened again, it gives the right ones, unless they are not."""

    wrong = frozenset()
    is_damaged = False

    def reopened(self):
        again = copy.copy(self)
        again.wrong = self.wrong if self.is_damaged else frozenset()
        return again

    def read(self, **where):
        batches = super().read(**where)
        if "cut short" in self.wrong:
            return batches[: 3 - where["after_seq"]] if where["after_seq"] < 3 else []
        if "hole" in self.wrong:
            batches = [batch for batch in batches if batch.seq != 3]
        return [flipped(batch) if "batch" in self.wrong and batch.seq == 3 else batch for batch in batches]

    def last_page(self, *arguments, **where):
        page = super().last_page(*arguments, **where)
        return flipped(page) if "page" in self.wrong and page is not None else page

    def pages(self, *arguments, **where):
        return [flipped(page) if "page" in self.wrong else page for page in super().pages(*arguments, **where)]

    def documents(self, **where):
        found = super().documents(**where)
        return [flipped(document, "body") for document in found] if "checkpoint" in self.wrong else found

    def latest_document(self, **where):
        found = super().latest_document(**where)
        return flipped(found, "body") if "checkpoint" in self.wrong and found else found


@pytest.fixture
def engine():
    return Shaky()


@pytest.fixture
def store(engine):
    """One partition: batches 1 to 4 in pages, 5 and 6 in the tail, and a signed checkpoint of all."""
    opened = open_counters(engine, partition_count=1)
    writer = opened.writer(CounterDecider())
    for group in range(6):
        writer.execute([add(name, 1, f"{group}") for name in ("a", "b")])
        if group == 3:
            opened.snapshotter(CounterDecider()).write(partition=0, through_seq=4)
    make_checkpoint(opened, key=KEY, now=1)
    return opened


READS = {
    "batches": lambda store: [batch.commits for batch in store.read_batches(partition=0, after_seq=0, limit=9)],
    "columns": lambda store: [b.ids.tolist() for b in store.read_column_batches(partition=0, after_seq=0, limit=9)],
    "the chain": lambda store: [batch.seq for batch in store.read_all(partition=0)],
    "a replay": lambda store: [*store.replay(CounterDecider(), partition=0)][-1].states,
    "a state": lambda store: store.state(CounterDecider(), "a", version=3),
    "events": lambda store: list(store.events("a")),
    "a proof": lambda store: prove_event(store, aggregate_id="a", version=3)["event"],
    "a checkpoint": lambda store: make_checkpoint(store, key=KEY, now=2, only_if_new=True),
    "pages": lambda store: list(store.snapshotter(CounterDecider()).check()),
}
TOUCHED = {
    "batch": ["batches", "columns", "the chain", "a replay", "a proof", "pages"],
    "hole": ["batches", "columns", "the chain", "a replay", "a proof", "pages"],
    "page": ["a state", "events", "a proof"],
    "checkpoint": ["a proof", "a checkpoint"],
}
CASES = [(wrong, read) for wrong, reads in TOUCHED.items() for read in reads]


@pytest.mark.parametrize(("wrong", "read"), CASES)
def test_a_reading_that_only_the_first_time_is_wrong_gives_the_answer_of_the_second(store, engine, caplog, wrong, read):
    expected = READS[read](store)
    assert "alarm_not_confirmed" not in caplog.text
    engine.wrong = {wrong}
    assert READS[read](store) == expected
    assert "alarm_not_confirmed" in caplog.text


@pytest.mark.parametrize(("wrong", "read"), CASES)
def test_a_reading_that_is_wrong_both_times_is_an_alarm(store, engine, caplog, wrong, read):
    engine.wrong, engine.is_damaged = {wrong}, True
    with pytest.raises((IntegrityError, FeedGap)):
        READS[read](store)
    assert "alarm_not_confirmed" not in caplog.text


def findings(store):
    head = store.engine._partitions[0][6]
    heads = [ExpectedHead(6, head.hash, b"", 1)]
    return [
        str(found) for _, of in PartitionRun(store, 0, heads=heads).run() for found in of if "tree" not in str(found)
    ]


@pytest.mark.parametrize("wrong", ["batch", "hole", "cut short"])
def test_the_verification_reports_what_two_readings_find(store, engine, caplog, wrong):
    assert findings(store) == []
    engine.wrong = {wrong}
    assert findings(store) == []
    assert "alarm_not_confirmed" in caplog.text
    engine.is_damaged = True
    assert findings(store)


def test_a_codec_that_gives_wrong_bytes_is_not_taken_for_a_damaged_journal(store, monkeypatch, caplog):
    def wrong(payload):
        return b"\x93" + right(payload)[1:-1]

    expected = READS["batches"](store), findings(store)
    right = store.codec.decompress
    monkeypatch.setattr(store.codec, "decompress", wrong)
    assert (READS["batches"](store), findings(store)) == expected
    assert caplog.text.count("alarm_not_confirmed") == 12


@pytest.mark.parametrize("read", ["events", "a state"])
def test_pages_that_go_while_somebody_reads_leave_no_gap_in_what_is_read(store, engine, read):
    """The tail was read, and then all pages are gone: the second reading finds everything in the journal."""

    class Vanishing(MemoryEngine):
        def last_page(self, *arguments, **where):
            self._pages.clear()
            self._stretches.clear()
            return super().last_page(*arguments, **where)

        def pages(self, *arguments, **where):
            assert self.last_page("a") is None
            return []

    vanishing = Vanishing()
    vanishing.__dict__ |= engine.__dict__ | {"_pages": dict(engine._pages), "_stretches": dict(engine._stretches)}
    assert READS[read](open_counters(vanishing, partition_count=1)) == READS[read](store)


def test_a_writer_whose_memory_is_wrong_starts_again_from_what_is_stored(store, caplog):
    writer, other = store.writer(CounterDecider()), store.writer(CounterDecider())
    writer.load(0)
    other.execute([add("a", 1, "another writer's")])
    writer._partitions[0].hash = b"wrong"
    (outcome,) = writer.execute([add("a", 1, "mine")])
    assert (outcome.version, outcome.commit.events[0].total) == (8, 8)
    assert "alarm_not_confirmed" in caplog.text
