"""The peer of the DynamoDB engine: the plain layout, one item per event, key (aggregate_id, version), through boto3.

Each event is a conditional write, "this version does not exist yet", as every description of event sourcing on
DynamoDB has it: one PutItem after another, the same from a pool of threads, and TransactWriteItems of several. The
low-level client is used, whose items need no type inference; building the item is part of what is timed. The service
stands at an endpoint that the caller names; DynamoDB Local in memory is as durable as its process, no more.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import boto3
import msgspec
from botocore.config import Config

from benchmarks.measure import Figure, median, percentile, timed
from benchmarks.peers.trade_data import Trade

TABLE: Final = "peer-one-item-per-event"
THREADS: Final = 8
TRANSACTION_SIZES: Final = (25, 100)
"""Items in one TransactWriteItems; 100 is the service's limit."""
UNSET: Final = "attribute_not_exists(version)"

Item = dict[str, dict[str, Any]]


class Amounts(msgspec.Struct, frozen=True):
    """How many events each way of writing is measured with."""

    warm_up: int = 200
    sequential: int = 800
    threads: int = 1_600
    transactions: int = 2_500

    @property
    def events_max(self) -> int:
        """How many trades are needed at most."""
        return max(self.warm_up, self.sequential, self.threads, self.transactions)


FULL: Final = Amounts()


def run(
    trades: Sequence[Trade], endpoint_url: str, amounts: Amounts = FULL, *, service: str = "DynamoDB Local, in memory"
) -> Iterator[Figure]:
    """Measure at an endpoint; the table is made anew for each way of writing and removed afterwards.

    `service` is what the notes call the endpoint: only the caller knows whether it keeps anything on a disk.
    """
    client = open_client(endpoint_url)
    for _ in _sequential(client, trades[: amounts.warm_up], service):
        pass  # A service that has just started compiles its code first: these are not reported.
    yield from _sequential(client, trades[: amounts.sequential], service)
    yield _pooled(client, trades[: amounts.threads], service)
    for size in TRANSACTION_SIZES:
        yield _transactions(client, trades[: amounts.transactions], size, service)


def item_of(trade: Trade) -> Item:
    """Return the item: the key, the command's header, and an attribute for each figure; what is None is left out."""
    item: Item = {
        "aggregate_id": {"S": trade.account_id},
        "version": {"N": str(trade.version)},
        "type": {"S": "TradeExecuted"},
        "timestamp": {"N": str(trade.timestamp)},
        "command_id": {"S": trade.command_id},
        "actor": {"S": trade.actor},
    }
    executed = trade.executed
    optional = {"correlation_id": trade.correlation_id, "causation_id": trade.causation_id}
    for name, value in (*optional.items(), *((name, getattr(executed, name)) for name in executed.__struct_fields__)):
        if value is not None:
            item[name] = {"S": value} if isinstance(value, str) else {"N": str(value)}
    return item


def put(client: Any, trade: Trade) -> None:
    """Write one event, unless its version is taken."""
    client.put_item(TableName=TABLE, Item=item_of(trade), ConditionExpression=UNSET)


def put_together(client: Any, trades: Sequence[Trade]) -> None:
    """Write several events, or none of them when a version is taken."""
    puts = [{"Put": {"TableName": TABLE, "Item": item_of(t), "ConditionExpression": UNSET}} for t in trades]
    client.transact_write_items(TransactItems=puts)


def open_client(endpoint_url: str) -> Any:
    """Return a client; DynamoDB Local asks for credentials and checks none."""
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(max_pool_connections=THREADS),
    )


@contextmanager
def fresh_table(client: Any) -> Iterator[None]:
    """Make the empty table, and remove it when the block is left."""
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "aggregate_id", "AttributeType": "S"},
            {"AttributeName": "version", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "aggregate_id", "KeyType": "HASH"},
            {"AttributeName": "version", "KeyType": "RANGE"},
        ],
    )
    try:
        client.get_waiter("table_exists").wait(TableName=TABLE)
        yield
    finally:
        client.delete_table(TableName=TABLE)
        client.get_waiter("table_not_exists").wait(TableName=TABLE)


def assert_stored(client: Any, expected: int) -> None:
    """Check that the table holds exactly what was acknowledged."""
    pages = client.get_paginator("scan").paginate(TableName=TABLE, Select="COUNT", ConsistentRead=True)
    found = sum(page["Count"] for page in pages)
    assert found == expected, f"{expected} events were acknowledged and {found} are there"


def _sequential(client: Any, trades: Sequence[Trade], service: str) -> Iterator[Figure]:
    latencies: list[float] = []
    with fresh_table(client):
        for trade in trades:
            with timed(latencies):
                put(client, trade)
        assert_stored(client, len(trades))
    note = f"{len(trades):,} events, one conditional PutItem after another; {service}"
    yield Figure("store.peer.one_item_append_1_events_per_s", len(trades) / sum(latencies) * 1_000, "events/s", note)
    yield Figure("store.peer.one_item_lone_append_p50_ms", median(latencies), "ms", note)
    yield Figure("store.peer.one_item_lone_append_p99_ms", percentile(latencies, 0.99), "ms", note)


def _pooled(client: Any, trades: Sequence[Trade], service: str) -> Figure:
    with fresh_table(client), ThreadPoolExecutor(THREADS) as pool:
        started = time.perf_counter()
        for _ in pool.map(partial(put, client), trades):
            pass
        seconds = time.perf_counter() - started
        assert_stored(client, len(trades))
    note = f"{len(trades):,} events, conditional PutItem from {THREADS} threads; {service}"
    return Figure(f"store.peer.one_item_append_{THREADS}_threads_events_per_s", len(trades) / seconds, "events/s", note)


def _transactions(client: Any, trades: Sequence[Trade], size: int, service: str) -> Figure:
    with fresh_table(client):
        started = time.perf_counter()
        for start in range(0, len(trades), size):
            put_together(client, trades[start : start + size])
        seconds = time.perf_counter() - started
        assert_stored(client, len(trades))
    note = f"{len(trades):,} events, TransactWriteItems of {size} conditional puts; {service}"
    return Figure(f"store.peer.one_item_transact_{size}_events_per_s", len(trades) / seconds, "events/s", note)
