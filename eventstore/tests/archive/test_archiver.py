"""Archiving, removal and reading through the archive: nothing is lost, nothing changes, nothing goes too early."""

import msgspec
import pytest

from eventstore.archive import archiver
from eventstore.archive.archiver import Archiver, runs
from eventstore.archive.holds import place_hold, release_hold
from eventstore.archive.manifests import KIND, Catalogue
from eventstore.errors import ArchiveError, FeedGap, IntegrityError, NotInArchive
from eventstore.record import Document, partition_of
from eventstore.tests.archive.scenario import DAY, PARTITIONS, everything, findings
from eventstore.tests.counter import histories

HELD = "counter-5"
HELD_PARTITION = partition_of(HELD, PARTITIONS)


def test_what_was_removed_reads_as_if_it_were_there(scenario):
    before = everything(scenario.bare)
    assert len(before) == 40
    known = histories(scenario.store)
    manifests, removals = scenario.archive(15)
    assert [(m.partition, m.first_seq, m.last_seq) for m in manifests] == [
        (partition, first, min(first + 2, 14)) for partition in range(2) for first in (1, 4, 7, 10, 13)
    ]
    assert sum(removal.removed for removal in removals) == 28
    assert scenario.stored_seqs(0) == scenario.stored_seqs(1) == [15, 16, 17, 18, 19, 20]
    assert everything(scenario.wrapped()) == before
    store = scenario.open_wrapped()
    assert findings(store) == []
    assert histories(store) == known
    assert store.heads() == {0: 20, 1: 20}


@pytest.mark.parametrize("limit", ["EVENTS_PER_FILE_MAX", "PAYLOAD_BYTES_PER_FILE_MAX"])
def test_a_file_ends_at_the_first_limit_that_is_reached(scenario, monkeypatch, limit):
    monkeypatch.setattr(archiver, limit, 1)
    manifests, _ = scenario.archive(15)
    assert [manifest.batch_count for manifest in manifests] == [1] * 28
    assert findings(scenario.open_wrapped()) == []


def test_every_read_position_and_limit_gives_the_same_batches(scenario):
    whole = scenario.bare.read(partition=0, after_seq=0, limit=99)
    place_hold(scenario.bare, aggregate_id=HELD, reason="case 1", actor="officer", at=1)
    scenario.archive(15)
    wrapped = scenario.wrapped()
    for after_seq in range(21):
        for limit in (1, 2, 3, 5, 50):
            read = wrapped.read(partition=0, after_seq=after_seq, limit=limit)
            assert read == whole[after_seq : after_seq + limit]


def test_without_the_archive_the_removed_stretch_is_a_hole_that_stops_a_reader(scenario):
    scenario.archive(15)
    with pytest.raises(FeedGap):
        list(scenario.store.read_all(partition=0))


def test_a_hole_that_no_manifest_covers_stays_a_hole(scenario):
    scenario.archive(10, retention=1)
    scenario.bare.forget(partition=0, first_seq=12, last_seq=13, manifest_hash=bytes(32))
    store = scenario.open_wrapped()
    assert [b.seq for b in store.engine.read(partition=0, after_seq=8, limit=99)] == [9, 10, 11, *range(14, 21)]
    with pytest.raises(FeedGap) as caught:
        list(store.read_all(partition=0))
    assert (caught.value.expected_seq, caught.value.found_seq) == (12, 14)


def test_a_reader_that_was_open_before_the_removal_follows_it(scenario):
    before = everything(scenario.bare)
    wrapped = scenario.wrapped()
    assert everything(wrapped) == before
    scenario.archive(8)
    assert everything(wrapped) == before
    scenario.archive(15)
    assert everything(wrapped) == before


def test_seeking_finds_a_place_before_the_first_event_at_or_past_the_instant(scenario):
    scenario.archive(15)
    wrapped = scenario.wrapped()
    for day in range(22):
        place = wrapped.seek(partition=0, timestamp=day * DAY)
        assert max(0, day - 4) <= place < max(day, 1)
    assert wrapped.seek(partition=0, timestamp=18 * DAY) in (16, 17)
    assert wrapped.seek(partition=0, timestamp=7 * DAY) == 6


def test_younger_batches_are_archived_and_stay(scenario):
    _, removals = scenario.archive(15, now=20, retention=10)
    assert scenario.stored_seqs(0) == list(range(10, 21))
    assert sum(removal.removed for removal in removals) == 18
    assert sum(removal.young for removal in removals) == 10
    assert max(removal.last_young_timestamp for removal in removals) == 14 * DAY


def test_keeping_archives_and_removes_nothing(scenario):
    scenario.archive(15, keep=True)
    assert scenario.stored_seqs(0) == list(range(1, 21))


def test_the_newest_batch_is_archived_and_stays(scenario):
    manifests, removals = scenario.archive(40, now=99)
    assert sum(manifest.batch_count for manifest in manifests) == 40
    assert scenario.stored_seqs(0) == scenario.stored_seqs(1) == [20]
    assert sum(removal.newest for removal in removals) == 2
    scenario.live(21, 22)
    assert findings(scenario.open_wrapped()) == []


def test_a_second_run_goes_on_where_the_first_ended(scenario):
    before = everything(scenario.bare)
    scenario.archive(8)
    manifests, _ = scenario.archive(15)
    assert [(m.partition, m.first_seq, m.last_seq) for m in manifests[:3]] == [(0, 8, 10), (0, 11, 13), (0, 14, 14)]
    assert scenario.archive(15) == ([], [])
    assert everything(scenario.wrapped()) == before


def test_a_batch_with_an_event_of_a_held_account_stays_until_the_hold_is_released(scenario):
    place_hold(scenario.bare, aggregate_id=HELD, reason="case 1", actor="officer", at=1)
    _, removals = scenario.archive(15)
    assert scenario.stored_seqs(HELD_PARTITION) == [3, *range(15, 21)]
    assert scenario.stored_seqs(1 - HELD_PARTITION) == list(range(15, 21))
    assert sum(removal.held for removal in removals) == 1
    assert findings(scenario.open_wrapped()) == []
    release_hold(scenario.bare, aggregate_id=HELD, reason="closed", actor="officer", at=2)
    scenario.archive(15)
    assert scenario.stored_seqs(HELD_PARTITION) == list(range(15, 21))


def test_one_altered_byte_of_an_archive_file_is_refused_with_its_place(scenario):
    manifests, _ = scenario.archive(15)
    altered = manifests[1]
    alter(scenario, altered.file)
    with pytest.raises(IntegrityError) as caught:
        everything(scenario.wrapped())
    assert (caught.value.partition, caught.value.seq) == (0, 4)
    (finding,) = findings(scenario.open_wrapped())[:1]
    assert (finding.partition, finding.seq) == (0, 4)
    assert altered.file in finding.detail


def test_nothing_is_removed_when_the_archive_file_was_altered_or_is_gone(scenario):
    manifests, _ = scenario.archive(15, keep=True)
    alter(scenario, manifests[0].file)
    with pytest.raises(IntegrityError):
        list(scenario.archiver(now=30).remove(before=15 * DAY))
    (scenario.storage.folder / manifests[0].file).unlink()
    with pytest.raises(NotInArchive):
        list(scenario.archiver(now=30).remove(before=15 * DAY))
    assert scenario.stored_seqs(0) == scenario.stored_seqs(1) == list(range(1, 21))


def test_an_altered_manifest_document_is_not_believed(scenario):
    manifests, _ = scenario.archive(4, keep=True)
    forged = msgspec.structs.replace(manifests[0], partition=0, first_seq=4, last_seq=9)
    assert scenario.bare.append_document(Document(KIND, 3, forged.encode()))
    with pytest.raises(ArchiveError, match="signature"):
        Catalogue(scenario.bare, verify=scenario.verify).refresh()


def test_an_altered_batch_is_not_archived(scenario):
    class Altered:
        def __getattr__(self, name):
            return getattr(scenario.bare, name)

        def reopened(self):
            return self

        def read(self, **where):
            batches = scenario.bare.read(**where)
            return [msgspec.structs.replace(b, last_timestamp=b.last_timestamp + (b.seq == 2)) for b in batches]

    with pytest.raises(IntegrityError) as caught:
        scenario.archive(15, engine=Altered())
    assert (caught.value.partition, caught.value.seq) == (0, 2)
    assert scenario.bare.documents(kind=KIND) == []
    assert scenario.stored_seqs(0) == list(range(1, 21))


def test_two_runs_at_a_time_never_record_the_same_batches_twice(scenario):
    first = scenario.archiver(now=30).archive(before=15 * DAY)
    next(first)
    list(scenario.archiver(now=30).archive(before=15 * DAY))
    with pytest.raises(ArchiveError, match="another archive run"):
        list(first)
    Catalogue(scenario.bare, verify=scenario.verify).refresh()


@pytest.mark.parametrize(("seqs", "found"), [([], []), ([4], [(4, 4)]), ([1, 2, 5, 7, 8, 9], [(1, 2), (5, 5), (7, 9)])])
def test_runs_have_no_hole(seqs, found):
    assert runs(seqs) == found


class TestPlantedBugs:
    """The tests above are worth something: they fail for an archiver that removes what it must not."""

    def test_an_archiver_that_removes_without_reading_the_file_is_caught(self, scenario):
        class Hasty(Archiver):
            def _check_archived(self, manifest, batches):
                pass

        manifests, _ = scenario.archive(15, keep=True)
        alter(scenario, manifests[0].file)
        list(scenario.archiver(now=30, cls=Hasty).remove(before=15 * DAY))
        assert scenario.stored_seqs(0) != list(range(1, 21))
        with pytest.raises(IntegrityError):
            everything(scenario.wrapped())


def alter(scenario, name):
    path = scenario.storage.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
