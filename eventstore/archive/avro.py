"""Archive files: Avro object containers (specification 1.11), one record for each batch.

A record is a batch's header and exact payload, and beside them the same commits and events in readable form, a union of
one record per event type. An event's record is named after its tag, "Added@1" becoming `Added_v1`; the tag itself is
in the schema as `tag`. The order of fields is the stored one. The schema is derived from the event classes that the
codec knows; the readable form is made from the payload and the schema alone, so a file can be checked by a release that
does not know its events any more.

The same batches give the same bytes (the synchronisation marker comes from the last batch's hash), so writing a file
again changes nothing. Reading gives the batches exactly as they were stored; `verified_batches` also checks hashes,
chain, Merkle roots and versions, and that the readable form says what the payload says.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import fastavro
import msgspec
from fastavro.schema import to_parsing_canonical_form
from msgspec import inspect

from eventstore.columns.codec import EventCodec
from eventstore.errors import EventStoreError, IntegrityError
from eventstore.integrity.verifier import PartitionVerifier, RawCommit
from eventstore.record import StoredBatch, instant_of, microseconds

Schema = dict[str, Any]

NAMESPACE: Final = "eventstore"
EVENTS_NAMESPACE: Final = f"{NAMESPACE}.events"

CODEC: Final = "deflate"
"""One of the two codecs that every implementation of Avro has to know."""

SYNC_MARKER_BYTES: Final = 16

_HEADER: Final = tuple(StoredBatch.__struct_fields__)
_INSTANTS: Final = ("first_timestamp", "last_timestamp")
_decode: Final = msgspec.msgpack.Decoder(list[Any]).decode
_TAG: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)@([0-9]+)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INSTANT: Final = {"type": "long", "logicalType": "timestamp-micros"}
_PLAIN: Final[dict[type[inspect.Type], str]] = {
    inspect.NoneType: "null",
    inspect.BoolType: "boolean",
    inspect.IntType: "long",
    inspect.FloatType: "double",
    inspect.StrType: "string",
    inspect.BytesType: "bytes",
}


def event_schema(event_type: type[msgspec.Struct]) -> Schema:
    """Return the Avro record of one event class; raises TypeError for a field that Avro has no type for."""
    found = inspect.type_info(event_type)
    assert isinstance(found, inspect.StructType)
    tag = _TAG.fullmatch(str(found.tag))
    if tag is None or not found.array_like:
        raise TypeError(
            f"{event_type.__name__} cannot be archived: an event is array_like and has a tag such as "
            f'"Added@1", found {found.tag!r}'
        )
    name = f"{tag[1]}_v{tag[2]}"
    return {
        "type": "record",
        "name": name,
        "namespace": EVENTS_NAMESPACE,
        "doc": " ".join((event_type.__doc__ or "").split()),
        "tag": found.tag,
        "fields": [_field(field, f"{EVENTS_NAMESPACE}.{name}") for field in found.fields],
    }


def batch_schema(event_types: Iterable[type[msgspec.Struct]]) -> Schema:
    """Return the schema of an archive file for these event types."""
    events = [event_schema(event_type) for event_type in event_types]
    commit = _record(
        "Commit",
        "What one command did: event i has version first_version + i.",
        aggregate_id="string",
        first_version="long",
        timestamp=_INSTANT,
        command_id="string",
        correlation_id=["null", "string"],
        causation_id=["null", "string"],
        actor="string",
        metadata=["null", {"type": "map", "values": "string"}],
        events={"type": "array", "items": events},
    )
    return _batch({"commits": {"type": "array", "items": commit}})


def header_schema() -> Schema:
    """Return the schema for reading archive files without the readable form, which is then skipped."""
    return _batch({})


def fingerprint(schema: Schema) -> str:
    """Return the SHA-256 of the schema's parsing canonical form (Avro specification 1.11), in hexadecimal."""
    return hashlib.sha256(to_parsing_canonical_form(schema).encode()).hexdigest()


def readable_commits(raws: Iterable[RawCommit], schema: Schema) -> list[dict[str, Any]]:
    """Return exact commits in the readable form of `schema`; raises ValueError when they do not fit."""
    commit_schema = schema["fields"][-1]["type"]["items"]
    names = [field["name"] for field in commit_schema["fields"][:-1]]
    by_tag = {event["tag"]: event for event in commit_schema["fields"][-1]["type"]["items"]}
    commits = []
    try:
        for raw in raws:
            commit = dict(zip(names, _decode(raw.header), strict=True))
            commit["timestamp"] = instant_of(commit["timestamp"])
            commit["events"] = [_readable_event(_decode(event), by_tag) for event in raw.events]
            commits.append(commit)
    except (msgspec.DecodeError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise ValueError(f"the payload does not fit the schema ({error!r})") from error
    return commits


def _readable_event(stored: Sequence[Any], by_tag: Mapping[str, Schema]) -> tuple[str, dict[str, Any]]:
    tag, *values = stored
    if tag not in by_tag:
        raise ValueError(f"the schema has no event type {tag}: archive with the release that wrote it, or a later one")
    return _full_name(by_tag[tag]), _readable_record(by_tag[tag], values)


def _readable_record(schema: Schema, values: Sequence[Any]) -> dict[str, Any]:
    fields = schema["fields"]
    if len(values) > len(fields):
        raise ValueError(f"{schema['name']} has {len(fields)} fields in the schema and {len(values)} were stored")
    record = {field["name"]: value for field, value in zip(fields, values, strict=False)}
    for field in fields[len(values) :]:  # Fields that were added, with a default, after this event was stored.
        record[field["name"]] = field["default"]
    return record


def _batch(more: Mapping[str, Any]) -> Schema:
    return _record(
        "Batch",
        "One batch of the journal: the header that seals it, its exact payload, and what it says in readable form.",
        partition="int",
        seq="long",
        batch_id="bytes",
        first_timestamp=_INSTANT,
        last_timestamp=_INSTANT,
        commit_count="long",
        event_count="long",
        previous_hash="bytes",
        merkle_root="bytes",
        payload_hash="bytes",
        hash="bytes",
        leaf_prefixes="bytes",
        payload_crc="long",
        payload="bytes",
        **more,
    )


def _record(name: str, doc: str, **fields: Any) -> Schema:
    described = [{"name": field, "type": type_} for field, type_ in fields.items()]
    return {"type": "record", "name": name, "namespace": NAMESPACE, "doc": doc, "fields": described}


def _full_name(schema: Schema) -> str:
    name: str = schema["name"]
    namespace = schema.get("namespace")
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _field(field: inspect.Field, record: str) -> Schema:
    where = f"{record}.{field.name}"
    described: Schema = {"name": field.name, "type": _type(field.type, where)}
    if not field.required:
        default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        described["default"] = msgspec.to_builtins(default)
        if isinstance(described["type"], list):  # A union's default is one of its first branch.
            described["type"].sort(key=lambda branch: (branch == "null") != (default is None))
    return described


def _type(found: inspect.Type, where: str) -> Any:
    if (plain := _PLAIN.get(type(found))) is not None:
        return plain
    if isinstance(found, inspect.LiteralType) and all(_is_symbol(value) for value in found.values):
        return {"type": "enum", "name": where.replace(f"{EVENTS_NAMESPACE}.", "").replace(".", "_"),
                "namespace": EVENTS_NAMESPACE, "symbols": list(found.values)}  # fmt: skip
    if isinstance(found, inspect.UnionType):
        branches = [_type(branch, where) for branch in found.types]
        return sorted(branches, key=lambda branch: branch != "null")
    if isinstance(found, inspect.DictType) and isinstance(found.key_type, inspect.StrType):
        return {"type": "map", "values": _type(found.value_type, where)}
    if isinstance(found, inspect.ListType | inspect.VarTupleType):
        return {"type": "array", "items": _type(found.item_type, where)}
    raise TypeError(
        f"{where} cannot be archived: the archive has no Avro type for {type(found).__name__}; use integers, texts, "
        "booleans, floats, bytes, literals of texts, and unions, lists and maps of these"
    )


def _is_symbol(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


_HEADER_SCHEMA: Final = fastavro.parse_schema(header_schema())


def encode_file(batches: Sequence[StoredBatch], *, schema: Schema, codec: EventCodec) -> bytes:
    """Return the bytes of the file that holds these batches; raises IntegrityError for one that cannot be read."""
    file = io.BytesIO()
    fastavro.writer(
        file,
        fastavro.parse_schema(schema),
        (_batch_record(batch, schema, codec) for batch in batches),
        codec=CODEC,
        sync_marker=batches[-1].hash[:SYNC_MARKER_BYTES],
    )
    return file.getvalue()


def decode_file(content: bytes) -> Iterator[StoredBatch]:
    """Yield the batches of a file exactly as they were stored; raises ValueError for bytes that are no such file."""
    for record in _records(content, reader_schema=_HEADER_SCHEMA):
        yield _stored(record)


def verified_batches(content: bytes, *, codec: EventCodec, previous_hash: bytes) -> Iterator[StoredBatch]:
    """Yield the batches of a file, each checked in every respect; raises IntegrityError, or ValueError as above.

    `previous_hash` is the hash that the file's first batch must follow.
    """
    verifier: PartitionVerifier | None = None
    schema = writer_schema(content)
    for record in _records(content):
        batch = _stored(record)
        if verifier is None:
            verifier = PartitionVerifier(
                partition=batch.partition, previous_hash=previous_hash, payload_format=codec, next_seq=batch.seq
            )
        for finding in verifier.verify(batch):
            raise IntegrityError(
                f"in the archive: {finding.detail}",
                partition=batch.partition,
                seq=batch.seq,
                aggregate_id=finding.aggregate_id,
                version=finding.version,
            )
        if readable_commits(_exact(batch, codec), schema) != record.get("commits"):
            raise IntegrityError(
                "in the archive: the readable form does not say what the payload says",
                partition=batch.partition,
                seq=batch.seq,
            )
        yield batch


def writer_schema(content: bytes) -> Schema:
    """Return the schema that a file was written with; raises ValueError."""
    try:
        schema = fastavro.reader(io.BytesIO(content)).metadata["avro.schema"]
        found: Schema = msgspec.json.decode(schema)
    except Exception as error:  # fastavro lets many kinds of errors out of damaged files.
        raise ValueError(f"this is not an Avro file ({error!r})") from error
    return found


def _records(content: bytes, **options: Any) -> Iterator[dict[str, Any]]:
    try:
        yield from fastavro.reader(io.BytesIO(content), return_record_name=True, **options)  # type: ignore[misc]
    except EventStoreError:
        raise
    except Exception as error:  # As above.
        raise ValueError(f"the Avro file cannot be read ({error!r})") from error


def _batch_record(batch: StoredBatch, schema: Schema, codec: EventCodec) -> dict[str, Any]:
    record = msgspec.structs.asdict(batch)
    for name in _INSTANTS:
        record[name] = instant_of(record[name])
    try:
        record["commits"] = readable_commits(_exact(batch, codec), schema)
    except ValueError as error:
        raise IntegrityError(str(error), partition=batch.partition, seq=batch.seq) from error
    return record


def _exact(batch: StoredBatch, codec: EventCodec) -> Sequence[RawCommit]:
    return codec.raw_commits(codec.decompress(batch.payload))


def _stored(record: dict[str, Any]) -> StoredBatch:
    values = {name: record[name] for name in _HEADER}
    for name in _INSTANTS:
        values[name] = microseconds(values[name])
    return StoredBatch(**values)
