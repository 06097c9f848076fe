"""Archive files: Avro object containers (specification 1.11) whose records are batches.

The same batches give the same bytes (the synchronisation marker comes from the last batch's hash), so writing a file
again changes nothing. Reading gives the batches exactly as they were stored; `verified_batches` also checks hashes,
chain, Merkle roots and versions, and that the readable form says what the payload says.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import fastavro
import msgspec

from eventstore.archive.avro_schema import Schema, header_schema, instant, microseconds, readable_commits
from eventstore.columns.codec import EventCodec
from eventstore.errors import EventStoreError, IntegrityError
from eventstore.integrity.verifier import PartitionVerifier, RawCommit
from eventstore.record import StoredBatch

CODEC: Final = "deflate"
"""One of the two codecs that every implementation of Avro has to know."""

SYNC_MARKER_BYTES: Final = 16

_HEADER: Final = tuple(StoredBatch.__struct_fields__)
_INSTANTS: Final = ("first_timestamp", "last_timestamp")
_HEADER_SCHEMA: Final = fastavro.parse_schema(header_schema())


def encode_file(batches: Sequence[StoredBatch], *, schema: Schema, codec: EventCodec) -> bytes:
    """Return the bytes of the file that holds these batches; raises IntegrityError for one that cannot be read."""
    file = io.BytesIO()
    fastavro.writer(
        file,
        fastavro.parse_schema(schema),
        (_record(batch, schema, codec) for batch in batches),
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


def _record(batch: StoredBatch, schema: Schema, codec: EventCodec) -> dict[str, Any]:
    record = msgspec.structs.asdict(batch)
    for name in _INSTANTS:
        record[name] = instant(record[name])
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
