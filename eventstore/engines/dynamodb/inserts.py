"""Several conditional inserts in one request.

PartiQL's INSERT refuses a key that is taken, and each statement of a batch succeeds or fails on its own: so the batches
of many partitions need one request instead of one each. A request costs the client about a millisecond of its
processor, whatever is in it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from eventstore.engines.dynamodb.client import TRIES_MAX, Client
from eventstore.engines.dynamodb.items import Item
from eventstore.errors import EventStoreError, OutcomeUnknown, StoreUnavailable

STATEMENTS_MAX: Final = 25
"""Statements in one request; DynamoDB's limit."""

REQUEST_BYTES_MAX: Final = 3_800_000
"""Payloads in one request, unless a single one is larger."""

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
