"""The plain layout on DynamoDB: one item for each event, put on the condition that its version is free."""

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from benchmarks.engines import REGION
from benchmarks.measure import Figure, rate
from benchmarks.trades import trade_requests
from eventstore.engines.dynamodb.client import Client

EVENTS = 1_000
TOGETHER = 100
THREADS = 8


def run(url: str) -> Iterator[Figure]:
    """Measure one after another, in transactions, and from several threads; count what is there."""
    client = Client(endpoint_url=url, region=REGION).boto3
    table = f"peer-{uuid.uuid4().hex[:8]}"
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "a", "AttributeType": "S"},
            {"AttributeName": "v", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "v", "KeyType": "RANGE"}],
    )
    items = _items(EVENTS * 3)

    def put(item: dict[str, Any]) -> None:
        client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(a)")

    def in_transactions(chosen: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(chosen), TOGETHER):
            client.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(a)"}}
                    for item in chosen[start : start + TOGETHER]
                ]
            )

    def from_threads(chosen: Sequence[dict[str, Any]]) -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(put, chosen))

    name = "store.peer.one_item_per_event"
    yield Figure(
        f"{name}_per_s", rate(EVENTS, lambda: [put(item) for item in items[:EVENTS]]), "events/s", "one by one"
    )
    speed = rate(EVENTS, lambda: in_transactions(items[EVENTS : 2 * EVENTS]))
    yield Figure(f"{name}_transactions_per_s", speed, "events/s", f"{TOGETHER} in a transaction")
    speed = rate(EVENTS, lambda: from_threads(items[2 * EVENTS :]))
    yield Figure(f"{name}_threads_per_s", speed, "events/s", f"{THREADS} threads")
    pages = client.get_paginator("scan").paginate(TableName=table, Select="COUNT")
    counted = sum(page["Count"] for page in pages)
    assert counted == len(items), f"{len(items)} events were acknowledged and {counted} are there"


def _items(count: int) -> list[dict[str, Any]]:
    versions: dict[str, int] = {}
    found = []
    for request in trade_requests(count):
        version = versions[request.aggregate_id] = versions.get(request.aggregate_id, 0) + 1
        body = msgspec.json.encode({"command_id": request.command_id, "actor": "bench", "trade": request.command})
        found.append({"a": {"S": request.aggregate_id}, "v": {"N": str(version)}, "d": {"B": body}})
    return found
