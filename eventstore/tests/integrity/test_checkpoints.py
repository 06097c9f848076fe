"""Checkpoints: what they name, that they go on from one another, and that nothing false is ever signed."""

import multiprocessing
import stat

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from eventstore.audit.checkpointing import CHECKPOINT_KIND, latest_checkpoint, make_checkpoint, numbered_checkpoint
from eventstore.audit.signing_keys import former_public_keys, public_pem, raw_public_key, read_public_key, signing_key
from eventstore.engines.memory import MemoryEngine
from eventstore.errors import ConfigurationMismatch, IntegrityError
from eventstore.integrity.checkpoints import check, decode, encode, key_id, signed_bytes
from eventstore.integrity.merkle import merkle_root
from eventstore.record import Document
from eventstore.tests.counter import CounterDecider, add, open_counters

KEY = Ed25519PrivateKey.generate()
TRUSTED = [KEY.public_key().public_bytes_raw()]
NAMES = [f"counter-{n}" for n in range(12)]


class CountingEngine(MemoryEngine):
    """Counts the batches that were read."""

    def __init__(self):
        super().__init__()
        self.read_count = 0

    def read(self, **arguments):
        batches = super().read(**arguments)
        self.read_count += len(batches)
        return batches


@pytest.fixture
def store():
    return open_counters(CountingEngine(), partition_count=3)


def write(store, first, count):
    writer = store.writer(CounterDecider())
    for group in range(first, first + count):
        writer.execute([add(name, 1, f"{group}") for name in NAMES])


def hashes(store, partition):
    return [batch.hash for batch in store.engine.read(partition=partition, after_seq=0, limit=10_000)]


def test_a_checkpoint_names_the_head_and_the_root_of_every_partition(store):
    write(store, 0, 7)
    made = make_checkpoint(store, key=KEY, now=1_000)
    assert [head.seq for head in made.statement.partitions] == [7, 7, 7]
    for head in made.statement.partitions:
        batch_hashes = hashes(store, head.partition)
        assert (head.hash, head.root) == (batch_hashes[-1].hex(), merkle_root(batch_hashes).hex())
    check(made, store_id=store.metadata.store_id, number=1, trusted_keys=TRUSTED)
    assert decode(encode(made)) == made == latest_checkpoint(store)


def test_an_empty_store_has_a_checkpoint_of_genesis_hashes(store):
    made = make_checkpoint(store, key=KEY, now=1_000)
    assert {(head.seq, head.root) for head in made.statement.partitions} == {(0, merkle_root([]).hex())}
    assert [head.hash for head in made.statement.partitions] == [store.genesis(n).hex() for n in range(3)]
    check(made, store_id=store.metadata.store_id, number=1, trusted_keys=TRUSTED)


def test_the_next_checkpoint_reads_only_what_came_since_and_gives_the_same_roots(store):
    write(store, 0, 20)
    make_checkpoint(store, key=KEY, now=1_000)
    write(store, 20, 3)
    store.engine.read_count = 0
    second = make_checkpoint(store, key=KEY, now=2_000)
    assert store.engine.read_count == 3 * 3
    assert [head.root for head in second.statement.partitions] == [
        merkle_root(hashes(store, n)).hex() for n in range(3)
    ]
    assert second.statement.number == 2


def test_nothing_is_made_when_nothing_is_new(store):
    assert make_checkpoint(store, key=KEY, now=1, only_if_new=True) is None
    write(store, 0, 1)
    assert make_checkpoint(store, key=KEY, now=2, only_if_new=True).statement.number == 1
    assert make_checkpoint(store, key=KEY, now=3, only_if_new=True) is None
    assert [document.number for document in store.engine.documents(kind=CHECKPOINT_KIND)] == [1]
    assert make_checkpoint(store, key=KEY, now=4).statement.number == 2


def test_the_newest_checkpoint_is_found(store):
    assert latest_checkpoint(store) is None
    made = [make_checkpoint(store, key=KEY, now=now) for now in (1, 2, 3)]
    assert latest_checkpoint(store) == made[-1]


def test_a_checkpoint_that_was_overtaken_is_made_again_on_the_one_that_won(store):
    write(store, 0, 2)
    append, raced = store.engine.append_document, []

    def append_after_another(document):
        if not raced:
            raced.append(True)
            store.engine.append_document = append
            make_checkpoint(store, key=KEY, now=5)
            store.engine.append_document = append_after_another
        return append(document)

    store.engine.append_document = append_after_another
    made = make_checkpoint(store, key=KEY, now=6)
    assert made.statement.number == 2
    assert numbered_checkpoint(store, 1).statement.made_at == 5


def test_the_instant_never_goes_back(store):
    make_checkpoint(store, key=KEY, now=50)
    assert make_checkpoint(store, key=KEY, now=40).statement.made_at == 50


def test_a_truncated_journal_is_not_signed(store):
    write(store, 0, 5)
    make_checkpoint(store, key=KEY, now=1)
    del store.engine._partitions[1][5]
    with pytest.raises(IntegrityError, match="newest batches are missing"):
        make_checkpoint(store, key=KEY, now=2)
    assert len(store.engine.documents(kind=CHECKPOINT_KIND)) == 1


def test_a_journal_that_was_truncated_and_written_on_is_not_signed(store):
    write(store, 0, 5)
    make_checkpoint(store, key=KEY, now=1)
    for partition in range(3):
        del store.engine._partitions[partition][5]
    write(store, 100, 3)
    with pytest.raises(IntegrityError, match="chain broken"):
        make_checkpoint(store, key=KEY, now=2)


def test_nothing_is_built_on_a_checkpoint_of_another_key_or_with_another_frontier(store):
    write(store, 0, 3)
    first = make_checkpoint(store, key=KEY, now=1)
    other = Ed25519PrivateKey.generate()
    with pytest.raises(IntegrityError, match="not a key that is trusted"):
        make_checkpoint(store, key=other, now=2)
    assert make_checkpoint(store, key=other, former_keys=TRUSTED, now=2).statement.number == 2
    moved = msgspec.structs.replace(first, frontiers=(first.frontiers[0], first.frontiers[0], first.frontiers[2]))
    store.engine._documents[CHECKPOINT_KIND] = {1: Document(CHECKPOINT_KIND, 1, encode(moved))}
    with pytest.raises(IntegrityError, match="does not give the signed root"):
        make_checkpoint(store, key=KEY, now=3)


def leaves(value, path=()):
    """Yield the place of every leaf of a JSON value."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[key], (*path, key))
    else:
        yield path


def test_every_altered_value_of_a_checkpoint_is_refused(store):
    write(store, 0, 5)
    body = encode(make_checkpoint(store, key=KEY, now=1))
    places = list(leaves(msgspec.json.decode(body)))
    assert len(places) == 6 + 3 * 4 + 2 + 3 * 2
    for *path, last in places:
        changed = msgspec.json.decode(body)
        target = changed
        for step in path:
            target = target[step]
        old = target[last]
        target[last] = old + 1 if isinstance(old, int) else ("1" if old[0] == "0" else "0") + old[1:]
        with pytest.raises(ValueError, match=r"."):
            check(
                decode(msgspec.json.encode(changed)),
                store_id=store.metadata.store_id,
                number=1,
                trusted_keys=TRUSTED,
            )


def test_the_signed_bytes_are_a_format(store):
    statement = make_checkpoint(store, key=KEY, now=1).statement
    statement = msgspec.structs.replace(statement, store_id="s", key_id="k", partitions=statement.partitions[:1])
    (head,) = statement.partitions
    assert signed_bytes(statement).decode() == (
        'event-store checkpoint\n{"format":1,"key_id":"k","made_at":1,"number":1,"partitions":'
        f'[{{"hash":"{head.hash}","partition":0,"root":"{head.root}","seq":0}}],'
        f'"previous_hash":"{"00" * 32}","store_id":"s"}}'
    )


def test_a_checkpoint_that_is_not_there_is_named_with_the_newest(store):
    make_checkpoint(store, key=KEY, now=1)
    for number in (0, 2):
        with pytest.raises(ValueError, match=f"no checkpoint {number}: the newest is 1"):
            numbered_checkpoint(store, number)


class TestKeys:
    def test_a_key_is_made_once_readable_by_its_owner_only(self, tmp_path):
        path = tmp_path / "keys" / "signing.pem"
        key = signing_key(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert raw_public_key(signing_key(path)) == raw_public_key(key)
        assert [found.name for found in path.parent.iterdir()] == ["signing.pem"]

    def test_processes_that_race_get_one_key(self, tmp_path):
        path = tmp_path / "keys" / "signing.pem"
        with multiprocessing.get_context("fork").Pool(8) as pool:
            found = pool.map(public_key_at, [path] * 32)
        assert len(set(found)) == 1
        assert [left.name for left in path.parent.iterdir()] == ["signing.pem"]

    def test_the_public_half_can_be_given_away_and_kept_after_a_change_of_keys(self, tmp_path):
        key = signing_key(tmp_path / "signing.pem")
        (tmp_path / "former.public.pem").write_bytes(public_pem(key))
        assert read_public_key(tmp_path / "former.public.pem") == raw_public_key(key)
        assert former_public_keys(tmp_path / "signing.pem") == [raw_public_key(key)]
        assert key_id(raw_public_key(key)) == key_id(read_public_key(tmp_path / "former.public.pem"))

    def test_a_file_that_is_no_key_is_refused(self, tmp_path):
        (tmp_path / "text").write_text("no key")
        with pytest.raises(ConfigurationMismatch, match="cannot be read as a private key"):
            signing_key(tmp_path / "text")
        other = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / "other").write_bytes(other)
        with pytest.raises(ConfigurationMismatch, match="expected Ed25519"):
            signing_key(tmp_path / "other")


def public_key_at(path):
    return raw_public_key(signing_key(path))
