"""The two tables, how they are made, and how records become items: short attribute names, because every byte is stored
and paid for.

Journal table, key (p, s):        partition, seq, and the fields of StoredBatch under the letters of BATCH below
Snapshot table, key (a, v):       a page: its aggregate and first version, and the letters of PAGE
    a = "#page/AGGREGATE"         the same for an aggregate whose own name begins with #
    a = "#parts/BATCH ID"         a stretch of a payload that does not fit into one item; v = 0, 1, 2 ...
    a = "#position/PARTITION"     where the partition's pages end: n; v = 0
    a = "#stretch/PARTITION"      where the stretch that becomes pages next ends: n; v = where it begins
    a = "#positions/PARTITION"    the end of a stretch that became pages; v = seq; f: the version of their states
    a = "#document/KIND"          a document; v = number
    a = "#store"                  the settings of the store; v = 0

Tables are made on demand, restorable to any second, not to be deleted by mistake.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError, WaiterError

from eventstore.engines.dynamodb.client import Client, Item
from eventstore.errors import IntegrityError, StoreUnavailable
from eventstore.record import Document, StoredBatch, StoredPage, StoreMetadata, Stretch

EVENTS_BY_TIME: Final = "by-first-timestamp"
PAGES_BY_TIME: Final = "by-first-timestamp"
RESTORABLE_DAYS: Final = 35

_NOT_KNOWN: Final = frozenset({"UnknownOperationException", "ValidationException"})

BATCH: Final = {
    "partition": "p",
    "seq": "s",
    "batch_id": "i",
    "first_timestamp": "t",
    "last_timestamp": "u",
    "commit_count": "c",
    "event_count": "e",
    "previous_hash": "b",
    "merkle_root": "m",
    "payload_hash": "y",
    "hash": "h",
    "leaf_prefixes": "l",
    "payload_crc": "r",
    "payload": "d",
}
PAGE: Final = {
    "aggregate_id": "a",
    "first_version": "v",
    "last_version": "w",
    "first_timestamp": "t",
    "last_timestamp": "u",
    "hash": "h",
    "payload": "d",
}
PAGE_PREFIX: Final = "#page/"
"""What the pages of an aggregate stand under whose own name begins with #, as the names below do."""

EXPIRES_AT: Final = "x"
"""The TTL attribute, epoch seconds: the instant at which a batch was archived and may go. DynamoDB never removes what
expired more than five years ago, so it is not simply a small number.
"""

ITEM_BYTES_MAX: Final = 380_000
"""An item's payload; DynamoDB allows 400 KB for the whole item, names included."""


def batch_item(batch: StoredBatch) -> Item:
    """Return the item of a batch."""
    return {short: _value(getattr(batch, field)) for field, short in BATCH.items()}


def batch_of(item: Mapping[str, Any]) -> StoredBatch:
    """Return the batch of an item whose payload is whole; raises IntegrityError."""
    try:
        return msgspec.convert([_plain(item[short]) for short in BATCH.values()], StoredBatch)
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"the item is not a batch ({error!r})", partition=_number(item, "p"), seq=_number(item, "s")
        ) from error


def page_item(page: StoredPage) -> Item:
    """Return the item of a page."""
    item = {short: _value(getattr(page, field)) for field, short in PAGE.items()}
    return {**item, "a": {"S": page_name(page.aggregate_id)}}


def page_of(item: Mapping[str, Any]) -> StoredPage:
    """Return the page of an item; raises IntegrityError."""
    try:
        page = msgspec.convert([_plain(item[short]) for short in PAGE.values()], StoredPage)
        return msgspec.structs.replace(page, aggregate_id=page.aggregate_id.removeprefix(PAGE_PREFIX))
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"the item is not a page ({error!r}): make the pages again (manage.py rebuild_pages)",
            partition=None,
            seq=None,
            aggregate_id=str(item.get("a", {}).get("S")),
        ) from error


def page_name(aggregate_id: str) -> str:
    """Return the name that an aggregate's pages stand under; those that begin with # are kept for other things."""
    return f"{PAGE_PREFIX}{aggregate_id}" if aggregate_id.startswith("#") or not aggregate_id else aggregate_id


def key(name: str, number: int) -> Item:
    """Return a key of the snapshot table."""
    return {"a": {"S": name}, "v": {"N": str(number)}}


def stretch_item(partition: int, stretch: Stretch) -> Item:
    """Return the item of a stretch that is in pages."""
    return {**key(f"#positions/{partition}", stretch.through_seq), "f": {"N": str(stretch.state_version)}}


def document_item(document: Document) -> Item:
    """Return the item of a document."""
    return {**key(f"#document/{document.kind}", document.number), "d": {"B": document.body}}


def metadata_item(metadata: StoreMetadata) -> Item:
    """Return the item of the store's settings."""
    return {
        **key("#store", 0),
        "id": {"S": metadata.store_id},
        "f": {"N": str(metadata.format)},
        "n": {"N": str(metadata.partition_count)},
        "t": {"N": str(metadata.created_at)},
    }


def metadata_of(item: Mapping[str, Any]) -> StoreMetadata:
    """Return the settings of an item."""
    return StoreMetadata(
        store_id=item["id"]["S"],
        format=int(item["f"]["N"]),
        partition_count=int(item["n"]["N"]),
        created_at=int(item["t"]["N"]),
    )


def _value(value: int | str | bytes) -> dict[str, Any]:
    if isinstance(value, int):
        return {"N": str(value)}
    return {"B": value} if isinstance(value, bytes) else {"S": value}


def _plain(value: Mapping[str, Any]) -> int | str | bytes:
    ((kind, content),) = value.items()
    if kind == "N":
        return int(content)
    if kind == "B":
        return bytes(content)
    if kind == "S":
        return str(content)
    raise ValueError(f"an attribute of type {kind}")


def _number(item: Mapping[str, Any], short: str) -> int:
    return int(item.get(short, {}).get("N", -1))


def events_table(prefix: str) -> str:
    """Return the name of the journal's table."""
    return f"{prefix}-events"


def snapshots_table(prefix: str) -> str:
    """Return the name of the table of pages and documents."""
    return f"{prefix}-snapshots"


def create_tables(client: Client, *, prefix: str) -> Iterator[str]:
    """Make what is missing of the tables and their settings; yield a line for each thing that was done or found.

    May be run again at any time. Raises StoreUnavailable when DynamoDB refuses, ConfigurationMismatch without access.
    """
    for definition in (_events(prefix), _snapshots(prefix)):
        name = definition["TableName"]
        try:
            client.call("create_table", answers={"ResourceInUseException"}, **definition)
        except ClientError:
            yield f"{name}: is there already"
        else:
            yield f"{name}: made, on-demand billing, deletion protection"
        try:
            client.boto3.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        except WaiterError as error:
            raise StoreUnavailable(f"{name} did not become active in two minutes: run this again ({error})") from error
        yield _restorable(client, name)
        yield _expiring(client, name)


def _restorable(client: Client, name: str) -> str:
    settings = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": RESTORABLE_DAYS}
    try:
        client.call(
            "update_continuous_backups", answers=_NOT_KNOWN, TableName=name, PointInTimeRecoverySpecification=settings
        )
    except ClientError:
        return f"{name}: point-in-time recovery is not known to {client.where}"
    return f"{name}: restorable to any second of the last {RESTORABLE_DAYS} days"


def _expiring(client: Client, name: str) -> str:
    try:
        client.call(
            "update_time_to_live",
            answers={"ValidationException"},
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES_AT},
        )
    except ClientError as error:
        if "already" in str(error):
            return f"{name}: what is archived expires already"
        raise StoreUnavailable(f"{client.where} refused the expiry of {name}: {error}") from error
    return f"{name}: what is archived expires"


def _events(prefix: str) -> dict[str, Any]:
    return {
        "TableName": events_table(prefix),
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "AttributeDefinitions": [_numeric("p"), _numeric("s"), _numeric("t")],
        "KeySchema": [_hash("p"), _range("s")],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": EVENTS_BY_TIME,
                "KeySchema": [_hash("p"), _range("t")],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    }


def _snapshots(prefix: str) -> dict[str, Any]:
    return {
        "TableName": snapshots_table(prefix),
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": True,
        "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}, _numeric("v"), _numeric("t")],
        "KeySchema": [_hash("a"), _range("v")],
        "LocalSecondaryIndexes": [
            {
                "IndexName": PAGES_BY_TIME,
                "KeySchema": [_hash("a"), _range("t")],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    }


def _numeric(name: str) -> dict[str, str]:
    return {"AttributeName": name, "AttributeType": "N"}


def _hash(name: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": "HASH"}


def _range(name: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": "RANGE"}
