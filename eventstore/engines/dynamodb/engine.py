"""The DynamoDB engine: the journal as one item a batch, written with "nothing stands there yet" as its condition.

Batches of several partitions go in one request, each on its own condition (batches.py). Reads are strongly consistent.
What an answer that was lost means is told apart by the batch id.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from eventstore.engines.base import AppendOutcome
from eventstore.engines.dynamodb.batches import Inserted, Parts, Taken, insert, requests_of
from eventstore.engines.dynamodb.client import Client, Item
from eventstore.engines.dynamodb.pages import DynamoDBPages
from eventstore.engines.dynamodb.tables import (
    EVENTS_BY_TIME,
    EXPIRES_AT,
    ITEM_BYTES_MAX,
    document_item,
    events_table,
    key,
    metadata_item,
    metadata_of,
    snapshots_table,
)
from eventstore.errors import ConfigurationMismatch, EventStoreError, StoreUnavailable
from eventstore.record import Document, StoredBatch, StoreMetadata

T = TypeVar("T")
R = TypeVar("R")

THREADS_MAX: Final = 16

_FREE: Final = {"ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class DynamoDBEngine:
    """Keeps the journal in PREFIX-events and everything else in PREFIX-snapshots; `tables.py` makes both."""

    def __init__(self, *, region: str, table_prefix: str, endpoint_url: str | None = None) -> None:
        self._reopen = partial(DynamoDBEngine, region=region, table_prefix=table_prefix, endpoint_url=endpoint_url)
        self._client = Client(endpoint_url=endpoint_url, region=region)
        self._events = events_table(table_prefix)
        self._snapshots = snapshots_table(table_prefix)
        self._threads = ThreadPoolExecutor(THREADS_MAX, "dynamodb")
        self._partitions = range(0)
        self._parts = Parts(self._client, table=self._snapshots)
        pages = DynamoDBPages(self._client, table=self._snapshots, in_parallel=self._in_parallel)
        self.reserve_page_range = pages.reserve_page_range
        self.put_pages = pages.put_pages
        self.page_position = pages.page_position
        self.replace_pages = pages.replace_pages
        self.page_stretches = pages.page_stretches
        self.last_page = pages.last_page
        self.pages = pages.pages

    def check_exists(self) -> None:
        if self._get(key("#store", 0)) is None:
            raise ConfigurationMismatch(
                f"there is no event store in {self._snapshots} of {self._client.where}: check DYNAMODB_REGION and "
                "EVENT_STORE_TABLE_PREFIX"
            )

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

    def reopened(self) -> "DynamoDBEngine":
        again = self._reopen()
        again._partitions = self._partitions
        return again

    def write_lock(self) -> AbstractContextManager[None]:
        return nullcontext()

    def expect_appends(self) -> None:
        """Nothing would be quicker for it."""

    def append(self, batches: Sequence[StoredBatch]) -> list[AppendOutcome]:
        if len(batches) == 1:
            return [self._append_one(batches[0])]
        outcomes: list[AppendOutcome] = [None] * len(batches)
        items: dict[int, Item] = {}
        for place, batch in enumerate(batches):
            try:
                items[place] = self._parts.written(batch)
            except EventStoreError as error:
                outcomes[place] = error
        places = list(items)
        sizes = [min(len(batches[place].payload), ITEM_BYTES_MAX) for place in places]
        requests = [[places[n] for n in together] for together in requests_of(sizes)]
        inserted = self._in_parallel(lambda request: self._insert([items[place] for place in request]), requests)
        for request, of_request in zip(requests, inserted, strict=True):
            for place, outcome in zip(request, of_request, strict=True):
                outcomes[place] = self._taken(batches[place], outcome) if isinstance(outcome, Taken) else outcome
        return outcomes

    def read(self, *, partition: int, after_seq: int, limit: int) -> list[StoredBatch]:
        """What has expired counts as gone, whenever DynamoDB gets to removing it: then nothing changes on that day."""
        items = self._query(
            limit=limit,
            FilterExpression=f"attribute_not_exists({EXPIRES_AT})",
            KeyConditionExpression="p = :p AND s > :s",
            ExpressionAttributeValues={":p": {"N": str(partition)}, ":s": {"N": str(after_seq)}},
        )
        return [self._parts.whole(item) for item in items]

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
        """Let DynamoDB's TTL remove the items and their parts; that takes it up to some days."""
        last_seq = min(last_seq, self._head(partition) - 1)
        if last_seq < first_seq:
            return
        values = {":x": {"N": str(int(time.time()))}, ":f": {"B": manifest_hash}}

        def expire(item: Item) -> None:  # Its parts after it: a part may go only when no read wants it any more.
            self._expire(self._events, {"p": item["p"], "s": item["s"]}, values)
            for part in self._parts.keys(item):
                self._expire(self._snapshots, part, values)

        standing = self._query(
            KeyConditionExpression="p = :p AND s BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":p": {"N": str(partition)},
                ":first": {"N": str(first_seq)},
                ":last": {"N": str(last_seq)},
            },
            ProjectionExpression="p, s, i, n",
        )
        self._in_parallel(expire, standing)

    def append_document(self, document: Document) -> bool:
        token = {"w": {"B": uuid.uuid4().bytes}}  # Tells whose it is, when an answer was lost and it was sent again.
        standing = self._put_if_free({**document_item(document), **token})
        return standing is None or standing["w"] == token["w"]

    def documents(self, *, kind: str, after: int = 0) -> list[Document]:
        items = self._client.query(
            table=self._snapshots,
            KeyConditionExpression="a = :a AND v > :v",
            ExpressionAttributeValues={":a": {"S": f"#document/{kind}"}, ":v": {"N": str(after)}},
        )
        return [Document(kind, int(item["v"]["N"]), bytes(item["d"]["B"])) for item in items]

    def latest_document(self, *, kind: str) -> Document | None:
        for item in self._client.query(
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
            item = self._parts.written(batch)
            self._client.call("put_item", is_idempotent=False, TableName=self._events, Item=item, **_FREE)
        except ClientError as error:
            return self._taken(batch, Taken(error.response.get("Item")))
        except EventStoreError as error:
            return error
        return None

    def _insert(self, items: Sequence[Item]) -> list[Inserted]:
        return insert(self._client, table=self._events, items=items)

    def _taken(self, batch: StoredBatch, taken: Taken) -> AppendOutcome:
        """Return what stands in the place of a batch; None when it is that very batch."""
        try:
            standing = self._standing(batch, taken.item)
        except EventStoreError as damage:
            return damage
        return None if standing.batch_id == batch.batch_id else standing

    def _expire(self, table: str, item_key: Item, values: dict[str, Any]) -> None:
        with suppress(ClientError):  # Only a condition that failed comes through: then the item is gone already.
            self._client.call(
                "update_item",
                TableName=table,
                Key=item_key,
                UpdateExpression="SET #x = if_not_exists(#x, :x), #f = :f",
                ConditionExpression=f"attribute_exists({next(iter(item_key))})",
                ExpressionAttributeNames={"#x": EXPIRES_AT, "#f": "f"},
                ExpressionAttributeValues=values,
            )

    def _standing(self, batch: StoredBatch, item: Item | None) -> StoredBatch:
        """Return the batch that stands in the place of another."""
        if item is not None:
            return self._parts.whole(item)
        return self.read(partition=batch.partition, after_seq=batch.seq - 1, limit=1)[0]

    def _head(self, partition: int) -> int:
        items = self._query(
            limit=1,
            KeyConditionExpression="p = :p",
            ExpressionAttributeValues={":p": {"N": str(partition)}},
            ScanIndexForward=False,
            ProjectionExpression="s",
        )
        return next((int(item["s"]["N"]) for item in items), 0)

    def _query(self, *, limit: int | None = None, **parameters: Any) -> Iterator[Item]:
        return self._client.query(table=self._events, limit=limit, **parameters)

    def _get(self, item_key: Item) -> Item | None:
        answer = self._client.call("get_item", TableName=self._snapshots, Key=item_key, ConsistentRead=True)
        return answer.get("Item")

    def _put_if_free(self, item: Item) -> Item | None:
        """Write an item of the snapshot table; return what stands in its place, if anything does."""
        try:
            self._client.call(
                "put_item", TableName=self._snapshots, Item=item, ConditionExpression="attribute_not_exists(a)"
            )
        except ClientError:
            return self._get({"a": item["a"], "v": item["v"]})
        return None

    def _in_parallel(self, action: Callable[[T], R], items: Iterable[T]) -> list[R]:
        return list(self._threads.map(action, items))
