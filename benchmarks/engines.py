"""The engines that are measured: SQLite in a temporary folder, DynamoDB Local with fresh tables."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accounts.codec import account_codec
from eventstore.engines.base import Engine
from eventstore.engines.dynamodb import DynamoDBEngine
from eventstore.engines.dynamodb.client import Client
from eventstore.engines.dynamodb.tables import create_tables
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore
from tradingplatform.local.servers import EmbeddedDynamoDB

REGION = "us-east-1"
PARTITIONS = {"sqlite": 16, "dynamodb": 64}


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Run DynamoDB Local in memory; give its address."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedDynamoDB(Path(folder), is_durable=False)
        try:
            yield server.start()
        finally:
            server.stop()


@contextmanager
def engine_of(kind: str, url: str) -> Iterator[Engine]:
    """Give an empty engine of a kind, not opened yet."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            engine: Engine = SQLiteEngine(Path(folder))
        else:
            prefix = f"bench-{uuid.uuid4().hex[:8]}"
            list(create_tables(Client(endpoint_url=url, region=REGION), prefix=prefix))
            engine = DynamoDBEngine(endpoint_url=url, region=REGION, table_prefix=prefix)
        try:
            yield engine
        finally:
            engine.close()


@contextmanager
def store_on(kind: str, url: str) -> Iterator[EventStore]:
    """Give an empty store on an engine of a kind."""
    with engine_of(kind, url) as engine:
        yield EventStore.open(engine, codec=account_codec(), partition_count=PARTITIONS[kind])
