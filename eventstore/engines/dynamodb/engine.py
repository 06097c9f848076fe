"""The DynamoDB engine: the journal as one item a batch, written with "nothing stands there yet" as its condition.

Batches of several partitions are put at the same time from a bounded pool of threads; those that belong together go in
one transaction. Reads are strongly consistent. What an answer that was lost means is told apart by the batch id.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from eventstore.engines.base import AppendOutcome
from eventstore.engines.dynamodb.client import Client, code_of
from eventstore.engines.dynamodb.items import (
    BATCH,
    EXPIRES_AT,
    ITEM_BYTES_MAX,
    PARTS,
    Item,
    batch_item,
    batch_of,
    document_item,
    key,
    metadata_item,
    metadata_of,
)
from eventstore.engines.dynamodb.pages import DynamoDBPages
from eventstore.engines.dynamodb.tables import EVENTS_BY_TIME, events_table, snapshots_table
from eventstore.errors import EventStoreError, IntegrityError, InvalidAppend, StoreUnavailable
from eventstore.record import Document, StoredBatch, StoreMetadata

T = TypeVar("T")
R = TypeVar("R")

THREADS_MAX: Final = 16
TRANSACTION_BATCHES_MAX: Final = 100
CONFLICT_TRIES_MAX: Final = 10

_FREE: Final = {"ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class DynamoDBEngine:
    """Keeps the journal in PREFIX-events and everything else in PREFIX-snapshots; `tables.py` makes both."""

    def __init__(self, *, region: str, table_prefix: str, endpoint_url: str | None = None) -> None:
        self._client = Client(endpoint_url=endpoint_url, region=region)
        self._events = events_table(table_prefix)
        self._snapshots = snapshots_table(table_prefix)
        self._threads = ThreadPoolExecutor(THREADS_MAX, "dynamodb")
        self._partitions = range(0)
        pages = DynamoDBPages(self._client, table=self._snapshots, in_parallel=self._in_parallel)
        self.put_pages = pages.put_pages
        self.page_positions = pages.page_positions
        self.last_page = pages.last_page
        self.pages = pages.pages
        self.drop_pages = pages.drop_pages

    def open(self, proposed: StoreMetadata) -> StoreMetadata:
        item = self._get(key("#store", 0))
        if item is None:
            self._put_if_free(metadata_item(proposed))
            item = self._get(key("#store", 0))
        if item is None:
            raise StoreUnavailable(f"{self._client.where} does not give back what was written: try again")
        metadata = metadata_of(item)
        self._partitions = range(metadata.partition_count)
        return metadata

    def append(self, batches: Sequence[StoredBatch]) -> list[AppendOutcome]:
        if len(batches) == 1:
            return [self._append_one(batches[0])]
        return self._in_parallel(self._append_one, batches)

    def append_together(self, batches: Sequence[StoredBatch]) -> list[StoredBatch]:
        if len(batches) > TRANSACTION_BATCHES_MAX:
            raise InvalidAppend(f"at most {TRANSACTION_BATCHES_MAX} partitions in one append, found {len(batches)}")
        puts = [{"Put": {"TableName": self._events, "Item": self._with_parts_written(b), **_FREE}} for b in batches]
        token = str(uuid.uuid5(uuid.NAMESPACE_OID, "".join(batch.batch_id.hex() for batch in batches)))
        for _ in range(CONFLICT_TRIES_MAX):
            try:  # The token makes sending it again the same as sending it once.
                self._client.call("transact_write_items", TransactItems=puts, ClientRequestToken=token)
            except ClientError as error:
                if code_of(error) != "TransactionCanceledException":
                    raise self._failed(error) from error
                reasons = error.response["CancellationReasons"]
                standing = [
                    self._standing(batch, reason.get("Item"))
                    for batch, reason in zip(batches, reasons, strict=True)
                    if reason["Code"] == "ConditionalCheckFailed"
                ]
                if standing:
                    return standing
                if all(reason["Code"] in ("None", "TransactionConflict") for reason in reasons):
                    self._client.pause()
                    continue
                raise self._failed(error) from error
            return []
        raise StoreUnavailable(f"{CONFLICT_TRIES_MAX} transactions in a row met others: try again")

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        """What has expired counts as gone, whenever DynamoDB gets to removing it: then nothing changes on that day."""
        items = self._query(
            limit=limit,
            FilterExpression=f"attribute_not_exists({EXPIRES_AT})",
            KeyConditionExpression="p = :p AND s > :s",
            ExpressionAttributeValues={":p": {"N": str(partition)}, ":s": {"N": str(after_seq)}},
        )
        return [self._batch(item) for item in items]

    def heads(self) -> dict[int, int]:
        found = self._in_parallel(self._head, self._partitions)
        return {partition: head for partition, head in zip(self._partitions, found, strict=True) if head}

    def seek(self, *, partition: int, timestamp: int) -> int:
        """The index of times is a little behind: then it gives an earlier batch, which is as right, only farther."""
        answer = self._client.call(
            "query",
            TableName=self._events,
            IndexName=EVENTS_BY_TIME,
            KeyConditionExpression="p = :p AND t < :t",
            ExpressionAttributeValues={":p": {"N": str(partition)}, ":t": {"N": str(timestamp)}},
            ScanIndexForward=False,
            Limit=1,
        )
        # That batch begins before the instant, and may go on past it.
        return int(answer["Items"][0]["s"]["N"]) - 1 if answer["Items"] else 0

    def forget(self, *, partition: int, first_seq: int, last_seq: int, manifest_hash: bytes) -> None:
        """Let DynamoDB's TTL remove the items; that takes it up to some days."""
        newest = self._head(partition)

        def expire(seq: int) -> None:
            try:
                self._client.call(
                    "update_item",
                    TableName=self._events,
                    Key={"p": {"N": str(partition)}, "s": {"N": str(seq)}},
                    UpdateExpression="SET #x = if_not_exists(#x, :x), #f = :f",
                    ConditionExpression="attribute_exists(p)",
                    ExpressionAttributeNames={"#x": EXPIRES_AT, "#f": "f"},
                    ExpressionAttributeValues={":x": {"N": "1"}, ":f": {"B": manifest_hash}},
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":  # Then it is gone already.
                    raise self._failed(error) from error

        self._in_parallel(expire, range(first_seq, min(last_seq, newest - 1) + 1))

    def append_document(self, document: Document) -> bool:
        token = {"w": {"B": uuid.uuid4().bytes}}  # Tells whose it is, when an answer was lost and it was sent again.
        standing = self._put_if_free({**document_item(document), **token})
        return standing is None or standing["w"] == token["w"]

    def documents(self, *, kind: str, after: int = 0) -> list[Document]:
        items = self._query(
            table=self._snapshots,
            KeyConditionExpression="a = :a AND v > :v",
            ExpressionAttributeValues={":a": {"S": f"#document/{kind}"}, ":v": {"N": str(after)}},
        )
        return [Document(kind, int(item["v"]["N"]), bytes(item["d"]["B"])) for item in items]

    def latest_document(self, *, kind: str) -> Document | None:
        for item in self._query(
            table=self._snapshots,
            limit=1,
            KeyConditionExpression="a = :a",
            ExpressionAttributeValues={":a": {"S": f"#document/{kind}"}},
            ScanIndexForward=False,
        ):
            return Document(kind, int(item["v"]["N"]), bytes(item["d"]["B"]))
        return None

    def problems(self) -> list[str]:
        return []

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._client.boto3.close()

    def _append_one(self, batch: StoredBatch) -> AppendOutcome:
        try:
            item = self._with_parts_written(batch)
            self._client.call("put_item", is_idempotent=False, TableName=self._events, Item=item, **_FREE)
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                return self._failed(error)
            standing = self._standing(batch, error.response.get("Item"))
            return None if standing.batch_id == batch.batch_id else standing
        except EventStoreError as error:
            return error
        return None

    def _standing(self, batch: StoredBatch, item: Item | None) -> StoredBatch:
        """Return the batch that stands in the place of another."""
        if item is not None:
            return self._batch(item)
        return self.read(partition=batch.partition, after_seq=batch.seq - 1, limit=1)[0]

    def _with_parts_written(self, batch: StoredBatch) -> Item:
        """Return the item of a batch; a payload too large for it is written apart, before.

        A crash in between leaves parts that no item names: they cost their storage, and nothing else.
        """
        item = batch_item(batch)
        if len(batch.payload) + len(batch.leaf_prefixes) <= ITEM_BYTES_MAX:
            return item
        parts = [
            batch.payload[start : start + ITEM_BYTES_MAX] for start in range(0, len(batch.payload), ITEM_BYTES_MAX)
        ]
        for number, part in enumerate(parts):
            self._client.call(
                "put_item",
                TableName=self._snapshots,
                Item={**key(_parts_name(batch.batch_id), number), "d": {"B": part}},
            )
        del item[BATCH["payload"]]
        return {**item, PARTS: {"N": str(len(parts))}}

    def _batch(self, item: Item) -> StoredBatch:
        if PARTS in item:
            parts = self._query(
                table=self._snapshots,
                KeyConditionExpression="a = :a",
                ExpressionAttributeValues={":a": {"S": _parts_name(bytes(item["i"]["B"]))}},
            )
            found = [bytes(part["d"]["B"]) for part in parts]
            payload = b"".join(found)
            if len(found) != int(item[PARTS]["N"]):
                raise IntegrityError(
                    f"its payload has {len(found)} parts where {item[PARTS]['N']} belong",
                    partition=int(item["p"]["N"]),
                    seq=int(item["s"]["N"]),
                )
            item = {**item, BATCH["payload"]: {"B": payload}}
        return batch_of(item)

    def _head(self, partition: int) -> int:
        items = self._query(
            limit=1,
            KeyConditionExpression="p = :p",
            ExpressionAttributeValues={":p": {"N": str(partition)}},
            ScanIndexForward=False,
            ProjectionExpression="s",
        )
        return next((int(item["s"]["N"]) for item in items), 0)

    def _query(self, *, table: str | None = None, limit: int | None = None, **parameters: Any) -> Iterator[Item]:
        """Yield the items of a strongly consistent query, page after page of at most 1 MB."""
        found = 0
        parameters |= {"TableName": table or self._events, "ConsistentRead": True}
        while True:
            if limit is not None:
                parameters["Limit"] = limit - found
            answer = self._client.call("query", **parameters)
            yield from answer["Items"]
            found += len(answer["Items"])
            parameters["ExclusiveStartKey"] = answer.get("LastEvaluatedKey")
            if not parameters["ExclusiveStartKey"] or (limit is not None and found >= limit):
                return

    def _get(self, item_key: Item) -> Item | None:
        answer = self._client.call("get_item", TableName=self._snapshots, Key=item_key, ConsistentRead=True)
        return answer.get("Item")

    def _put_if_free(self, item: Item) -> Item | None:
        """Write an item of the snapshot table; return what stands in its place, if anything does."""
        try:
            self._client.call(
                "put_item", TableName=self._snapshots, Item=item, ConditionExpression="attribute_not_exists(a)"
            )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise self._failed(error) from error
            return self._get({"a": item["a"], "v": item["v"]})
        return None

    def _in_parallel(self, action: Callable[[T], R], items: Iterable[T]) -> list[R]:
        return list(self._threads.map(action, items))

    def _failed(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"{self._client.where} refused the request: {error}")


def _parts_name(batch_id: bytes) -> str:
    return f"#parts/{batch_id.hex()}"
