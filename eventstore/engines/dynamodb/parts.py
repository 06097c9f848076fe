"""Payloads that do not fit into one item: cut into parts that are written to the snapshot table before their batch is.

A crash in between leaves parts that no item names: they cost their storage, and nothing else.
"""

from typing import Any, Final

from eventstore.engines.dynamodb.client import Client
from eventstore.engines.dynamodb.items import BATCH, ITEM_BYTES_MAX, Item, batch_item, batch_of, key
from eventstore.errors import IntegrityError
from eventstore.record import StoredBatch

PARTS: Final = "n"
"""In a batch's item: into how many parts its payload was cut; then `d` is not there."""


class Parts:
    """Cuts the payloads of batches and puts them together again."""

    def __init__(self, client: Client, *, table: str) -> None:
        self._client = client
        self._table = table

    def written(self, batch: StoredBatch) -> Item:
        """Return the item of a batch; a payload that would make it too large is written apart, before."""
        item = batch_item(batch)
        if len(batch.payload) + len(batch.leaf_prefixes) <= ITEM_BYTES_MAX:
            return item
        starts = range(0, len(batch.payload), ITEM_BYTES_MAX)
        for number, start in enumerate(starts):
            part = {**key(_name(batch.batch_id), number), "d": {"B": batch.payload[start : start + ITEM_BYTES_MAX]}}
            self._client.call("put_item", TableName=self._table, Item=part)
        del item[BATCH["payload"]]
        return {**item, PARTS: {"N": str(len(starts))}}

    def whole(self, item: Item) -> StoredBatch:
        """Return the batch of an item; raises IntegrityError when a part of its payload is missing."""
        if PARTS not in item:
            return batch_of(item)
        partition, seq = int(item["p"]["N"]), int(item["s"]["N"])
        try:
            expected = self.keys(item)
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"the item is not a batch ({error!r})", partition=partition, seq=seq) from error
        found = self._found(_name(bytes(item["i"]["B"])))
        if len(found) != len(expected):
            raise IntegrityError(
                f"its payload has {len(found)} parts where {len(expected)} belong", partition=partition, seq=seq
            )
        return batch_of({**item, BATCH["payload"]: {"B": b"".join(found)}})

    @staticmethod
    def keys(item: Item) -> list[Item]:
        """Return the keys of an item's parts, none when its payload is in the item itself."""
        count = int(item[PARTS]["N"]) if PARTS in item else 0
        return [key(_name(bytes(item["i"]["B"])), number) for number in range(count)]

    def _found(self, name: str) -> list[bytes]:
        found: list[bytes] = []
        more: dict[str, Any] = {}
        while True:
            answer = self._client.call(
                "query",
                TableName=self._table,
                ConsistentRead=True,
                KeyConditionExpression="a = :a",
                ExpressionAttributeValues={":a": {"S": name}},
                **more,
            )
            found += [bytes(part.get("d", {}).get("B", b"")) for part in answer["Items"]]
            if not answer.get("LastEvaluatedKey"):
                return found
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _name(batch_id: bytes) -> str:
    return f"#parts/{batch_id.hex()}"
