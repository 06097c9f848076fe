"""Batches as items of the journal's table: several conditional inserts in one request, and payloads that are too large.

PartiQL's INSERT refuses a key that is taken, and each statement of a batch succeeds or fails on its own: so the batches
of many partitions need one request instead of one each. A request costs the client about a millisecond of its
processor, whatever is in it.

A payload that does not fit into one item is cut into parts that are written to the snapshot table before their batch
is. A crash in between leaves parts that no item names: they cost their storage, and nothing else.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from eventstore.engines.dynamodb.client import TRIES_MAX, Client, Item
from eventstore.engines.dynamodb.tables import BATCH, ITEM_BYTES_MAX, batch_item, batch_of, key
from eventstore.errors import EventStoreError, IntegrityError, OutcomeUnknown, StoreUnavailable
from eventstore.record import StoredBatch

STATEMENTS_MAX: Final = 25
"""Statements in one request; DynamoDB's limit."""

REQUEST_BYTES_MAX: Final = 3_800_000
"""Payloads in one request, unless a single one is larger."""

PARTS: Final = "n"
"""In a batch's item: into how many parts its payload was cut; then `d` is not there."""

_THROTTLED: Final = frozenset(
    {"ProvisionedThroughputExceeded", "RequestLimitExceeded", "ThrottlingError", "TransactionConflict"}
)
_TAKEN: Final = frozenset({"ConditionalCheckFailed", "DuplicateItem"})


class Taken:
    """The key is taken; `item` is what stands there when DynamoDB says it (DynamoDB Local does not)."""

    def __init__(self, item: Item | None) -> None:
        self.item = item


Inserted = Taken | EventStoreError | None
"""None: it is written."""


def requests_of(sizes: Sequence[int]) -> Iterator[range]:
    """Yield which items, by their sizes in bytes, go together into one request: consecutive ones, within the limits."""
    first = size = 0
    for place, size_of_one in enumerate(sizes):
        if place > first and (place - first == STATEMENTS_MAX or size + size_of_one > REQUEST_BYTES_MAX):
            yield range(first, place)
            first, size = place, 0
        size += size_of_one
    if sizes:
        yield range(first, len(sizes))


def insert(client: Client, *, table: str, items: Sequence[Item]) -> list[Inserted]:
    """Insert items, each on its own condition, in one request; return what became of each.

    What was throttled is sent again, longer and longer; a request without an answer leaves every outcome unknown.
    """
    outcomes: list[Inserted] = [None] * len(items)
    waiting = list(range(len(items)))
    for attempt in range(TRIES_MAX):
        if attempt:
            client.pause(attempt)
        try:
            answer = client.call(
                "batch_execute_statement",
                is_idempotent=False,
                Statements=[_statement(table, items[place]) for place in waiting],
            )
        except EventStoreError as error:
            for place in waiting:
                outcomes[place] = error
            return outcomes
        throttled = []
        for place, response in zip(waiting, answer["Responses"], strict=True):
            failure = response.get("Error")
            if failure is not None and failure["Code"] in _THROTTLED:
                throttled.append(place)
            else:
                outcomes[place] = None if failure is None else _failure(client, failure)
        waiting = throttled
        if not waiting:
            return outcomes
    for place in waiting:
        outcomes[place] = StoreUnavailable(f"{client.where} throttled {TRIES_MAX} tries in a row: try again later")
    return outcomes


def _statement(table: str, item: Item) -> dict[str, Any]:
    fields = ", ".join(f"'{name}': ?" for name in item)
    return {
        "Statement": f'INSERT INTO "{table}" VALUE {{{fields}}}',
        "Parameters": list(item.values()),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _failure(client: Client, error: dict[str, Any]) -> Taken | EventStoreError:
    if error["Code"] in _TAKEN:
        return Taken(error.get("Item"))
    if error["Code"] == "InternalServerError":
        return OutcomeUnknown(f"{client.where} failed inside ({error.get('Message')}): it may have been written")
    if error["Code"] == "AccessDenied":
        return client.no_access(f"AccessDenied: {error.get('Message')}")
    return StoreUnavailable(f"{client.where} refused the batch: {error['Code']}, {error.get('Message')}")


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
        parts = self._client.query(
            table=self._table,
            KeyConditionExpression="a = :a",
            ExpressionAttributeValues={":a": {"S": _name(bytes(item["i"]["B"]))}},
        )
        found = [bytes(part.get("d", {}).get("B", b"")) for part in parts]
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


def _name(batch_id: bytes) -> str:
    return f"#parts/{batch_id.hex()}"
