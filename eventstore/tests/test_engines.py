"""The contract of the engine port, held by every engine."""

import sqlite3

import msgspec
import pytest

from eventstore.engines.sqlite import SQLiteEngine
from eventstore.errors import StoreUnavailable
from eventstore.record import StoredBatch, StoreMetadata

METADATA = StoreMetadata(store_id="a-store", format=1, partition_count=4, created_at=17)


def batch(partition: int, seq: int, payload: bytes = b"payload") -> StoredBatch:
    return StoredBatch(
        partition=partition,
        seq=seq,
        batch_id=f"{partition}/{seq}/{payload!r}".encode(),
        first_timestamp=10,
        last_timestamp=20,
        commit_count=1,
        event_count=2,
        previous_hash=f"hash {partition}/{seq - 1}".encode(),
        merkle_root=b"root",
        payload_hash=b"payload hash",
        hash=f"hash {partition}/{seq}".encode(),
        leaf_prefixes=b"12345678",
        payload_crc=99,
        payload=payload,
    )


@pytest.fixture
def engine(make_engine):
    opened = make_engine()
    opened.open(METADATA)
    return opened


def test_the_first_metadata_count_for_ever(make_engine):
    assert make_engine().open(METADATA) == METADATA
    assert make_engine().open(msgspec.structs.replace(METADATA, partition_count=9)) == METADATA


def test_what_was_appended_is_read_back_as_it_was(engine):
    batches = [batch(0, 1), batch(3, 1, b"\x00\xff"), batch(0, 2)]
    assert engine.append(batches[:2]) == [None, None]
    assert engine.append(batches[2:]) == [None]
    assert engine.read(partition=0, after_seq=0, limit=9) == [batches[0], batches[2]]
    assert engine.read(partition=3, after_seq=0, limit=9) == [batches[1]]
    assert engine.heads() == {0: 2, 3: 1}


def test_a_read_begins_after_the_position_and_ends_at_the_limit(engine):
    for seq in range(1, 6):
        engine.append([batch(1, seq)])
    assert [b.seq for b in engine.read(partition=1, after_seq=2, limit=2)] == [3, 4]
    assert engine.read(partition=1, after_seq=5, limit=2) == []


def test_a_taken_place_is_refused_with_the_batch_that_stands_there_and_others_are_written(engine):
    engine.append([batch(0, 1, b"first")])
    outcomes = engine.append([batch(0, 1, b"second"), batch(2, 1)])
    assert outcomes == [batch(0, 1, b"first"), None]
    assert engine.read(partition=0, after_seq=0, limit=9) == [batch(0, 1, b"first")]
    assert engine.heads() == {0: 1, 2: 1}


def test_data_are_there_for_whoever_opens_the_storage_again(engine, make_engine):
    engine.append([batch(0, 1)])
    again = make_engine()
    again.open(METADATA)
    assert again.heads() == {0: 1}


class TestSQLite:
    @pytest.fixture
    def engine(self, tmp_path):
        opened = SQLiteEngine(tmp_path)
        opened.open(METADATA)
        yield opened
        opened.close()

    @pytest.mark.parametrize("statement", ["UPDATE journal SET payload = x'00'", "DELETE FROM journal"])
    def test_the_file_itself_refuses_changes(self, engine, statement):
        engine.append([batch(0, 1)])
        with sqlite3.connect(engine.path) as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(statement)
        assert engine.read(partition=0, after_seq=0, limit=9) == [batch(0, 1)]

    @pytest.mark.parametrize("wrong", [batch(0, 3), msgspec.structs.replace(batch(0, 2), previous_hash=b"another")])
    def test_the_file_itself_refuses_a_gap_and_a_broken_chain(self, engine, wrong):
        engine.append([batch(0, 1)])
        with pytest.raises(StoreUnavailable, match="no gap"):
            engine.append([wrong])
        assert engine.heads() == {0: 1}

    def test_nothing_is_written_when_one_of_several_batches_cannot_be(self, engine):
        with pytest.raises(StoreUnavailable):
            engine.append([batch(1, 1), batch(0, 3)])
        assert engine.heads() == {}

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path):
        (tmp_path / "journal.sqlite3").mkdir()
        with pytest.raises(StoreUnavailable, match=r"journal\.sqlite3"):
            SQLiteEngine(tmp_path).open(METADATA)
