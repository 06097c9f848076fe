"""The size of the same events in other forms: plain JSON, one document an event, and Avro."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import fastavro
import msgspec

from eventstore.record import Commit

Document = dict[str, Any]


def documents(commit: Commit[Any]) -> Iterator[Document]:
    """Yield the events of a commit with the commit's fields in each, as one would write them to JSON."""
    header = {name: getattr(commit, name) for name in commit.__struct_fields__ if name not in ("events", "event_ids")}
    for event in commit.events:
        fields = {name: getattr(event, name) for name in event.__struct_fields__}
        yield {**header, "type": type(event).__name__, "data": fields}


def plain_json(batches: Sequence[Sequence[Document]]) -> int:
    """Return the bytes of all events in JSON without white space."""
    return sum(len(msgspec.json.encode(document)) for batch in batches for document in batch)


def avro(batches: Sequence[Sequence[Document]]) -> int:
    """Return the bytes of all events in Avro object containers, one container a batch as one write would be."""
    types: dict[str, set[str]] = {}
    for batch in batches:
        for document in batch:
            types.setdefault(document["type"], set()).update(document["data"])
    schema = fastavro.parse_schema(
        {
            "type": "record",
            "name": "Event",
            "fields": [
                *(
                    {"name": name, "type": ["null", "long", "string", {"type": "map", "values": "string"}]}
                    for name in ("aggregate_id", "first_version", "timestamp", "command_id", "correlation_id",
                                 "causation_id", "actor", "metadata")
                ),
                {"name": "data", "type": [_record(name, sorted(fields)) for name, fields in types.items()]},
            ],
        }
    )  # fmt: skip
    body = 0
    empty = _container(schema, [])
    for batch in batches:
        body += _container(schema, [_row(document) for document in batch]) - empty
    return body + empty  # The schema is counted once: one container would hold them all.


def _record(name: str, fields: Sequence[str]) -> dict[str, Any]:
    kinds = ["null", "long", "string", {"type": "map", "values": ["null", "long", "string"]}]
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kinds} for field in fields]}


def _row(document: Document) -> Document:
    data = (document["type"], document["data"])
    return {**{name: value for name, value in document.items() if name != "type"}, "data": data}


def _container(schema: Any, rows: Sequence[Document]) -> int:
    file = io.BytesIO()
    fastavro.writer(file, schema, rows, codec="deflate")
    return len(file.getvalue())
