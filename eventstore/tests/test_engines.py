"""The contract of the engine port, held by every engine."""

import zlib

import apsw
import msgspec
import pytest

from eventstore.engines.sqlite import SQLiteEngine
from eventstore.errors import StoreUnavailable
from eventstore.record import Document, StoredBatch, StoredPage, StoreMetadata, Stretch
from eventstore.tests.sqlite_file import sqlite_file

METADATA = StoreMetadata(store_id="a-store", format=1, partition_count=4, created_at=17)


def batch(partition: int, seq: int, payload: bytes = b"payload") -> StoredBatch:
    return StoredBatch(
        partition=partition,
        seq=seq,
        batch_id=f"{partition}/{seq}/{zlib.crc32(payload)}".encode(),
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


def test_making_ready_for_appends_changes_nothing_that_is_stored(engine):
    engine.append([batch(0, 1)])
    for _ in range(2):
        engine.expect_appends()
        assert engine.read(partition=0, after_seq=0, limit=9) == [batch(0, 1)]
    assert engine.append([batch(0, 2), batch(1, 1)]) == [None, None]
    assert (engine.heads(), engine.problems()) == ({0: 2, 1: 1}, [])


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


def at(seq, first, last):
    return msgspec.structs.replace(batch(1, seq), first_timestamp=first, last_timestamp=last)


@pytest.mark.parametrize("timestamp", [0, 10, 11, 19, 20, 25, 30, 40, 41, 99])
def test_nothing_past_an_instant_stands_before_the_place_that_is_sought(engine, timestamp):
    batches = [at(1, 10, 10), at(2, 11, 20), at(3, 20, 20), at(4, 25, 40)]
    for one in batches:
        engine.append([one])
    position = engine.seek(partition=1, timestamp=timestamp)
    assert all(one.last_timestamp < timestamp for one in batches if one.seq <= position)
    later = sum(one.last_timestamp < timestamp for one in batches)
    assert later - position <= 1, "no farther from it than a batch"
    assert engine.seek(partition=2, timestamp=timestamp) == 0


def test_archived_batches_are_removed_but_never_the_newest(engine):
    for seq in range(1, 6):
        engine.append([batch(1, seq)])
    for _ in range(2):  # Idempotent.
        engine.forget(partition=1, first_seq=2, last_seq=9, manifest_hash=b"m" * 32)
    left = [one.seq for one in engine.read(partition=1, after_seq=0, limit=9)]
    assert left == [1, 5]
    assert engine.heads() == {1: 5}
    assert engine.append([batch(1, 6)]) == [None]


def page(aggregate_id, first, last, when=0, payload=b"page"):
    return StoredPage(aggregate_id, first, last, when + first, when + last, b"hash", payload)


@pytest.fixture
def paged(engine):
    """Versions 1 to 30 of a in pages of ten, at microseconds 1 to 30; and a page of b."""
    pages = [page("a", 1, 10), page("a", 11, 20), page("b", 1, 3)]
    assert engine.put_pages(pages, partition=1, stretch=Stretch(0, 4, 1))
    assert engine.put_pages([page("a", 21, 30)], partition=1, stretch=Stretch(4, 7, 2))
    return engine


def test_pages_move_the_position_of_their_partition(paged):
    assert paged.page_stretches(partition=1) == [Stretch(0, 4, 1), Stretch(4, 7, 2)]
    assert paged.page_stretches(partition=0) == []
    assert (paged.page_position(partition=1), paged.page_position(partition=0)) == (7, 0)
    assert not paged.put_pages([page("c", 1, 1)], partition=1, stretch=Stretch(4, 9, 1))
    assert paged.page_stretches(partition=1) == [Stretch(0, 4, 1), Stretch(4, 7, 2)]


def test_the_last_page_that_begins_at_or_before_a_version_or_instant_is_found(paged):
    assert paged.last_page("a") == page("a", 21, 30)
    assert paged.last_page("nobody") is None
    for number, expected in ((1, 1), (10, 1), (11, 11), (20, 11), (21, 21), (999, 21)):
        assert paged.last_page("a", version=number).first_version == expected
        assert paged.last_page("a", timestamp=number).first_version == expected
    assert paged.last_page("a", version=0) is None
    assert paged.last_page("a", timestamp=0) is None
    assert paged.last_page("a", version=15, timestamp=25).first_version == 11
    assert paged.last_page("a", version=25, timestamp=15).first_version == 11


def test_of_pages_that_begin_at_the_same_instant_the_last_one_counts(engine):
    pages = [page("a", first, first, when=50 - first) for first in range(1, 6)]
    engine.put_pages(pages, partition=1, stretch=Stretch(0, 1, 1))
    assert engine.last_page("a", timestamp=50) == pages[-1]
    assert engine.last_page("a", timestamp=49) is None


def test_pages_past_a_version_are_read_in_order(paged):
    def firsts(**more):
        return [one.first_version for one in paged.pages("a", **more)]

    assert firsts(after_version=0, limit=9) == [1, 11, 21]
    assert firsts(after_version=9, limit=2) == [1, 11]
    assert firsts(after_version=10, limit=9) == [11, 21]
    assert firsts(after_version=30, limit=9) == []
    assert paged.pages("nobody", after_version=0, limit=9) == []


def test_pages_that_are_made_anew_replace_those_of_their_stretch_and_no_others(paged):
    anew = [page("a", 1, 10, payload=b"anew"), page("a", 11, 20, payload=b"anew"), page("b", 1, 3, payload=b"anew")]
    for _ in range(2):  # Idempotent.
        paged.replace_pages(anew, partition=1, stretch=Stretch(0, 4, 5))
        assert paged.page_stretches(partition=1) == [Stretch(0, 4, 5), Stretch(4, 7, 2)]
        assert paged.page_position(partition=1) == 7
        assert paged.pages("a", after_version=0, limit=9) == [*anew[:2], page("a", 21, 30)]
        assert paged.last_page("b") == anew[2]
        assert paged.last_page("a", timestamp=15) == anew[1]


def test_documents_are_numbered_within_their_kind_and_never_overwritten(engine):
    assert engine.latest_document(kind="one") is None
    written = [Document("one", number, b"body %d" % number) for number in range(1, 13)]
    assert all(engine.append_document(document) for document in written)
    assert engine.append_document(Document("another", 1, b"x"))
    assert not engine.append_document(Document("one", 3, b"other"))
    assert engine.documents(kind="one") == written
    assert engine.documents(kind="one", after=10) == written[10:]
    assert engine.latest_document(kind="one") == written[-1]
    assert engine.documents(kind="none") == []


def test_a_sound_storage_finds_nothing_wrong_with_itself(engine):
    engine.append([batch(0, 1)])
    assert engine.problems() == []


class TestSQLite:
    def test_pages_from_before_their_version_was_kept_count_as_of_version_0(self, tmp_path):
        with sqlite_file(tmp_path / "pages.sqlite3") as old:
            old.execute("CREATE TABLE page_position (partition INTEGER, seq INTEGER, PRIMARY KEY (partition, seq))")
            old.execute("INSERT INTO page_position VALUES (1, 4)")
        for _ in range(2):
            engine = SQLiteEngine(tmp_path)
            engine.open(METADATA)
            assert engine.page_stretches(partition=1) == [Stretch(0, 4, 0)]
            engine.close()

    @pytest.fixture
    def engine(self, tmp_path):
        opened = SQLiteEngine(tmp_path)
        opened.open(METADATA)
        yield opened
        opened.close()

    @pytest.mark.parametrize("statement", ["UPDATE journal SET payload = x'00'", "DELETE FROM journal"])
    def test_the_file_itself_refuses_changes(self, engine, statement):
        engine.append([batch(0, 1)])
        with sqlite_file(engine.path) as other, pytest.raises(apsw.ConstraintError, match="append-only"):
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
