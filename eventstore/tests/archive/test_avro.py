"""Archive files: any Avro reader reads them, and ours finds every departure from what was written."""

import io
from typing import Literal

import fastavro
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.archive.avro import (
    batch_schema,
    decode_file,
    encode_file,
    event_schema,
    fingerprint,
    verified_batches,
)
from eventstore.columns.codec import EventCodec
from eventstore.engines.memory import MemoryEngine
from eventstore.errors import IntegrityError
from eventstore.integrity.hashing import genesis_hash
from eventstore.record import instant_of, microseconds
from eventstore.store import EventStore
from eventstore.tests.archive.scenario import SCHEMA
from eventstore.tests.counter import add
from eventstore.tests.object_machine import DecidesObjects
from eventstore.tests.reference import compressed


class Rich(msgspec.Struct, frozen=True, array_like=True, tag="Rich@1"):
    """Every kind of field."""

    side: Literal["LEFT", "RIGHT"]
    count: int
    note: str | None
    arguments: dict[str, str | int | None]
    parts: list[int]
    is_last: bool
    added_later: int | None = None


class Plain(msgspec.Struct, frozen=True, array_like=True, tag="Plain@2"):
    """No field at all."""


class Recorder(DecidesObjects):
    """Every command is the events to record."""

    def initial(self, aggregate_id):
        return None

    def evolve(self, state, event):
        return state

    def dump(self, state):
        return b""

    def load(self, dumped):
        return None

    def decide(self, state, command, now):
        return command


RICH_SCHEMA = batch_schema([Rich, Plain])
INT64 = st.integers(-(2**63), 2**63 - 1)
RICH = st.builds(
    Rich,
    side=st.sampled_from(["LEFT", "RIGHT"]),
    count=INT64,
    note=st.none() | st.text(),
    arguments=st.dictionaries(st.text(), st.text() | INT64 | st.none(), max_size=3),
    parts=st.lists(INT64, max_size=3),
    is_last=st.booleans(),
    added_later=st.none() | INT64,
)
EVENTS = st.lists(st.lists(RICH | st.just(Plain()), min_size=1, max_size=3), min_size=1, max_size=6)


def stored(commands, codec):
    """Return one partition's batches, each of one command's events, and the hash that the first follows."""
    store = EventStore.open(MemoryEngine(), codec=codec, partition_count=1)
    writer = store.writer(Recorder(), clock=lambda: 1_700_000_000_123_456)
    for number, command in enumerate(commands):
        writer.execute([add("a", command, str(number), metadata={"key": "value"})])
    return store.engine.read(partition=0, after_seq=0, limit=99), genesis_hash(store.metadata.store_id, 0)


@given(commands=EVENTS)
@settings(max_examples=60, deadline=None)
def test_batches_come_back_as_they_were_and_the_readable_form_holds(commands):
    codec = EventCodec([Rich, Plain])
    batches, genesis = stored(commands, codec)
    content = encode_file(batches, schema=RICH_SCHEMA, codec=codec)
    assert list(decode_file(content)) == batches
    assert list(verified_batches(content, codec=codec, previous_hash=genesis)) == batches
    events = [
        (name.removeprefix("eventstore.events."), event)
        for record in fastavro.reader(io.BytesIO(content), return_record_name=True)
        for commit in record["commits"]
        for name, event in commit["events"]
    ]
    expected = [event for command in commands for event in command]
    assert events == [
        (f"{type(e).__name__}_v{2 if type(e) is Plain else 1}", msgspec.structs.asdict(e)) for e in expected
    ]


def test_the_same_batches_give_the_same_bytes():
    codec = EventCodec([Rich, Plain])
    batches, _ = stored([[Plain()], [Plain(), Plain()]], codec)
    assert encode_file(batches, schema=RICH_SCHEMA, codec=codec) == encode_file(
        batches, schema=RICH_SCHEMA, codec=codec
    )


def test_any_reader_sees_what_happened_without_our_code():
    codec = EventCodec([Rich, Plain])
    event = Rich("LEFT", 7, None, {"a": 1, "b": None, "c": "x"}, [1], True)
    batches, _ = stored([[event]], codec)
    (record,) = fastavro.reader(io.BytesIO(encode_file(batches, schema=RICH_SCHEMA, codec=codec)))
    (commit,) = record["commits"]
    assert (commit["aggregate_id"], commit["first_version"], commit["actor"]) == ("a", 1, "tester")
    assert commit["timestamp"].isoformat() == "2023-11-14T22:13:20.123456+00:00"
    assert commit["events"] == [msgspec.structs.asdict(event)]
    assert record["payload"] == batches[0].payload


def test_an_event_from_before_a_field_was_added_shows_its_default():
    class Old(msgspec.Struct, frozen=True, array_like=True, tag="Rich@1"):
        side: str
        count: int
        note: str | None
        arguments: dict[str, int]
        parts: list[int]
        is_last: bool

    batches, genesis = stored([[Old("LEFT", 1, "n", {}, [], False)]], EventCodec([Old]))
    codec = EventCodec([Rich, Plain])
    content = encode_file(batches, schema=RICH_SCHEMA, codec=codec)
    (record,) = fastavro.reader(io.BytesIO(content))
    assert record["commits"][0]["events"][0]["added_later"] is None
    assert list(verified_batches(content, codec=codec, previous_hash=genesis)) == batches


def test_a_file_is_verified_by_a_release_that_does_not_know_its_events():
    batches, genesis = stored([[Plain()]], EventCodec([Plain]))
    content = encode_file(batches, schema=batch_schema([Plain]), codec=EventCodec([Plain]))
    assert list(verified_batches(content, codec=EventCodec([Rich]), previous_hash=genesis)) == batches


def test_an_event_that_the_schema_does_not_know_is_not_archived():
    batches, _ = stored([[Plain()]], EventCodec([Plain]))
    with pytest.raises(IntegrityError, match=r"no event type Plain@2: archive with the release that wrote it"):
        encode_file(batches, schema=batch_schema([Rich]), codec=EventCodec([Rich]))


@pytest.mark.parametrize("planted", ["event", "header", "order", "payload"])
def test_a_readable_form_that_differs_from_the_payload_is_found(planted):
    codec = EventCodec([Rich, Plain])
    event = Rich("LEFT", 7, None, {}, [], True)
    batches, genesis = stored([[event, Plain()]], codec)
    content = encode_file(batches, schema=RICH_SCHEMA, codec=codec)
    (record,) = fastavro.reader(io.BytesIO(content), return_record_name=True)
    commit = record["commits"][0]
    if planted == "event":
        commit["events"][0][1]["count"] = 8
    elif planted == "header":
        commit["actor"] = "somebody else"
    elif planted == "order":
        commit["events"].reverse()
    else:
        record["payload"] = compressed([], codec)
    forged = io.BytesIO()
    fastavro.writer(forged, fastavro.parse_schema(RICH_SCHEMA), [record], codec="deflate")
    with pytest.raises(IntegrityError, match="payload" if planted == "payload" else "readable form") as caught:
        list(verified_batches(forged.getvalue(), codec=codec, previous_hash=genesis))
    assert (caught.value.partition, caught.value.seq) == (0, 1)


@given(noise=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_bytes_that_are_no_archive_file_are_a_value_error(noise):
    for content in (noise, b"Obj\x01" + noise):
        with pytest.raises(ValueError, match="Avro file"):
            list(verified_batches(content, codec=EventCodec([Rich]), previous_hash=b""))
        with pytest.raises(ValueError, match="Avro file"):
            list(decode_file(content))


@given(at=st.integers(0, 200_000_000_000_000_000))
def test_instants_are_exact(at):
    assert microseconds(instant_of(at)) == at


def test_the_fingerprint_changes_with_the_fields_only():
    assert fingerprint(SCHEMA) != fingerprint(RICH_SCHEMA)
    assert fingerprint(batch_schema([Rich, Plain])) == fingerprint(RICH_SCHEMA)


def test_a_field_without_an_avro_type_is_refused_by_name():
    class Odd(msgspec.Struct, array_like=True, tag="Odd@1"):
        numbers: set[int]

    with pytest.raises(TypeError, match=r"eventstore\.events\.Odd_v1\.numbers cannot be archived"):
        event_schema(Odd)


def test_an_event_without_a_version_is_refused():
    class Untagged(msgspec.Struct, array_like=True, tag="Untagged"):
        pass

    with pytest.raises(TypeError, match="Untagged cannot be archived"):
        event_schema(Untagged)
