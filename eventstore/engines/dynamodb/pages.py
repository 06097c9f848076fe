"""Pages in the snapshot table: by version under the table's own key, by time through a local index.

The pages of a stretch are written before its end is. So it is agreed first, for ever, where the stretch that begins at
a position ends: whoever writes its pages, another snapshotter or the next try after a crash, writes the same ones.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

from botocore.exceptions import ClientError

from eventstore.engines.dynamodb.client import Client, Item
from eventstore.engines.dynamodb.tables import PAGES_BY_TIME, key, page_item, page_name, page_of, stretch_item
from eventstore.errors import StoreUnavailable
from eventstore.record import StoredPage, Stretch

T = TypeVar("T")
R = TypeVar("R")

WRITES_AT_ONCE: Final = 25
UNPROCESSED_TRIES_MAX: Final = 20


class InParallel(Protocol):
    """Runs an action for each of several things on the engine's threads."""

    def __call__(self, action: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Return the results in order; raises the first error."""


class DynamoDBPages:
    """Implements the port `Pages` on one table."""

    def __init__(self, client: Client, *, table: str, in_parallel: InParallel) -> None:
        self._client = client
        self._table = table
        self._in_parallel = in_parallel

    def reserve_page_range(self, *, partition: int, after_seq: int, through_seq: int) -> int:
        item = {**key(f"#stretch/{partition}", after_seq), "n": {"N": str(through_seq)}}
        try:
            self._client.call(
                "put_item",
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(a)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            return int(error.response["Item"]["n"]["N"])
        return through_seq

    def put_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> bool:
        after_seq, through_seq = stretch.after_seq, stretch.through_seq
        if self.page_position(partition=partition) != after_seq:
            return False
        if self.reserve_page_range(partition=partition, after_seq=after_seq, through_seq=through_seq) != through_seq:
            return False  # Pages of another stretch under the same keys would be lost, or hold too much.
        self._write(pages)
        return self._move(partition, stretch)

    def replace_pages(self, pages: Sequence[StoredPage], *, partition: int, stretch: Stretch) -> None:
        self._write(pages)
        self._client.call("put_item", TableName=self._table, Item=stretch_item(partition, stretch))

    def page_position(self, *, partition: int) -> int:
        answer = self._client.call(
            "get_item", TableName=self._table, Key=key(f"#position/{partition}", 0), ConsistentRead=True
        )
        return int(answer["Item"]["n"]["N"]) if "Item" in answer else 0

    def page_stretches(self, *, partition: int) -> list[Stretch]:
        items = list(
            self._client.query(
                table=self._table,
                KeyConditionExpression="a = :a",
                ExpressionAttributeValues={":a": {"S": f"#positions/{partition}"}},
            )
        )
        ends = [0, *(int(item["v"]["N"]) for item in items)]
        versions = [int(item.get("f", {}).get("N", 0)) for item in items]
        return [Stretch(*of) for of in zip(ends, ends[1:], versions, strict=False)]

    def last_page(
        self, aggregate_id: str, *, version: int | None = None, timestamp: int | None = None
    ) -> StoredPage | None:
        if timestamp is not None:
            version = self._version_at(aggregate_id, timestamp, version)
            if version is None:
                return None
        items = self._client.query(
            table=self._table,
            KeyConditionExpression="a = :a" if version is None else "a = :a AND v <= :v",
            ExpressionAttributeValues={":a": {"S": page_name(aggregate_id)}}
            | ({} if version is None else {":v": {"N": str(version)}}),
            ScanIndexForward=False,
            limit=1,
        )
        return next(map(page_of, items), None)

    def pages(self, aggregate_id: str, *, after_version: int, limit: int) -> list[StoredPage]:
        first = self.last_page(aggregate_id, version=after_version + 1)
        items = self._client.query(
            table=self._table,
            KeyConditionExpression="a = :a AND v >= :v",
            ExpressionAttributeValues={
                ":a": {"S": page_name(aggregate_id)},
                ":v": {"N": str(first.first_version if first else 0)},
            },
            limit=limit + 1,
        )
        return [page for page in map(page_of, items) if page.last_version > after_version][:limit]

    def _version_at(self, aggregate_id: str, timestamp: int, version: int | None) -> int | None:
        """Return the first version of the last page that begins at or before an instant (and a version)."""
        highest: int | None = None
        start: Item | None = None
        while True:  # Pages that begin in the same microsecond come in no particular order.
            more: dict[str, Any] = {"ExclusiveStartKey": start} if start else {}
            answer = self._client.call(
                "query",
                TableName=self._table,
                IndexName=PAGES_BY_TIME,
                KeyConditionExpression="a = :a AND t <= :t",
                ExpressionAttributeValues={":a": {"S": page_name(aggregate_id)}, ":t": {"N": str(timestamp)}},
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=2,
                **more,
            )
            for item in answer["Items"]:
                found = int(item["v"]["N"])
                if version is not None and found > version:
                    continue
                if highest is not None and found < highest:
                    return highest
                highest = found
            start = answer.get("LastEvaluatedKey")
            if not start:
                return highest

    def _move(self, partition: int, stretch: Stretch) -> bool:
        """Move the position, and keep where the stretch ended, if the position is still where it was."""
        after_seq, through_seq = stretch.after_seq, stretch.through_seq
        condition = "n = :old" if after_seq else "attribute_not_exists(n)"
        values = {":new": {"N": str(through_seq)}} | ({":old": {"N": str(after_seq)}} if after_seq else {})
        head = {
            "TableName": self._table,
            "Key": key(f"#position/{partition}", 0),
            "UpdateExpression": "SET n = :new",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        end = {"TableName": self._table, "Item": stretch_item(partition, stretch)}
        try:
            self._client.call("transact_write_items", TransactItems=[{"Update": head}, {"Put": end}])
        except ClientError:
            return (
                self.page_position(partition=partition) == through_seq
            )  # Ours, if an answer was lost and it was sent again.
        return True

    def _write(self, pages: Sequence[StoredPage]) -> None:
        requests = [{"PutRequest": {"Item": page_item(page)}} for page in pages]
        stretches = [requests[start : start + WRITES_AT_ONCE] for start in range(0, len(requests), WRITES_AT_ONCE)]
        self._in_parallel(self._write_stretch, stretches)

    def _write_stretch(self, requests: Sequence[dict[str, Any]]) -> None:
        waiting: Sequence[dict[str, Any]] = requests
        for _ in range(UNPROCESSED_TRIES_MAX):
            answer = self._client.call("batch_write_item", RequestItems={self._table: waiting})
            waiting = answer.get("UnprocessedItems", {}).get(self._table, ())
            if not waiting:
                return
            self._client.pause()
        raise StoreUnavailable(f"{self._client.where} leaves writes undone: its capacity is too small, try again later")
