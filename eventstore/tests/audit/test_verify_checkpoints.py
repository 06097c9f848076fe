"""Tampering that only signed checkpoints can show, and tampering with the checkpoints themselves: each is planted."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eventstore.audit.checkpointing import CHECKPOINT_KIND, make_checkpoint
from eventstore.audit.verify import PartitionRun
from eventstore.audit.verify_checkpoints import verify_checkpoints
from eventstore.engines.memory import MemoryEngine
from eventstore.integrity.checkpoints import decode, encode, key_id, sign
from eventstore.integrity.hashing import batch_hash
from eventstore.record import Document
from eventstore.tests.counter import CounterDecider, add, open_counters

KEY = Ed25519PrivateKey.generate()
TRUSTED = [KEY.public_key().public_bytes_raw()]
NAMES = [f"counter-{n}" for n in range(8)]


def write(store, first, count, amount=1):
    writer = store.writer(CounterDecider())
    for group in range(first, first + count):
        writer.execute([add(name, amount, f"{group}") for name in NAMES])


@pytest.fixture
def store():
    """Two partitions of 20 batches; checkpoints 1, 2 and 3 at seq 5, 12 and 20."""
    made = open_counters(MemoryEngine(), partition_count=2)
    written = 0
    for upto in (5, 12, 20):
        write(made, written, upto - written)
        written = upto
        make_checkpoint(made, key=KEY, now=upto)
    return made


def findings(store, **more):
    """Return every finding about the checkpoints and about the journal, as texts."""
    checkpoints = verify_checkpoints(store, trusted_keys=TRUSTED, **more)
    found = [str(finding) for finding in checkpoints.findings]
    for number in range(store.partition_count):
        for _, of_batch in PartitionRun(store, number, heads=checkpoints.heads.get(number, ())).run():
            found += [str(finding) for finding in of_batch]
    return found


def journal(store, partition):
    return store.engine._partitions[partition]


def documents(store):
    return store.engine._documents[CHECKPOINT_KIND]


def rewrite_chain(store, partition, first_seq):
    """Put every hash and link right from a seq on, as an attacker without the signing key would."""
    previous = journal(store, partition)[first_seq - 1].hash if first_seq > 1 else store.genesis(partition)
    for seq in sorted(seq for seq in journal(store, partition) if seq >= first_seq):
        batch = msgspec.structs.replace(journal(store, partition)[seq], seq=seq, previous_hash=previous)
        batch = msgspec.structs.replace(batch, hash=batch_hash(batch))
        journal(store, partition)[seq] = batch
        previous = batch.hash


def test_a_sound_store_has_no_findings(store):
    assert findings(store) == []
    write(store, 20, 3)
    assert findings(store) == []


@pytest.mark.parametrize(("removed", "first"), [(1, 3), (8, 3), (9, 2), (20, 1)])
def test_newest_batches_that_were_removed_are_missed(store, removed, first):
    """Nothing in the journal that is left shows it."""
    for seq in range(21 - removed, 21):
        del journal(store, 1)[seq]
    assert [found for _, found in PartitionRun(store, 1).run() if found] == []
    (found,) = findings(store)
    assert found.startswith(f"partition 1, seq {21 - removed}, ")
    assert f"ends at seq {20 - removed}, and checkpoint {first} names" in found
    assert f"at least {removed} of the newest batches were removed" in found


def test_a_tail_that_was_replaced_by_other_events_is_found(store):
    for partition in range(2):
        for seq in range(16, 21):
            del journal(store, partition)[seq]
    write(store, 100, 8, amount=50)
    assert [found for number in range(2) for _, found in PartitionRun(store, number).run() if found] == []
    found = findings(store)
    assert len(found) == 2
    assert all("another batch than the one that checkpoint 3 names" in each for each in found)


def test_a_history_that_was_written_anew_with_all_its_hashes_is_found(store):
    journal(store, 0)[7] = msgspec.structs.replace(journal(store, 0)[7], batch_id=b"\x07" * 16)
    rewrite_chain(store, 0, 7)
    assert [found for _, found in PartitionRun(store, 0).run() if found] == []
    found = findings(store)
    assert [each.split(":")[0] for each in found] == [
        "partition 0, seq 12, account unknown, version unknown",
        "partition 0, seq 20, account unknown, version unknown",
    ]


def test_a_batch_that_was_altered_before_an_unaltered_head_is_found_by_its_tree(store):
    """Only the stored hash of a middle batch is changed: its own findings, and the signed tree's."""
    batch = journal(store, 0)[9]
    journal(store, 0)[9] = msgspec.structs.replace(batch, hash=b"\x01" * 32)
    found = findings(store)
    assert [each for each in found if "not those of the tree that checkpoint 2 names" in each]
    assert {each.split(",")[1] for each in found} == {" seq 9", " seq 10", " seq 12"}


def test_swapped_batches_are_found(store):
    held = journal(store, 0)
    held[9], held[10] = (
        msgspec.structs.replace(held[10], seq=9),
        msgspec.structs.replace(held[9], seq=10),
    )
    assert {each.split(",")[1] for each in findings(store)} >= {" seq 9", " seq 10"}


def test_a_deleted_batch_is_found(store):
    del journal(store, 0)[9]
    assert findings(store)[0].startswith("partition 0, seq 9, account unknown, version unknown: missing")


def test_a_replayed_batch_is_found(store):
    journal(store, 0)[21] = msgspec.structs.replace(journal(store, 0)[20], seq=21)
    assert {each.split(",")[1] for each in findings(store)} == {" seq 21"}


def test_a_replayed_batch_with_its_links_put_right_is_found_by_the_versions(store):
    journal(store, 0)[21] = msgspec.structs.replace(journal(store, 0)[20], seq=21)
    rewrite_chain(store, 0, 21)
    found = findings(store)
    assert {each.split(",")[1] for each in found} == {" seq 21"}
    assert all("the version before it is 20" in each for each in found)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_altered_checkpoint_is_found(store, number):
    made = decode(documents(store)[number].body)
    altered = msgspec.structs.replace(made, statement=msgspec.structs.replace(made.statement, made_at=99))
    documents(store)[number] = Document(CHECKPOINT_KIND, number, encode(altered))
    assert findings(store) == [f"checkpoint {number}: the signature is not that of the statement: it was altered"]


def test_a_checkpoint_that_is_not_one_any_more_is_found(store):
    documents(store)[2] = Document(CHECKPOINT_KIND, 2, b"{")
    (found,) = findings(store)
    assert found.startswith("checkpoint 2: the document is not a checkpoint")


def test_a_removed_checkpoint_is_found(store):
    del documents(store)[2]
    assert findings(store) == ["checkpoint 2: missing: checkpoint 3 is the next"]


def test_the_first_checkpoint_removed_is_found(store):
    del documents(store)[1]
    assert findings(store) == ["checkpoint 1: missing: checkpoint 2 is the next"]


def test_the_newest_checkpoint_removed_with_its_batches_is_found_by_whoever_kept_a_copy(store):
    kept = msgspec.structs.replace(decode(documents(store)[3].body), frontiers=())
    del documents(store)[3]
    for partition in range(2):
        for seq in range(13, 21):
            del journal(store, partition)[seq]
    assert findings(store) == []
    found = findings(store, known=[kept])
    assert found[0] == "checkpoint 3: missing: it was signed, as the copy of it shows that was given"
    assert len(found) == 3
    assert all("at least 8 of the newest batches were removed" in each for each in found[1:])


def test_a_copy_that_differs_from_the_stored_checkpoint_is_found(store):
    other = open_counters(MemoryEngine(), partition_count=2)
    other.metadata = store.metadata
    kept = make_checkpoint(other, key=KEY, now=5)
    (found,) = [each for each in findings(store, known=[kept]) if each.startswith("checkpoint")]
    assert found == "checkpoint 1: it is another one than the copy of it that was given"


def test_a_checkpoint_forged_with_another_key_is_found(store):
    forger = Ed25519PrivateKey.generate()
    for partition in range(2):
        del journal(store, partition)[20]
    made = decode(documents(store)[3].body)
    second = decode(documents(store)[2].body)
    statement = msgspec.structs.replace(
        made.statement,
        key_id=key_id(forger.public_key().public_bytes_raw()),
        partitions=second.statement.partitions,
    )
    forged = sign(statement, key=forger, frontiers=[second.frontier(0), second.frontier(1)])
    documents(store)[3] = Document(CHECKPOINT_KIND, 3, encode(forged))
    (found,) = findings(store)
    assert found.startswith("checkpoint 3: it is signed with key")
    assert "not a key that is trusted here" in found


def test_a_checkpoint_moved_to_another_place_is_found(store):
    documents(store)[4] = Document(CHECKPOINT_KIND, 4, documents(store)[3].body)
    assert findings(store) == ["checkpoint 4: it is checkpoint 3, which stands in the place of 4"]


def test_a_checkpoint_of_the_right_key_that_does_not_follow_is_found(store):
    made = decode(documents(store)[3].body)
    statement = msgspec.structs.replace(made.statement, previous_hash="11" * 32)
    again = sign(statement, key=KEY, frontiers=[made.frontier(0), made.frontier(1)])
    documents(store)[3] = Document(CHECKPOINT_KIND, 3, encode(again))
    assert findings(store) == ["checkpoint 3: it does not follow the checkpoint before it (chain broken)"]


def test_a_checkpoint_of_another_store_is_found(store):
    other = open_counters(MemoryEngine(), partition_count=2)
    write(other, 0, 1)
    make_checkpoint(other, key=KEY, now=1)
    documents(store)[1] = documents(other)[1]
    (found,) = findings(store)
    assert "checkpoint 1: it is about store" in found


@pytest.mark.parametrize("stop", range(0, 21, 4))
def test_a_run_that_stopped_anywhere_goes_on_and_finds_the_same(store, stop):
    held = journal(store, 0)
    held[7] = msgspec.structs.replace(held[7], event_count=3)
    del held[20]
    heads = verify_checkpoints(store, trusted_keys=TRUSTED).heads[0]
    whole = PartitionRun(store, 0, heads=heads)
    for _ in whole.run():
        pass
    begun = PartitionRun(store, 0, heads=heads)
    running = begun.run()
    for _ in range(stop):
        next(running, None)
    again = PartitionRun(store, 0, heads=heads, progress=begun.progress())
    for _ in again.run():
        pass
    assert again.findings == whole.findings
    assert len(again.findings) == 3
    assert (again.batch_count, again.event_count) == (whole.batch_count, whole.event_count)


def test_progress_does_not_hide_what_was_altered_where_it_stands_or_what_checkpoints_said_since(store):
    heads = verify_checkpoints(store, trusted_keys=TRUSTED).heads[0]
    begun = PartitionRun(store, 0, heads=heads[:1])
    running = begun.run()
    for _ in range(15):
        next(running)
    progress = begun.progress()
    assert PartitionRun(store, 0, heads=heads[:1], progress=progress).batch_count == 15
    assert PartitionRun(store, 0, heads=heads, progress=progress).batch_count == 0
    journal(store, 0)[15] = msgspec.structs.replace(journal(store, 0)[15], hash=b"\x00" * 32)
    assert PartitionRun(store, 0, heads=heads[:1], progress=progress).batch_count == 0
