"""A store that is filled from the archive, or up to an instant, is the old one: same identity, hashes and heads."""

import msgspec
import pytest

from eventstore.archive.manifests import whole_archive
from eventstore.archive.restoring import LeftOut, import_archive, read_manifests, restore
from eventstore.audit.signing_keys import verifier
from eventstore.engines.memory import MemoryEngine
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.errors import ArchiveError, IntegrityError, NotInArchive
from eventstore.integrity.hashing import FORMAT
from eventstore.tests.archive.scenario import DAY, everything, findings
from eventstore.tests.archive.test_archiver import alter
from eventstore.tests.counter import Added, CounterDecider, add, histories, open_counters
from eventstore.tests.reference import sealed


@pytest.fixture(params=["memory", "sqlite"])
def target(request, tmp_path):
    engine = MemoryEngine() if request.param == "memory" else SQLiteEngine(tmp_path / "target")
    yield engine
    engine.close()


def imported(scenario, target):
    manifests = read_manifests(scenario.storage, verify=scenario.verify)
    steps = import_archive(manifests, storage=scenario.storage, engine=target, codec=scenario.codec)
    return sum(len(step) for step in steps)


def restored(scenario, target, to):
    left_out: list[LeftOut] = []
    steps = restore(
        scenario.wrapped(),
        metadata=scenario.store.metadata,
        codec=scenario.codec,
        target=target,
        to=to,
        left_out=left_out,
    )
    return sum(len(step) for step in steps), left_out


def test_an_imported_store_is_the_old_one(scenario, target):
    scenario.archive(40, now=99)
    whole = everything(scenario.wrapped())
    assert imported(scenario, target) == 40
    store = open_counters(target, partition_count=2)
    assert store.metadata == scenario.store.metadata
    assert store.heads() == scenario.store.heads() == {0: 20, 1: 20}
    assert everything(target) == whole
    assert findings(store) == []


def test_an_imported_store_takes_new_events(scenario, target):
    scenario.archive(40, now=99)
    imported(scenario, target)
    store = open_counters(target, partition_count=2)
    store.writer(CounterDecider()).execute([add("counter-0", 5, "new")])
    assert histories(store)["counter-0"] == [day * (day + 1) // 2 for day in range(1, 21)] + [215]
    assert findings(store) == []


def test_an_import_into_a_store_that_has_anything_is_refused(scenario, target):
    scenario.archive(15)
    imported(scenario, target)
    before = everything(target)
    with pytest.raises(ArchiveError, match="not empty"):
        imported(scenario, target)
    assert everything(target) == before


def test_an_import_into_another_store_is_refused(scenario, target):
    scenario.archive(15)
    open_counters(target, partition_count=2)
    with pytest.raises(ArchiveError, match="there is a store already"):
        imported(scenario, target)
    assert target.heads() == {}


def test_an_altered_file_ends_an_import_with_its_place(scenario, target):
    manifests, _ = scenario.archive(15)
    alter(scenario, manifests[1].file)
    with pytest.raises(IntegrityError) as caught:
        imported(scenario, target)
    assert (caught.value.partition, caught.value.seq) == (0, 4)


def test_an_archive_with_a_missing_file_or_manifest_is_refused(scenario, target):
    manifests, _ = scenario.archive(15)
    (scenario.storage.folder / manifests[1].file).unlink()
    with pytest.raises(NotInArchive):
        imported(scenario, target)
    (scenario.storage.folder / manifests[1].name).unlink()
    with pytest.raises(ArchiveError, match=r"partition 0: seq 4 should come next and .* begins with 7"):
        read_manifests(scenario.storage, verify=scenario.verify)


def test_an_archive_of_another_format_is_refused(scenario):
    manifests, _ = scenario.archive(15)
    older = msgspec.structs.replace(manifests[0].metadata, format=FORMAT - 1)
    with pytest.raises(ArchiveError, match=rf"has format {FORMAT - 1} and this release reads format {FORMAT}: use the"):
        whole_archive(msgspec.structs.replace(each, metadata=older) for each in manifests)


def test_an_archive_signed_by_an_unknown_key_is_refused(scenario, tmp_path):
    scenario.archive(15)
    with pytest.raises(ArchiveError, match=r"put [0-9a-f]{16}\.pub beside"):
        read_manifests(scenario.storage, verify=verifier(tmp_path / "nothing.pem"))


def test_an_empty_folder_is_no_archive(scenario):
    with pytest.raises(ArchiveError, match="no manifest is there"):
        read_manifests(scenario.storage, verify=scenario.verify)


@pytest.mark.parametrize(("to", "batches"), [(0, 0), (DAY - 1, 0), (DAY, 2), (7 * DAY + 5, 14), (99 * DAY, 40)])
def test_a_restore_holds_exactly_what_had_happened(scenario, target, to, batches):
    scenario.archive(15)
    assert restored(scenario, target, to) == (batches, [])
    store = open_counters(target, partition_count=2)
    assert store.metadata == scenario.store.metadata
    assert everything(target) == [b for b in everything(scenario.wrapped()) if b.last_timestamp <= to]
    assert findings(store) == []


def append_straddling(scenario, partition, instants):
    """Append a batch whose commits are of several instants, as writers of before gave them."""
    version = len(histories(scenario.store)["counter-0"]) + 1
    headers = [("counter-0", version + n, at, f"late {n}", None, None, "a", None) for n, at in enumerate(instants)]
    events = [(Added(1, 210 + n),) for n in range(1, len(instants) + 1)]
    head = [batch for batch in everything(scenario.bare) if batch.partition == partition][-1]
    batch = sealed(
        headers, events, codec=scenario.codec, partition=partition, seq=head.seq + 1, previous_hash=head.hash
    )
    assert scenario.bare.append([batch]) == [None]


def test_a_batch_that_straddles_the_instant_is_left_out_and_counted(scenario, target):
    partition = scenario.store.partition_of("counter-0")
    append_straddling(scenario, partition, [21 * DAY + place for place in range(4)])
    count, left_out = restored(scenario, target, 21 * DAY + 2)
    assert count == 40
    assert left_out == [LeftOut(partition, 21, 3, 21 * DAY, 21 * DAY + 2)]
    assert target.heads() == {0: 20, 1: 20}
