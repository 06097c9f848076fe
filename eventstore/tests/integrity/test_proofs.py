"""Exported proofs, checked by the stand-alone script in a process of its own that has nothing but Python."""

import copy
import importlib.util
import json
import random
import shutil
import subprocess
import sys
from datetime import UTC
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.audit.checkpointing import make_checkpoint
from eventstore.audit.proving import prove_consistency, prove_event
from eventstore.audit.signing_keys import public_pem
from eventstore.engines.memory import MemoryEngine
from eventstore.integrity.checkpoints import key_id
from eventstore.integrity.hashing import event_id
from eventstore.integrity.proofs import readable
from eventstore.tests.counter import CounterDecider, add, open_counters
from eventstore.tests.integrity.test_checkpoints import leaves

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "verify_proof.py"
KEY = Ed25519PrivateKey.generate()
NAMES = [f"counter-{n}" for n in range(9)]


def load_script():
    spec = importlib.util.spec_from_file_location("verify_proof", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()


@pytest.fixture(scope="module")
def store():
    """Checkpoints 1 to 3 over 2, 5 and 11 batches in each of two partitions."""
    made = open_counters(MemoryEngine(), partition_count=2)
    writer = made.writer(CounterDecider())
    written = 0
    for upto in (2, 5, 11):
        for group in range(written, upto):
            requests = [add(name, group + 1, f"{group}", metadata={"from": "a test"}) for name in NAMES]
            writer.execute(requests)
        written = upto
        make_checkpoint(made, key=KEY, now=1_700_000_000_000_000 + upto)
    return made


@pytest.fixture
def run(tmp_path):
    """Return a function that checks a proof with the script alone in an empty folder."""
    shutil.copy(SCRIPT, tmp_path / "verify_proof.py")

    def check(proof, *arguments):
        text = proof if isinstance(proof, str) else json.dumps(proof)
        (tmp_path / "proof.json").write_text(text)
        return subprocess.run(
            [sys.executable, "-I", "-S", "verify_proof.py", "proof.json", *arguments],
            cwd=tmp_path,
            env={},
            capture_output=True,
            text=True,
            check=False,
        )

    return check


def is_accepted(proof, pinned=lambda key: None):
    """Check as the script does, in this process: there are hundreds of alterations."""
    try:
        script.verify(json.loads(json.dumps(proof), object_pairs_hook=script.no_duplicates), pinned, lambda line: None)
    except (script.Rejected, ValueError):
        return False
    return True


def alterations(value):
    """Yield other values for a leaf: near ones, other types, other forms of the same."""
    if isinstance(value, bool) or value is None:
        yield from (True, 0, "") if not value else (False, 1)
    elif isinstance(value, int):
        yield from (value + 1, value - 1, float(value), str(value), None)
    else:
        yield from (value + "0", value[:-1], None, 0)
        yield from (value.upper(), value.lower(), f" {value}")
        for place in {0, len(value) // 2, len(value) - 1} if value else ():
            yield value[:place] + ("1" if value[place] != "1" else "2") + value[place + 1 :]


def assert_every_alteration_is_rejected(proof):
    """Return how many values were altered, each in every way."""
    altered = set()
    for *path, last in list(leaves(proof)):
        changed = copy.deepcopy(proof)
        target = changed
        for step in path:
            target = target[step]
        old = target[last]
        for new in alterations(old):
            if (type(new), new) == (type(old), old):
                continue
            target[last] = new
            assert not is_accepted(changed), (path, last, old, new)
            altered.add((*path, last))
    return len(altered)


def test_the_proof_of_every_event_is_accepted(store):
    for name in NAMES:
        for version in range(1, 12):
            proof = prove_event(store, aggregate_id=name, version=version)
            assert is_accepted(proof)
            assert proof["checkpoint"]["statement"]["number"] == (1 if version <= 2 else 2 if version <= 5 else 3)
            assert list(proof["event"]["fields"].values()) == [version, version * (version + 1) // 2]


def test_a_proof_to_a_later_checkpoint_is_accepted_and_to_an_earlier_one_refused(store):
    proof = prove_event(store, aggregate_id=NAMES[0], version=3, checkpoint_number=3)
    assert proof["checkpoint"]["statement"]["number"] == 3
    assert is_accepted(proof)
    with pytest.raises(ValueError, match="made before this event"):
        prove_event(store, aggregate_id=NAMES[0], version=3, checkpoint_number=1)


def test_the_id_in_a_proof_is_that_of_the_event(store):
    partition = store.partition_of(NAMES[0])
    (batch,) = store.read_batches(partition=partition, after_seq=3, limit=1)
    commit = next(commit for commit in batch.commits if commit.aggregate_id == NAMES[0])
    assert prove_event(store, aggregate_id=NAMES[0], version=4)["event"]["event_id"] == commit.event_ids[0]
    assert script.event_id(bytes(range(32))) == event_id(bytes(range(32)))


def test_every_altered_value_of_an_event_proof_is_rejected(store):
    assert assert_every_alteration_is_rejected(prove_event(store, aggregate_id=NAMES[4], version=4)) == 53
    assert assert_every_alteration_is_rejected(prove_event(store, aggregate_id=NAMES[4], version=1)) == 51


def test_every_altered_value_of_a_consistency_proof_is_rejected(store):
    assert assert_every_alteration_is_rejected(prove_consistency(store, old_number=1, new_number=3)) == 40


def accepts_any_case(value, size, what):
    return strict_hex(value.lower() if isinstance(value, str) else value, size, what)


def accepts_any_number(value, what):
    return strict_number(int(value) if isinstance(value, float) else value, what)


strict_hex, strict_number = script.from_hex, script.number


@pytest.mark.parametrize(
    ("check", "planted"),
    [
        ("ed25519_verify", lambda *_: True),
        ("from_hex", accepts_any_case),
        ("number", accepts_any_number),
        ("is_consistent", lambda *_: True),
    ],
)
def test_a_verifier_with_a_check_too_few_is_caught_by_the_alterations(store, monkeypatch, check, planted):
    event = prove_event(store, aggregate_id=NAMES[4], version=4)
    consistency = prove_consistency(store, old_number=1, new_number=3)
    monkeypatch.setattr(script, check, planted)
    assert is_accepted(event)
    assert is_accepted(consistency)
    with pytest.raises(AssertionError):
        assert_every_alteration_is_rejected(consistency if check == "is_consistent" else event)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (1, 3), (2, 3)])
def test_consistency_proofs_are_accepted_and_short(store, old, new):
    proof = prove_consistency(store, old_number=old, new_number=new)
    assert is_accepted(proof)
    assert max(map(len, proof["partition_paths"])) <= 5


def test_added_removed_and_exchanged_parts_are_rejected(store):
    proof = prove_event(store, aggregate_id=NAMES[4], version=4)
    other = prove_event(store, aggregate_id=NAMES[5], version=4)
    for part in ("event", "batch", "batch_path", "checkpoint"):
        if proof[part] != other[part]:
            assert not is_accepted({**proof, part: other[part]})
        assert not is_accepted({name: value for name, value in proof.items() if name != part})
    later = prove_event(store, aggregate_id=NAMES[4], version=4, checkpoint_number=3)
    assert not is_accepted({**proof, "checkpoint": later["checkpoint"]})
    assert not is_accepted({**proof, "comment": "all is well"})
    assert not is_accepted({**proof, "kind": "event-store/consistency-proof"})


def test_the_script_alone_accepts_sound_proofs_and_says_what_it_checked(store, run, tmp_path):
    done = run(prove_event(store, aggregate_id=NAMES[2], version=7))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"the readable form of {NAMES[2]}, version 7, equals the bytes that are hashed" in done.stdout
    assert "proven: this Added was recorded at" in done.stdout
    assert "note: the key is the one inside the proof" in done.stdout
    done = run(prove_consistency(store, old_number=1, new_number=3))
    assert (done.returncode, done.stderr) == (0, "")
    assert "proven: nothing recorded up to checkpoint 1 was changed by checkpoint 3" in done.stdout


def test_the_script_alone_rejects_each_altered_part_with_exit_code_1(store, run):
    proof = prove_event(store, aggregate_id=NAMES[2], version=7)
    for part, name in [
        ("event", "version"),
        ("event", "event_base64"),
        ("batch", "merkle_root"),
        ("batch", "hash"),
        ("checkpoint", "signature"),
        ("checkpoint", "public_key"),
    ]:
        changed = copy.deepcopy(proof)
        changed[part][name] = next(iter(alterations(proof[part][name])))
        done = run(changed)
        assert (done.returncode, done.stderr) == (1, "")
        assert "REJECTED: " in done.stdout


def test_the_script_alone_holds_to_the_key_that_is_trusted(store, run, tmp_path):
    proof = prove_event(store, aggregate_id=NAMES[2], version=7)
    raw = KEY.public_key().public_bytes_raw()
    (tmp_path / "key.pem").write_bytes(public_pem(KEY))
    (tmp_path / "other.pem").write_bytes(public_pem(Ed25519PrivateKey.generate()))
    for arguments in (["--key-id", key_id(raw)], ["--public-key", raw.hex()], ["--public-key", "key.pem"]):
        done = run(proof, *arguments)
        assert done.returncode == 0, done.stdout
        assert "note:" not in done.stdout
    for arguments in (["--key-id", "0" * 16], ["--public-key", "1" * 64], ["--public-key", "other.pem"]):
        done = run(proof, *arguments)
        assert done.returncode == 1
        assert "not the one that you trust" in done.stdout


def test_a_proof_that_was_signed_again_with_another_key_is_found_by_pinning(store):
    proof = prove_event(store, aggregate_id=NAMES[2], version=7)
    forger = Ed25519PrivateKey.generate()
    raw = forger.public_key().public_bytes_raw()
    statement = {**proof["checkpoint"]["statement"], "key_id": key_id(raw), "made_at": 1}
    signature = forger.sign(b"event-store checkpoint\n" + script.canonical(statement).encode()).hex()
    forged = {**proof, "checkpoint": {"statement": statement, "signature": signature, "public_key": raw.hex()}}
    assert is_accepted(forged)
    assert not is_accepted(forged, script.pin([KEY.public_key().public_bytes_raw()], []))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "{"),
        ((), "[]"),
        ((), '{"kind": "other"}'),
        ((), '{"kind": "event-store/event-proof", "kind": "event-store/event-proof", "format": 1}'),
        ((), "[" * 100_000),
    ],
)
def test_a_file_that_is_no_proof_is_rejected(run, arguments, text):
    done = run(text, *arguments)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("arguments", [["--public-key", "nowhere.pem"], ["--unknown"], ["--public-key", "proof.json"]])
def test_a_wrong_call_has_exit_code_2(run, arguments):
    assert run("{}", *arguments).returncode == 2


def test_the_script_has_help(run):
    done = run("{}", "--help")
    assert done.returncode == 0
    assert "0 proven, 1 rejected, 2 wrong call" in " ".join(done.stdout.split())


def test_events_and_checkpoints_that_are_not_there_are_named(store):
    with pytest.raises(ValueError, match="has versions 1 to 11, found 12"):
        prove_event(store, aggregate_id=NAMES[0], version=12)
    with pytest.raises(ValueError, match="has no events"):
        prove_event(store, aggregate_id="nobody", version=1)
    with pytest.raises(ValueError, match="no checkpoint 4: the newest is 3"):
        prove_consistency(store, old_number=1, new_number=4)
    with pytest.raises(ValueError, match="is not older"):
        prove_consistency(store, old_number=2, new_number=2)
    fresh = open_counters(MemoryEngine(), partition_count=2)
    fresh.writer(CounterDecider()).execute([add(NAMES[0], 1, "a")])
    with pytest.raises(ValueError, match="sign_checkpoint"):
        prove_event(fresh, aggregate_id=NAMES[0], version=1)


def test_a_journal_that_was_rewritten_has_no_consistency_proof(store):
    rewritten = open_counters(MemoryEngine(), partition_count=2)
    rewritten.engine._metadata = rewritten.metadata = store.metadata
    writer = rewritten.writer(CounterDecider())
    for group in range(11):
        writer.execute([add(name, 99, f"{group}") for name in NAMES])
    for document in store.engine.documents(kind="checkpoint"):
        rewritten.engine.append_document(document)
    with pytest.raises(ValueError, match="do not give the signed root"):
        prove_consistency(rewritten, old_number=1, new_number=3)


class TestEd25519:
    """The script's own verification against a library's, bad signatures included."""

    def test_random_messages_and_bad_signatures_are_judged_alike(self):
        numbers = random.Random(5)
        for _ in range(40):
            key = Ed25519PrivateKey.from_private_bytes(numbers.randbytes(32))
            message = numbers.randbytes(numbers.randrange(200))
            signature = key.sign(message)
            public = key.public_key().public_bytes_raw()
            flipped = bytearray(signature)
            flipped[numbers.randrange(64)] ^= 1 << numbers.randrange(8)
            larger = (int.from_bytes(signature[32:], "little") + script.ORDER).to_bytes(32, "little")
            other = Ed25519PrivateKey.from_private_bytes(numbers.randbytes(32)).public_key().public_bytes_raw()
            assert script.ed25519_verify(public, message, signature)
            for attempt in (
                (public, message, bytes(flipped)),
                (public, message + b"x", signature),
                (public, message, signature[:32] + larger),
                (other, message, signature),
                (numbers.randbytes(32), message, signature),
            ):
                assert not library_accepts(*attempt)
                assert not script.ed25519_verify(*attempt)

    def test_wrong_lengths_and_points_that_are_none_are_refused(self):
        key = Ed25519PrivateKey.generate()
        public, signature = key.public_key().public_bytes_raw(), key.sign(b"m")
        assert not script.ed25519_verify(public[:31], b"m", signature)
        assert not script.ed25519_verify(public, b"m", signature[:63])
        assert not script.ed25519_verify(b"\xff" * 32, b"m", signature)

    def test_the_first_vector_of_the_rfc_is_accepted(self):
        public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        signature = bytes.fromhex(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        )
        assert script.ed25519_verify(public, b"", signature)


def library_accepts(public, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary(max_size=300)
    | st.datetimes(timezones=st.just(UTC))
    | st.builds(msgspec.msgpack.Ext, st.integers(0, 127), st.binary(max_size=40)),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=20),
    max_leaves=40,
)


class TestMessagePack:
    """The script's decoder against a library's."""

    @given(VALUES)
    @settings(max_examples=300)
    def test_both_decoders_show_the_same(self, value):
        packed = msgspec.msgpack.encode(value)
        expected = readable(msgspec.msgpack.decode(packed, ext_hook=msgspec.msgpack.Ext))
        assert script.canonical(script.unpack(packed)) == script.canonical(expected)

    @given(st.lists(st.integers(0, 2**64 - 1) | st.binary(max_size=255) | st.text(max_size=60), max_size=15))
    def test_both_encoders_give_the_same_bytes(self, values):
        assert script.pack(values) == msgspec.msgpack.encode(values)

    @given(st.binary(max_size=60))
    def test_what_the_library_reads_is_read_and_the_rest_is_refused_in_order(self, data):
        try:
            script.unpack(data)
        except script.Rejected:
            with pytest.raises((msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError)):
                msgspec.msgpack.decode(data, ext_hook=msgspec.msgpack.Ext)
