"""Tampering with the journal file: every kind is found, and shown to be where it is; sound stores have no findings."""

import random
import zlib

import msgspec
import pytest

from eventstore.audit.verify import PartitionRun
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.errors import EventStoreError, FeedGap, IntegrityError
from eventstore.integrity.diagnosis import with_bit_flipped
from eventstore.integrity.hashing import payload_hash
from eventstore.tests.counter import CounterDecider, add, histories, open_counters
from eventstore.tests.reference import compressed
from eventstore.tests.sqlite_file import empty_the_wal, sqlite_file, unprotected

AGGREGATES = [f"aggregate-{n}" for n in range(40)]


@pytest.fixture
def folder(tmp_path):
    """A store of two partitions with 20 batches each, closed, everything in the main file."""
    store = open_counters(SQLiteEngine(tmp_path), partition_count=2)
    writer = store.writer(CounterDecider())
    numbers = random.Random(7)
    for group in range(20):
        writer.execute([add(name, numbers.randint(1, 99), f"{group}") for name in AGGREGATES])
    store.close()
    empty_the_wal(tmp_path / "journal.sqlite3")
    return tmp_path


def tamper(folder, *statements):
    """Change the file as somebody would who has it: without the triggers."""
    with unprotected(folder / "journal.sqlite3") as connection:
        for statement, parameters in statements:
            connection.execute(statement, parameters)
            assert connection.changes() > 0


def row(folder, column, partition, seq):
    with sqlite_file(folder / "journal.sqlite3") as connection:
        return connection.execute(
            f"SELECT {column} FROM journal WHERE partition = ? AND seq = ?", (partition, seq)
        ).fetchone()[0]


def findings(folder):
    store = open_counters(SQLiteEngine(folder), partition_count=2)
    try:
        found = [finding for number in range(2) for _, found in PartitionRun(store, number).run() for finding in found]
        return found or store.engine.problems()
    finally:
        store.close()


def test_a_sound_store_has_no_findings_and_every_event_is_counted(folder):
    assert findings(folder) == []
    store = open_counters(SQLiteEngine(folder), partition_count=2)
    assert sum(count for number in range(2) for count, _ in PartitionRun(store, number).run()) == 800


def test_one_flipped_bit_of_a_payload_is_placed_down_to_account_and_version(folder):
    payload = row(folder, "payload", 1, 9)
    numbers = random.Random(3)
    for _ in range(25):
        flipped = with_bit_flipped(payload, numbers.randrange(len(payload) * 8))
        tamper(folder, ("UPDATE journal SET payload = ? WHERE partition = 1 AND seq = 9", (flipped,)))
        (finding,) = findings(folder)
        assert (finding.partition, finding.seq, finding.version) == (1, 9, 9)
        assert finding.aggregate_id in AGGREGATES
        assert "flipped" in finding.detail


def test_an_event_that_was_replaced_with_care_is_placed(folder):
    """The payload is decoded, one figure changed, encoded again, and its own hash and checksum are put right."""
    store = open_counters(SQLiteEngine(folder), partition_count=2)
    plain = store.codec.decompress(row(folder, "payload", 0, 5))
    commits = store.codec.commits(store.codec.unpack(plain))
    altered = commits[3]
    altered.events = (msgspec.structs.replace(altered.events[0], total=altered.events[0].total + 1),)
    payload = compressed(commits, store.codec)
    store.close()
    tamper(
        folder,
        (
            "UPDATE journal SET payload = ?, payload_hash = ?, payload_crc = ? WHERE partition = 0 AND seq = 5",
            (payload, payload_hash(payload), zlib.crc32(payload)),
        ),
    )
    found = findings(folder)
    assert (0, 5) in {(finding.partition, finding.seq) for finding in found}
    assert any((f.aggregate_id, f.version) == (altered.aggregate_id, altered.first_version) for f in found)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("hash", b"\x00" * 32),
        ("previous_hash", b"\x00" * 32),
        ("merkle_root", b"\x00" * 32),
        ("payload_hash", b"\x00" * 32),
        ("batch_id", b"\x00" * 16),
        ("leaf_prefixes", b"\x00" * 80),
        ("event_count", 3),
        ("commit_count", 3),
        ("first_timestamp", 3),
        ("last_timestamp", 3),
    ],
)
def test_every_column_of_a_batch_is_protected(folder, column, value):
    tamper(folder, (f"UPDATE journal SET {column} = ? WHERE partition = 0 AND seq = 5", (value,)))
    found = findings(folder)
    assert found
    assert {finding.seq for finding in found} <= {5, 6}
    assert all(finding.aggregate_id in AGGREGATES for finding in found)


def test_a_deleted_batch_is_found_and_readers_stop_before_the_hole(folder):
    tamper(folder, ("DELETE FROM journal WHERE partition = 0 AND seq = 5", ()))
    first = findings(folder)[0]
    assert (first.partition, first.seq) == (0, 5)
    store = open_counters(SQLiteEngine(folder), partition_count=2)
    with pytest.raises(FeedGap) as refused:
        store.read_batches(partition=0, after_seq=0, limit=64)
    assert (refused.value.expected_seq, refused.value.found_seq) == (5, 6)


def test_swapped_batches_are_found(folder):
    tamper(
        folder,
        ("UPDATE journal SET seq = 999 WHERE partition = 0 AND seq = 5", ()),
        ("UPDATE journal SET seq = 5 WHERE partition = 0 AND seq = 6", ()),
        ("UPDATE journal SET seq = 6 WHERE partition = 0 AND seq = 999", ()),
    )
    assert {finding.seq for finding in findings(folder)} >= {5, 6}


def test_a_batch_replayed_at_the_end_is_found(folder):
    columns = "batch_id, first_timestamp, last_timestamp, commit_count, event_count, previous_hash, merkle_root, "
    columns += "payload_hash, hash, leaf_prefixes, payload_crc, payload"
    tamper(
        folder,
        (
            f"INSERT INTO journal (partition, seq, {columns}) SELECT partition, 21, {columns} FROM journal "
            "WHERE partition = 0 AND seq = 20",
            (),
        ),
    )
    assert {finding.seq for finding in findings(folder)} == {21}


def test_readers_and_writers_refuse_altered_events(folder):
    payload = row(folder, "payload", 1, 9)
    tamper(folder, ("UPDATE journal SET payload = ? WHERE seq = 9 AND partition = 1", (with_bit_flipped(payload, 99),)))
    store = open_counters(SQLiteEngine(folder), partition_count=2)
    with pytest.raises(IntegrityError) as refused:
        store.read_batches(partition=1, after_seq=0, limit=64)
    assert (refused.value.partition, refused.value.seq) == (1, 9)
    name = next(name for name in AGGREGATES if store.partition_of(name) == 1)
    (outcome,) = store.writer(CounterDecider()).execute([add(name, 1, "new")])
    assert isinstance(outcome.error, IntegrityError)
    assert store.heads() == {0: 20, 1: 20}


def test_any_flipped_bit_of_the_file_is_found_or_hits_nothing(folder, tmp_path_factory):
    """Bits all over the file: damage is found, or it lies where no data are and every event reads as before."""
    content = (folder / "journal.sqlite3").read_bytes()
    store = open_counters(SQLiteEngine(folder), partition_count=2)
    expected = histories(store)
    store.close()
    numbers = random.Random(11)
    found_count = 0
    for _ in range(120):
        damaged = tmp_path_factory.mktemp("damaged")
        (damaged / "journal.sqlite3").write_bytes(with_bit_flipped(content, numbers.randrange(len(content) * 8)))
        try:
            found = findings(damaged)
        except EventStoreError:
            found_count += 1
            continue
        if found:
            found_count += 1
            continue
        store = open_counters(SQLiteEngine(damaged), partition_count=2)
        assert histories(store) == expected
        store.close()
    assert found_count > 20
